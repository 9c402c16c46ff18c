import type { AuditEvent } from "@auditsieve/audit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DetectionEngine } from "../detection-engine.ts";
import { FindingStream } from "../stream/finding-stream.ts";
import type { FindingStreamOptions } from "../stream/finding-stream-options.ts";
import { headOf } from "../reading/event-parts.ts";
import type { HeadView } from "../reading/head-view.ts";
import { loadDetections } from "../load-detections.ts";
import { eventAt } from "./events.suite.ts";

function stream(firstSeen: string, condition = "verb: get", options: FindingStreamOptions = {}): FindingStream {
  const { detections, problems } = loadDetections(
    `{title: T, id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10, level: low, logsource: {product: kubernetes, service: audit},
      detection: {s: {${condition}}, condition: s}, auditsieve: {first-seen: {${firstSeen}}}}`,
    "t.yml",
  );
  expect(problems).toEqual([]);
  return new FindingStream(new DetectionEngine(detections), options);
}

const HOUR = 3600;
const agent = (seconds: number, userAgent: string, username = "eve", over: Partial<AuditEvent> = {}): AuditEvent =>
  eventAt(seconds, { userAgent, user: { username }, ...over });

/** The offsets in seconds of the events that are found. */
function found(of: FindingStream, events: readonly AuditEvent[]): readonly string[] {
  return [...events.flatMap((event) => of.push(event)), ...of.flush()].flatMap(({ auditIDs }) => auditIDs);
}

describe("first-seen", () => {
  const events = [
    agent(0, "kubectl"),
    agent(1, "curl"),
    agent(2, "curl"),
    agent(3, "curl", "bob"),
    agent(4, "wget", "bob"),
    agent(2 * HOUR, "go", "bob"),
  ];

  it.each([
    [
      "per actor: the first value of each is learned",
      "fields: [userAgent], per: [user.username]",
      ["a-1", "a-4", `a-${2 * HOUR}`],
    ],
    [
      "the first value of each is found too",
      "fields: [userAgent], per: [user.username], opening: find",
      ["a-0", "a-1", "a-3", "a-4", `a-${2 * HOUR}`],
    ],
    ["for an hour all is learned", "fields: [userAgent], per: [user.username], learn: 1h", [`a-${2 * HOUR}`]],
    ["for the whole log", "fields: userAgent", ["a-1", "a-4", `a-${2 * HOUR}`]],
    ["several fields are one value", "fields: [user.username, userAgent]", ["a-1", "a-3", "a-4", `a-${2 * HOUR}`]],
  ] as const)("%s", (_what, spec, expected) => {
    expect(found(stream(spec), events)).toEqual(expected);
  });

  it("an optional field that is absent is a value of its own; one that is not optional is none", () => {
    const of = (seconds: number, subresource?: string): AuditEvent =>
      agent(seconds, "kubectl", "eve", {
        objectRef: { resource: "pods", apiVersion: "v1", ...(subresource !== undefined && { subresource }) },
      });
    const all = [of(0), of(1), of(2, "exec"), of(3, "exec"), of(4, "log"), of(5)];
    const deed = (more: string): FindingStream => stream(`fields: [verb], ${more}, per: [user.username]`);

    expect(found(deed("optional: [objectRef.subresource]"), all)).toEqual(["a-2", "a-4"]);
    expect(found(stream("fields: [verb, objectRef.subresource], per: [user.username]"), all)).toEqual(["a-4"]);
  });

  it("forgets the same where heads are remembered, and are not asked about one by one", () => {
    const run = (max: number, addresses: readonly string[], isRemembering: boolean): unknown => {
      const of = stream("fields: [sourceIPs], opening: find", "verb: get", { maxFirstSeen: max });
      const notes = new Map<string, unknown>();
      const asked = addresses.map((name, at) => {
        const event = agent(at, "kubectl", "eve", { sourceIPs: name.split(" ") });
        const recall = (part: string): unknown => notes.get(`${part} ${name}`);
        const note = (part: string, value: unknown): unknown => notes.set(`${part} ${name}`, value);
        const head: HeadView = isRemembering ? { ...headOf(event), recall, note } : headOf(event);
        const candidates = of.candidates(head);
        return [candidates.length, of.push(event, undefined, candidates).length];
      });
      return { asked, counts: of.counts() };
    };
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.constantFrom("a", "b", "a b", "c d e", "e", "b f"), { maxLength: 40 }),
        (max, addresses) => {
          expect(run(max, addresses, true)).toEqual(run(max, addresses, false));
        },
      ),
    );
  });

  it("remembers long values by their hash, each apart, and knows them from a snapshot that has them written out", () => {
    const long = (end: string): string => `${"x".repeat(200)}${end}`;
    const of = stream("fields: [userAgent], per: [user.username]");
    expect(found(of, [agent(0, long("a")), agent(1, long("b")), agent(2, long("a"))])).toEqual(["a-1"]);
    const snapshot = JSON.stringify(of.snapshot());
    expect(snapshot).not.toContain("xxx");
    const [id] = /5f0d8a3c[-\w]+/.exec(snapshot) ?? [];
    const written = (...texts: string[]): string =>
      texts.reduce((key, text) => `${key} ${text.length}:${text}`, `36:${id}`);
    const firstSeen = {
      groups: { young: [[written("eve"), 1]], old: [], evicted: 0 },
      tuples: { young: [[written("eve", long("a")), true]], old: [[written("eve", "short"), true]], evicted: 0 },
    };
    const again = stream("fields: [userAgent], per: [user.username]");
    expect(again.restore({ ...(JSON.parse(snapshot) as object), firstSeen })).toBe(true);
    expect(found(again, [agent(9, long("a")), agent(10, "short"), agent(11, long("c"))])).toEqual(["a-11"]);
  });

  it("says by the head alone that what it knows need not be parsed", () => {
    const of = stream("fields: [userAgent], per: [user.username]");
    const known = headOf(agent(9, "kubectl"));
    expect(of.candidates(known)).toHaveLength(1);
    of.push(agent(0, "kubectl"));
    expect(of.candidates(known)).toHaveLength(0);
    expect(of.candidates(headOf(agent(9, "curl")))).toHaveLength(1);
  });

  it("says by the head alone that there is no value, unless it is open whether the condition holds", () => {
    const pod = eventAt(9, { level: "Metadata", objectRef: { resource: "pods", namespace: "a", name: "b" } });
    const sure = stream("fields: [objectRef.subresource], per: [user.username]");
    expect(sure.candidates(headOf(pod))).toHaveLength(0);
    expect(found(sure, [pod])).toEqual([]);
    const open = stream("fields: [objectRef.subresource], per: [user.username]", "responseObject.a: b");
    expect(open.candidates(headOf(pod))).toHaveLength(1);
    expect(found(open, [pod])).toEqual([]);
    expect(Object.values(open.counts().undecided)).toEqual([1]);
  });

  it("learns only from requests that meet the condition, once they are over", () => {
    const of = stream("fields: [userAgent], per: [user.username]", "responseStatus.code: 403");
    const refused = { responseStatus: { code: 403 } };
    expect(found(of, [agent(0, "a"), agent(1, "b", "eve", refused), agent(2, "a", "eve", refused)])).toEqual(["a-2"]);
  });

  it("waits at RequestReceived, and finds a request once though its stages all match", () => {
    const of = stream("fields: [userAgent], per: [user.username]", "user.username: eve");
    const stages = (["RequestReceived", "ResponseStarted", "ResponseComplete"] as const).map((stage) =>
      agent(5, "curl", "eve", { stage }),
    );
    expect(found(of, [agent(0, "kubectl"), ...stages])).toEqual(["a-5"]);
    expect(found(of, [agent(9, "only-received", "eve", { stage: "RequestReceived" })])).toEqual(["a-9"]);
  });

  it("does not know values that the log does not say", () => {
    const of = stream("fields: [requestObject.spec.type]", "verb: create");
    expect(found(of, [eventAt(0, { verb: "create", level: "Metadata", objectRef: { resource: "services" } })])).toEqual(
      [],
    );
    expect(of.counts().undecided).toEqual({ "5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10": 1 });
  });

  it("no value can pass for two", () => {
    const of = stream("fields: [userAgent, requestURI]");
    const pair = (n: number, a: string, b: string): AuditEvent => agent(n, a, "eve", { requestURI: b });
    expect(found(of, [pair(0, "x", "y 1:z"), pair(1, "x 5:y", "z"), pair(2, "x 1:y", "1:z")])).toEqual(["a-1", "a-2"]);
  });

  it("goes on from a snapshot: nothing is new again, and what is new still is", () => {
    const spec = "fields: [userAgent], per: [user.username]";
    const first = stream(spec);
    found(first, events);
    const next = stream(spec);
    expect(next.restore(JSON.parse(JSON.stringify(first.snapshot())))).toBe(true);
    expect(found(next, [...events, agent(3 * HOUR, "never seen")])).toEqual([`a-${3 * HOUR}`]);
    expect(next.restore({ version: 2 })).toBe(false);
  });

  it("holds no more than its bound, and counts what it forgets", () => {
    const of = stream("fields: [userAgent]", "verb: get", { maxFirstSeen: 10 });
    found(
      of,
      Array.from({ length: 100 }, (_, n) => agent(n, `agent ${n}`)),
    );
    expect(of.counts().memoryEvicted).toBe(80);
  });
});

describe("the key auditsieve", () => {
  const load = (extension: string): readonly string[] =>
    loadDetections(
      `title: T
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10
level: low
logsource: { product: kubernetes, service: audit }
detection: { s: { verb: get }, condition: s }
auditsieve: ${extension}`,
      "t.yml",
    ).problems.map(({ id, severity, path, line }) => `${severity} ${id} ${path} ${line}`);

  it.each([
    ["7", ["error sigma-extension auditsieve 6"]],
    ["{ joins: {} }", ["error sigma-extension auditsieve 6"]],
    ["{ first-seen: {} }", ["error sigma-extension auditsieve.first-seen.fields 6"]],
    ["{ first-seen: { fields: [userAgent], when: now } }", ["error sigma-extension auditsieve.first-seen.when 6"]],
    ["{ first-seen: { fields: [userAgent], learn: 3y } }", ["error sigma-extension auditsieve.first-seen.learn 6"]],
    ["{ first-seen: { fields: [userAgent], learn: 91d } }", ["error sigma-extension auditsieve.first-seen.learn 6"]],
    [
      "{ first-seen: { fields: [userAgent], opening: always } }",
      ["error sigma-extension auditsieve.first-seen.opening 6"],
    ],
    ["{ first-seen: { fields: [userAgnt] } }", ["warning sigma-unknown-field auditsieve.first-seen.fields 6"]],
    [
      "{ first-seen: { fields: [auditsieve.pod.privilegd] } }",
      ["warning sigma-unknown-field auditsieve.first-seen.fields 6"],
    ],
    ["{ first-seen: { fields: [user_agent.original], per: user.name, learn: 1d, opening: find } }", []],
  ] as const)("%s", (extension, problems) => {
    expect(load(extension)).toEqual(problems);
  });

  it("names the fields among the needs, and what must have been seen before", () => {
    const { detections } = loadDetections(
      `{title: T, id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10, level: low, logsource: {product: kubernetes},
        detection: {s: {verb: get, objectRef.resource: pods, objectRef.subresource: exec, auditsieve.pod.privileged: true}, condition: s},
        auditsieve: {first-seen: {fields: [userAgent]}}}`,
      "t.yml",
    );
    const needs = detections[0]?.needs ?? [];
    expect(needs[0]?.fields).toContain("userAgent");
    expect(needs[0]?.level).toBe("Metadata");
    expect(
      needs.some(
        ({ request, level }) =>
          request.resources?.includes("pods") && request.verbs?.includes("create") && level === "Request",
      ),
    ).toBe(true);
  });
});
