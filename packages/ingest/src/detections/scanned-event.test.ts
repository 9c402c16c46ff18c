import { readFileSync } from "node:fs";
import { EventScan, isJsonObject, KeyEndings, KeyPaths, own } from "@auditsieve/audit";
import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import { ClusterMemory, evaluateDetection, HEAD_FIELDS, headOf, loadDetectionFiles } from "@auditsieve/detect";
import type { Detection } from "@auditsieve/detect";
import { describe, expect, it } from "vitest";
import { HeadMemo } from "./head-memo.ts";
import { Dice } from "../filter/line-mutator.suite.ts";
import { scanHead } from "./scan-head.ts";
import { scannedEvent } from "./scanned-event.ts";
import { spelling } from "../spelling.suite.ts";

const lines = readFileSync(new URL("../../../../samples/small.log", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line !== "");

function valueAt(body: JsonValue | undefined, keys: readonly string[]): JsonValue | undefined {
  return keys.reduce((value, key) => (isJsonObject(value) ? own(value, key) : undefined), body);
}

const PATHS = [
  ["spec"],
  ["spec", "containers"],
  ["spec", "nodeName"],
  ["metadata", "name"],
  ["status", "podIPs"],
] as const;
const FOUND = new KeyPaths(PATHS);
const PRIVILEGED = new KeyEndings(["privileged"]);

/** Every field read by itself, in that order, before the whole is asked for. */
function fieldsOf(event: object, fields: readonly string[]): unknown {
  return Object.fromEntries(fields.map((field) => [field, Reflect.get(event, field) as unknown]));
}

describe("scannedEvent", () => {
  it.each(["while the scan holds it", "after the scan has gone on"])("is the parsed line %s", (when) => {
    const scan = new EventScan();
    const other = Buffer.from(lines[0] ?? "");
    for (const line of lines) {
      const bytes = Buffer.from(`xx${line}\n`);
      const parsed = JSON.parse(line) as object;
      expect(scan.scan(bytes, 2, bytes.length - 1)).toBe(true);
      const [inOrder, backwards, whole] = [1, 2, 3].map(() => scannedEvent(scan, Buffer.from(line)));
      if (when.startsWith("after")) {
        scan.scan(other, 0, other.length);
      }
      const fields = [...Object.keys(parsed), "impersonatedUser", "requestObject", "annotations"];
      const expected = fieldsOf(parsed, fields);
      expect(fieldsOf(inOrder as object, fields)).toEqual(expected);
      expect(fieldsOf(backwards as object, fields.toReversed())).toEqual(expected);
      expect(JSON.stringify(whole)).toBe(JSON.stringify(parsed));
      expect(whole?.toJSON()).toEqual(parsed);
    }
  });

  it.each([
    ['{"responseObject":{"a":1},"requestObject":[2],', { responseObject: { a: 1 }, requestObject: [2] }],
    ['{"requestObject":"é\\u0000","responseObject":7,', { requestObject: "é\u0000", responseObject: 7 }],
    ['{"requestObject":null,"annotations":null,', { requestObject: null, annotations: null }],
    ['{"toJSON":1,"authenticationMetadata":{"a":1},', { toJSON: 1, authenticationMetadata: { a: 1 } }],
  ])("reads bodies in any order and of any form: %s", (bodies, expected) => {
    const line = `${bodies}"level":"Metadata","stage":"ResponseComplete","requestURI":"/é","verb":"get","user":{"username":"é"}}`;
    const bytes = Buffer.from(line);
    const scan = new EventScan();
    expect(scan.scan(bytes, 0, bytes.length)).toBe(true);
    const event = scannedEvent(scan, bytes);
    expect(event.requestURI).toBe("/é");
    expect(event.user.username).toBe("é");
    expect(event.toJSON()).toMatchObject({ ...expected, requestURI: "/é", user: { username: "é" } });
  });
});

/** Conditions about a body as a whole, and not about what stands in it. */
const OF_WHOLE_BODIES = loadDetectionFiles([
  {
    file: "whole.yml",
    text: [
      "requestObject|same: { op: add, value: true }",
      "requestObject|exists: true",
      "requestObject: null",
      "responseObject: '*'",
    ]
      .map(
        (item, i) => `---
title: Whole body ${i}
id: 6f1f6f5e-27c1-4a0b-9a8e-0f0f5b1b000${i}
level: low
logsource: { product: kubernetes, service: audit }
detection:
  selection:
    ${item}
  condition: selection
`,
      )
      .join(""),
  },
]).detections;

describe("a condition about a whole body", () => {
  it.each([
    ["a JSON patch", [{ op: "add", path: "/spec/hostPID", value: true }]],
    ["an object", { op: "add", value: true }],
    ["an empty object", {}],
    ["nothing", null],
    ["a text", "requestObject"],
  ])("comes out of the line as of the parsed event: %s", (_, body) => {
    const event = {
      ...(JSON.parse(lines[0] ?? "") as AuditEvent),
      verb: "patch",
      requestObject: body,
      responseObject: body,
    };
    const line = Buffer.from(JSON.stringify(event));
    const scan = new EventScan();
    expect(scan.scan(line, 0, line.length)).toBe(true);
    expect(OF_WHOLE_BODIES).toHaveLength(4);
    for (const detection of OF_WHOLE_BODIES) {
      expect(evaluateDetection(detection, scannedEvent(scan, line)), detection.title).toBe(
        evaluateDetection(detection, JSON.parse(line.toString()) as AuditEvent),
      );
    }
  });
});

/** What stands in bodies of pods, and what only looks like it. */
function bodyOf(dice: Dice): unknown {
  const decoy = dice.of(['"privileged":true', '{"spec":{"hostPID":true}}', 'nodeName"', "podIP", "é\n"]);
  const container = {
    name: decoy,
    ...(dice.below(3) === 0 && { securityContext: { privileged: dice.of([true, false, "true"]) } }),
  };
  const spec = {
    containers: dice.of([[container], [], [container, 7], null]),
    ...(dice.below(3) === 0 && { nodeName: dice.of(["n1", "", 3]) }),
    ...(dice.below(3) === 0 && { hostPID: true, hostNetwork: dice.of([true, "true"]) }),
    ...(dice.below(3) === 0 && { serviceAccountName: decoy }),
    ...(dice.below(3) === 0 && { volumes: [{ hostPath: { path: "/" } }, { name: "v" }] }),
  };
  const status = { podIP: dice.of(["10.0.0.1", ""]), podIPs: [{ ip: "10.0.0.1" }, { ip: "10.0.0.2" }] };
  const metadata = { name: dice.of(["p1", "p2", ""]), uid: "u", annotations: { a: JSON.stringify({ spec }) } };
  const whole = {
    metadata,
    ...(dice.below(4) > 0 && { spec }),
    ...(dice.below(3) === 0 && { status }),
    target: { name: "n2" },
    items: [{ metadata }],
    ...(dice.below(4) === 0 && { "spec.nodeName": dice.of(["n4", null]), "status/ip.io/$pods": { ready: "1" } }),
  };
  return dice.of([whole, whole, whole, [whole], { spec: whole }, null, decoy, 7]);
}

/** Of each field: whether it is there, whether it is null, whether it holds a letter. */
function detectionsOf(file: string, fields: readonly string[]): readonly Detection[] {
  const documents = fields.flatMap((field, index) =>
    [{ [`${field}|exists`]: true }, { [field]: null }, { [field]: "*e*" }].map((selection, kind) => ({
      title: field,
      id: `${file}-${index}-${kind}`,
      level: "low",
      logsource: { product: "kubernetes", service: "audit" },
      detection: { selection, condition: "selection" },
    })),
  );
  return loadDetectionFiles([{ file, documents }]).detections;
}

const OF_HEAD = detectionsOf("head.yml", HEAD_FIELDS);

describe("what is not parsed of a scanned event", () => {
  const deeds = [
    ["create", undefined],
    ["create", "binding"],
    ["patch", "status"],
    ["patch", "ephemeralcontainers"],
    ["delete", undefined],
    ["deletecollection", undefined],
  ] as const;
  const fields = [
    "spec.nodeName",
    "spec.containers.securityContext.privileged",
    "metadata.name",
    "status.podIP",
    "status.podIPs",
    "spec.containers",
    "spec",
    "é",
  ];
  const ofBodies = detectionsOf(
    "bodies.yml",
    [
      ...fields,
      "spec.volumes.hostPath.path",
      "metadata.annotations.a",
      "status/ip.io/$pods.ready",
      "status/ip.io/$pods",
    ].flatMap((field) => [`requestObject.${field}`, `responseObject.${field}`]),
  );

  it("does not matter: memory and conditions read in bytes, however they are spelled, what the parsed event holds", () => {
    const scan = new EventScan();
    const head = scanHead(scan);
    const [byBytes, byHead, byValues] = [new ClusterMemory(), new ClusterMemory(), new ClusterMemory()];
    let lacking = 0;
    let listing = 0;
    for (let seed = 1; seed <= 300; seed++) {
      const dice = new Dice(seed);
      const [verb, subresource] = dice.of(deeds);
      const event = {
        level: "RequestResponse",
        auditID: `${seed}`,
        stage: "ResponseComplete",
        requestURI: dice.of(["/api/v1/namespaces/shop/pods", "/null"]),
        verb,
        user: {
          ...(dice.below(4) > 0 && { username: dice.of(["eve", "eve", "null", null]) }),
          ...(dice.below(3) === 0 && { extra: { "authentication.kubernetes.io/credential-id": ["JTI=1"] } }),
        },
        objectRef: {
          resource: "pods",
          namespace: "shop",
          ...(subresource !== undefined ? { subresource } : dice.below(6) === 0 && { subresource: null }),
          ...(dice.below(2) === 0 && { name: dice.of(["p1", "p1", "null", null]) }),
        },
        ...(dice.below(4) === 0 && { impersonatedUser: null }),
        responseStatus: { code: 200 },
        requestObject: bodyOf(dice),
        responseObject: bodyOf(dice),
        stageTimestamp: new Date(seed * 1000).toISOString(),
      };
      const spelled = Object.entries(event).map(
        ([key, value]) => `"${key}":${key.endsWith("Object") ? spelling(value, dice) : JSON.stringify(value)}`,
      );
      const line = Buffer.from(`{${spelled.join(",")}}`);
      expect(scan.scan(line, 0, line.length)).toBe(true);
      const parsed = JSON.parse(line.toString()) as AuditEvent;
      byBytes.observe(scannedEvent(scan, line));
      byHead.observe(scannedEvent(scan, line, head));
      byValues.observe(parsed);
      const expected = JSON.stringify(byValues.snapshot());
      expect(JSON.stringify(byBytes.snapshot()), line.toString()).toBe(expected);
      expect(JSON.stringify(byHead.snapshot()), line.toString()).toBe(expected);
      const heads = [scannedEvent(scan, line), scannedEvent(scan, line, head), parsed].map((one) =>
        HEAD_FIELDS.map((field) => headOf(one).get(field)),
      );
      expect(heads[0]).toEqual(heads[2]);
      expect(heads[1]).toEqual(heads[2]);
      if (seed % 4 === 0) {
        const outcomes = [scannedEvent(scan, line, head), parsed].map((one) =>
          [...OF_HEAD, ...ofBodies].map((detection) => evaluateDetection(detection, one)),
        );
        expect(outcomes[0]).toEqual(outcomes[1]);
      }
      const scanned = scannedEvent(scan, line);
      expect([scanned.impersonatedUser, scanned.annotations]).toEqual([parsed.impersonatedUser, parsed.annotations]);
      for (const body of ["requestObject", "responseObject"] as const) {
        for (const field of fields) {
          const keys = field.split(".");
          const text = JSON.stringify(parsed[body]);
          const isLacking = scanned.lacksAll(body, new KeyEndings([keys.at(-1) ?? ""]));
          if (isLacking) {
            lacking++;
            expect(text).not.toContain(`${keys.at(-1)}":`);
          }
          const endings = new KeyEndings([keys.at(-1) ?? "", "nowhere"]);
          expect(scanned.lacksAll(body, endings)).toBe(isLacking);
          const expected = valueAt(parsed[body], keys);
          const members = isJsonObject(parsed[body]) ? parsed[body] : undefined;
          expect(scanned.isObject(body)).toBe(members !== undefined);
          expect(members && scanned.member(body, keys[0] ?? "")).toEqual(members && own(members, keys[0] ?? ""));
          expect(scanned.part(body, keys), `${field} of ${line.toString()}`).toEqual(expected);
        }
        scanned.find(body, FOUND);
        const spec = valueAt(parsed[body], ["spec"]);
        if (FOUND.lacks(0, PRIVILEGED)) {
          expect(spec).toBeDefined();
          expect(JSON.stringify(spec)).not.toContain('privileged":');
        }
        PATHS.forEach((path, i) => {
          const expected = valueAt(parsed[body], path);
          expect(FOUND.value(i), `${path.join(".")} of ${line.toString()}`).toEqual(expected);
          if (FOUND.listsObjects(i)) {
            listing++;
            expect(Array.isArray(expected) && isJsonObject(expected[0])).toBe(true);
          }
        });
      }
    }
    expect(lacking).toBeGreaterThan(100);
    expect(listing).toBeGreaterThan(20);
    expect(OF_HEAD).toHaveLength(3 * HEAD_FIELDS.length);
  });
});

describe("HeadMemo", () => {
  const scan = new EventScan();
  const scanned = (event: object): void => {
    const bytes = Buffer.from(JSON.stringify(event));
    expect(scan.scan(bytes, 0, bytes.length)).toBe(true);
  };
  const event = {
    level: "Metadata",
    auditID: "1",
    stage: "ResponseComplete",
    requestURI: "/",
    verb: "get",
    user: { username: "eve" },
    sourceIPs: ["::1"],
    objectRef: { resource: "pods", resourceVersion: "1" },
  };
  const noted = (): HeadMemo => {
    const memo = new HeadMemo(scan);
    scanned(event);
    expect(memo.recall("whole")).toBeUndefined();
    expect(memo.recall("unnamed")).toBeUndefined();
    memo.note("unnamed", "by all but names");
    memo.note("whole", "by all");
    return memo;
  };

  it("knows a head again, whatever stands outside it", () => {
    const memo = noted();
    const objectRef = { resource: "pods", resourceVersion: "2" };
    scanned({ ...event, auditID: "2", objectRef, requestObject: { a: 1 } });
    expect(memo.recall("whole")).toBe("by all");
    expect(memo.recall("unnamed")).toBe("by all but names");
  });

  it.each([{ requestURI: "/x" }, { objectRef: { resource: "pods", name: "x" } }])("by all but names: %j", (change) => {
    const memo = noted();
    scanned({ ...event, ...change });
    expect(memo.recall("whole")).toBeUndefined();
    expect(memo.recall("unnamed")).toBe("by all but names");
  });

  it.each([
    { level: "Request" },
    { stage: "Panic" },
    { verb: "list" },
    { user: { username: "bob" } },
    { user: { username: "eve", extra: { a: ["b"] } } },
    { impersonatedUser: { username: "bob" } },
    { sourceIPs: ["::2"] },
    { userAgent: "curl" },
    { objectRef: { resource: "nodes" } },
    { objectRef: { resource: "pods", subresource: "exec" } },
    { responseStatus: { code: 403 } },
    { annotations: { a: "b" } },
  ])("tells apart what differs by %j", (change) => {
    const memo = noted();
    scanned({ ...event, ...change });
    expect(memo.recall("whole")).toBeUndefined();
    expect(memo.recall("unnamed")).toBeUndefined();
  });

  it("knows heads by the numbers that another memo has for them", () => {
    const numbers = new HeadMemo(scan);
    const memo = new HeadMemo(scan, () => numbers.unnamed?.number ?? 0);
    scanned(event);
    memo.note("unnamed", "by all but names");
    memo.note("whole", "by all");
    const recalled = (change: object): readonly unknown[] => {
      scanned({ ...event, ...change });
      return [memo.recall("unnamed"), memo.recall("whole")];
    };
    expect(recalled({ auditID: "2" })).toEqual(["by all but names", "by all"]);
    expect(recalled({ requestURI: "/x" })).toEqual(["by all but names", undefined]);
    expect(recalled({ verb: "list" })).toEqual([undefined, undefined]);
    expect(recalled({ userAgent: "x".repeat(5_000) })).toEqual([undefined, undefined]);
    expect(memo.unnamed).toBeUndefined();
  });

  it("starts again when it is full", () => {
    const memo = new HeadMemo(scan);
    for (let n = 0; n < 20_000; n++) {
      for (let times = 0; times < 2; times++) {
        scanned({ ...event, requestURI: `/${n}` });
        memo.note("whole", n);
      }
    }
    expect(memo.recall("whole")).toBe(19_999);
    scanned({ ...event, requestURI: "/1" });
    expect(memo.recall("whole")).toBeUndefined();
  });

  it("keeps what it knows while very many heads come once, and takes in those that come again", () => {
    const memo = new HeadMemo(scan);
    const user = (n: number): object => ({ ...event, user: { username: `made-up-${n}` } });
    scanned(event);
    memo.note("unnamed", "known");
    let entries = 0;
    for (let n = 0; n < 20_000; n++) {
      scanned(user(n));
      entries += memo.unnamed === undefined ? 0 : 1;
    }
    expect(entries).toBeLessThan(2_100);
    scanned(event);
    expect(memo.recall("unnamed")).toBe("known");
    scanned(user(19_999));
    memo.note("unnamed", "come again");
    scanned(user(19_999));
    expect(memo.recall("unnamed")).toBe("come again");
  });

  it("does not remember heads over its size", () => {
    const memo = new HeadMemo(scan);
    scanned({ ...event, requestURI: `/${"x".repeat(5000)}` });
    memo.note("whole", "seen");
    expect(memo.recall("whole")).toBeUndefined();
    expect(memo.recall("unnamed")).toBeUndefined();
  });
});
