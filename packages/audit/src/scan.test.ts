import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeEvent } from "./decode.ts";
import {
  aksRecord,
  aksRecords,
  cloudWatchExport,
  cloudWatchSubscription,
  gkeEntry,
  gkePayload,
} from "./envelope/wrapped.suite.ts";
import { EventScan, SCAN_WORDS } from "./scan.ts";
import type { Field } from "./scan.ts";
import { FIELD } from "./scan-fields.ts";

const EVENT = {
  kind: "Event",
  apiVersion: "audit.k8s.io/v1",
  level: "RequestResponse",
  auditID: "4d2c",
  stage: "ResponseComplete",
  requestURI: "/api/v1/namespaces/shop/secrets?limit=1\u0026x=%20",
  verb: "create",
  user: { username: 'jane "q" \\ é', uid: "7", groups: ["dev", "system:authenticated"], extra: { a: ["b"] } },
  impersonatedUser: { username: "root", groups: ["system:masters"] },
  sourceIPs: ["127.0.0.1"],
  userAgent: "curl",
  objectRef: { resource: "secrets", namespace: "shop", name: "x", apiVersion: "v1", subresource: "status" },
  responseStatus: { metadata: {}, code: 201 },
  requestObject: {
    user: { username: "system:kube-scheduler" },
    verb: "watch",
    list: [1, -2.5e3, true, null, "\u2028"],
  },
  responseObject: [{ level: "None" }],
  requestReceivedTimestamp: "2026-11-24T00:12:19.857508Z",
  stageTimestamp: "2026-11-24T00:12:19.858495Z",
  annotations: { "authorization.k8s.io/decision": "allow" },
};

function scanText(text: string | Buffer): EventScan & { readonly ok: boolean } {
  const line = Buffer.from(text as string);
  // Bytes around the line, so that reading past it would show.
  const padded = Buffer.concat([Buffer.from('{"user":"'), line, Buffer.from('"}}}')]);
  const scan = new EventScan();
  const ok = scan.scan(padded, 9, 9 + line.length);
  return Object.assign(scan, { ok });
}

/** The reference: parses with JSON.parse and finds repeated keys by walking the text with a naive tokenizer. */
function isDecidable(line: Buffer): boolean {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(line);
    JSON.parse(text);
  } catch {
    return false;
  }
  const event = JSON.parse(text) as Record<string, unknown>;
  if (typeof event !== "object" || event === null || Array.isArray(event)) {
    return false;
  }
  if (repeatsKnownKey(text)) {
    return false;
  }
  const str = (v: unknown): boolean => v === undefined || v === null || typeof v === "string";
  const obj = (v: unknown): boolean => v === undefined || v === null || (typeof v === "object" && !Array.isArray(v));
  const strs = (v: unknown): boolean =>
    v === undefined || v === null || (Array.isArray(v) && v.every((each) => typeof each === "string"));
  const below = (v: unknown): Record<string, unknown> =>
    (typeof v === "object" && v !== null ? v : {}) as Record<string, unknown>;
  const user = below(event["user"]);
  const impersonated = below(event["impersonatedUser"]);
  const ref = below(event["objectRef"]);
  const status = below(event["responseStatus"]);
  return (
    (event["kind"] === undefined || event["kind"] === null || event["kind"] === "Event") &&
    (event["apiVersion"] === undefined || event["apiVersion"] === null || event["apiVersion"] === "audit.k8s.io/v1") &&
    ["None", "Metadata", "Request", "RequestResponse"].includes(event["level"] as string) &&
    ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"].includes(event["stage"] as string) &&
    typeof event["requestURI"] === "string" &&
    typeof event["verb"] === "string" &&
    obj(event["user"]) &&
    event["user"] !== undefined &&
    event["user"] !== null &&
    ["auditID", "userAgent", "requestReceivedTimestamp", "stageTimestamp"].every((key) => str(event[key])) &&
    ["impersonatedUser", "objectRef", "responseStatus", "annotations"].every((key) => obj(event[key])) &&
    strs(event["sourceIPs"]) &&
    [user, impersonated].every(
      (each) => str(each["username"]) && str(each["uid"]) && strs(each["groups"]) && obj(each["extra"]),
    ) &&
    ["resource", "namespace", "name", "uid", "apiGroup", "apiVersion", "resourceVersion", "subresource"].every((key) =>
      str(ref[key]),
    ) &&
    (status["code"] === undefined ||
      status["code"] === null ||
      (typeof status["code"] === "number" && /"code"\s*:\s*\d{1,5}\s*[,}]/.test(text)))
  );
}

const KNOWN: Readonly<Record<string, readonly string[]>> = {
  "": "kind apiVersion level auditID stage requestURI verb user impersonatedUser sourceIPs userAgent objectRef responseStatus requestObject responseObject requestReceivedTimestamp stageTimestamp annotations".split(
    " ",
  ),
  user: ["username", "uid", "groups", "extra"],
  impersonatedUser: ["username", "uid", "groups", "extra"],
  objectRef: ["resource", "namespace", "name", "uid", "apiGroup", "apiVersion", "resourceVersion", "subresource"],
  responseStatus: ["code"],
};

/** Walks valid JSON text with a stack of key sets. */
function repeatsKnownKey(text: string): boolean {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gs) ?? [];
  const stack: { object: boolean; path: string | undefined; seen: Set<string>; key: string }[] = [];
  let expectKey = false;
  for (const [i, token] of tokens.entries()) {
    const top = stack.at(-1);
    if (token === "{" || token === "[") {
      const path = top === undefined ? "" : top.object && top.path === "" ? top.key : undefined;
      stack.push({ object: token === "{", path: token === "{" ? path : undefined, seen: new Set(), key: "" });
      expectKey = token === "{";
    } else if (token === "}" || token === "]") {
      stack.pop();
      expectKey = false;
    } else if (token === ",") {
      expectKey = top?.object ?? false;
    } else if (expectKey && top !== undefined && tokens[i + 1] === ":") {
      top.key = JSON.parse(token) as string;
      if (top.path !== undefined && (KNOWN[top.path] ?? []).includes(top.key)) {
        if (top.seen.has(top.key)) {
          return true;
        }
        top.seen.add(top.key);
      }
      expectKey = false;
    }
  }
  return false;
}

describe("EventScan", () => {
  test("EventScan finds the fields of an event and nothing of its bodies", () => {
    const scan = scanText(JSON.stringify(EVENT));
    expect(scan.ok).toBe(true);
    expect([scan.level, scan.stage, scan.code]).toEqual(["RequestResponse", "ResponseComplete", 201]);
    expect(scan.text("user.username")).toBe('jane "q" \\ é');
    expect(scan.text("requestURI")).toBe("/api/v1/namespaces/shop/secrets?limit=1&x=%20");
    expect(scan.value("user.groups")).toEqual(["dev", "system:authenticated"]);
    expect(scan.text("objectRef.apiGroup")).toBeUndefined();
    expect(scan.text("objectRef.subresource")).toBe("status");
    expect(scan.value("requestObject")).toEqual(EVENT.requestObject);
    expect(scan.has("impersonatedUser")).toBe(true);
  });

  test("EventScan reads any key order, white space and escaped keys", () => {
    const reversed = Object.fromEntries(Object.entries(EVENT).reverse());
    const text = JSON.stringify(reversed, undefined, 2).replace('"verb"', '"v\\u0065rb"').replaceAll("\n", "\r\t ");
    const scan = scanText(text);
    expect(scan.ok).toBe(true);
    expect(scan.text("verb")).toBe("create");
    expect(scan.value("objectRef")).toEqual(EVENT.objectRef);
  });

  const text = JSON.stringify(EVENT);
  const damaged: readonly (readonly [string, string | Buffer, string])[] = [
    ["an empty line", "", "not-json"],
    ["a torn line", text.slice(0, -40), "not-json"],
    ["a torn line glued to a whole one", text.slice(0, 700) + text, "not-json"],
    ["two events on one line", text + text, "not-json"],
    [
      "NUL bytes in place of a page",
      Buffer.concat([Buffer.from(text.slice(0, 500)), Buffer.alloc(64), Buffer.from(text.slice(564))]),
      "not-json",
    ],
    ["NUL bytes behind the event", `${text}\0\0`, "not-json"],
    ["a byte order mark", `\ufeff${text}`, "not-json"],
    [
      "invalid UTF-8",
      Buffer.concat([Buffer.from(text.slice(0, -2)), Buffer.from([0xc0, 0x80]), Buffer.from('"}}')]),
      "not-json",
    ],
    ["a list of events", `[${text}]`, "in-an-envelope"],
    ["the beginning of a list of events", `[${text},`, "not-json"],
    [
      "a second user",
      text.replace('"sourceIPs"', '"user":{"username":"system:apiserver"},"sourceIPs"'),
      "duplicate-field",
    ],
    ["a second user by escapes", text.replace('"sourceIPs"', '"us\\u0065r":{},"sourceIPs"'), "duplicate-field"],
    ["a user that is a string", text.replace(/"user":\{.*?\}\}/, '"user":"x"'), "wrong-type"],
    ["groups that are no strings", text.replace('["dev"', '[7,"dev"'), "wrong-type"],
    ["an endless code", text.replace('"code":201', '"code":2e400'), "wrong-type"],
    ["no verb", text.replace('"verb":"create",', ""), "missing-field"],
    ["a null stage", text.replace('"stage":"ResponseComplete"', '"stage":null'), "missing-field"],
    ["another stage", text.replace("ResponseComplete", "ResponseCompleted"), "not-an-audit-event"],
    ["an EventList", '{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[]}', "in-an-envelope"],
    ["a record of AKS", aksRecord(text), "in-an-envelope"],
    ["records of AKS", aksRecords([text]), "in-an-envelope"],
    ["a LogEntry of GKE", gkeEntry(), "in-an-envelope"],
    ["a CloudWatch subscription", cloudWatchSubscription([text]), "in-an-envelope"],
    ["an exported CloudWatch line", cloudWatchExport([text]).trimEnd(), "in-an-envelope"],
    ["a record of AKS without an event", aksRecord("I1124 starting"), "in-an-envelope"],
    ["a LogEntry of another service", gkeEntry(gkePayload({ serviceName: "compute" })), "in-an-envelope"],
    ["a torn record of AKS", aksRecord(text).slice(0, -1), "not-json"],
    ["a Pod", '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"x"}}', "not-an-audit-event"],
    ["another version", text.replace("audit.k8s.io/v1", "audit.k8s.io/v2"), "not-an-audit-event"],
  ];
  test.each(damaged)("EventScan cannot decide %s", (_name, line, reason) => {
    const scan = scanText(line);
    expect([scan.ok, scan.reason]).toEqual([false, reason]);
    const decoded = decodeEvent(Buffer.from(line as string));
    expect(decoded.ok ? "" : decoded.problem.id).toBe(`line-${reason}`);
  });

  test("EventScan walks a body 10,000 deep", () => {
    const deep = `${"[".repeat(10_000)}${"]".repeat(10_000)}`;
    expect(scanText(text.replace('"responseObject":[{"level":"None"}]', `"responseObject":${deep}`)).ok).toBe(true);
  });

  test("EventScan decides as a full parse does, whatever is done to the line", () => {
    const insert = fc.constantFrom(
      '"',
      "\\",
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      " ",
      "\t",
      "\0",
      "\u001f",
      "1",
      "-",
      "null",
      "é",
      "\ud800",
      "\\u00",
      "\\u0041",
      '"user":{"username":"system:apiserver"},',
      ',"verb":"get"',
      '"level":"None"',
      '{"kind":"Event"',
      "é".repeat(3),
      "0",
      "e5",
      ".",
    );
    const edit = fc.record({ at: fc.nat(text.length), remove: fc.nat(12), insert: fc.option(insert, { nil: "" }) });
    const byte = fc.option(fc.record({ at: fc.nat(text.length), value: fc.nat(255) }), { nil: undefined });
    const fields: readonly Field[] = [
      "verb",
      "user.username",
      "requestURI",
      "objectRef.resource",
      "impersonatedUser.username",
      "userAgent",
    ];
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 3 }), byte, (edits, change) => {
        const bytes = Buffer.from(
          edits.reduce((line, each) => line.slice(0, each.at) + each.insert + line.slice(each.at + each.remove), text),
        );
        if (change !== undefined && change.at < bytes.length) {
          bytes[change.at] = change.value;
        }
        const scan = scanText(bytes);
        expect(scan.ok).toBe(isDecidable(bytes));
        if (scan.ok) {
          const event = JSON.parse(bytes.toString("utf8")) as Record<string, Record<string, unknown> | undefined>;
          for (const field of fields) {
            const [parent = "", child] = field.split(".");
            const expected = child === undefined ? event[parent] : event[parent]?.[child];
            expect(scan.text(field)).toEqual(expected ?? undefined);
          }
          expect(scan.code).toEqual((event["responseStatus"]?.["code"] as number | null | undefined) ?? undefined);
        }
      }),
      { numRuns: 2500 },
    );
  });

  test.each([EVENT, { ...EVENT, objectRef: undefined, responseStatus: undefined }, { ...EVENT, annotations: null }])(
    "a scan takes over what another one has found out about the same bytes, wherever they stand",
    (event) => {
      const text = JSON.stringify(event).replace('"ResponseComplete"', String.raw`"Response\u0043omplete"`);
      const scan = scanText(text);
      expect(scan.ok).toBe(true);
      const words = new Int32Array(2 * SCAN_WORDS);
      scan.write(words, SCAN_WORDS);
      const other = scanText('{"level":1');
      const moved = Buffer.from(`....${text}`);
      const before = other.scans;
      other.read(words, SCAN_WORDS, moved, 4, moved.length);
      const told = (of: EventScan): unknown => [
        [of.reason, of.level, of.stage, of.code],
        (Object.keys(FIELD) as Field[]).map((field) => [
          field,
          of.value(field),
          of.has(field) && [of.valueStart(field) - of.start, of.keyStart(field) - of.start],
        ]),
      ];
      expect(told(other)).toEqual(told(scan));
      expect(other.scans).toBe(before + 1);
    },
  );
});
