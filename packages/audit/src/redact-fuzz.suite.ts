import * as fc from "fast-check";
import { expect, test } from "vitest";
import { base64, CANARY, JWT, type Json, PEM } from "./redact/planted-events.suite.ts";
import { createRedactor } from "./redact.ts";

const redactor = createRedactor({ key: new Uint8Array(32).fill(7) });
const REDACTED = /redacted:[0-9a-f]{16}/;

/**
 * All letters of all strings as escapes: what a client may send in a patch, and the log keeps. Strings of one letter stay:
 * JSON.parse of V8 13.6 now and then reads a key "\\u005b" as a backslash.
 */
export function escapeAll(line: string): string {
  return line.replaceAll(/"(?:[^"\\]|\\.)*"/g, (string) => {
    const units = (JSON.parse(string) as string).split("");
    if (units.length === 1) return string;
    return `"${units.map((unit) => String.raw`\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join("")}"`;
  });
}

/** Whether the bytes are valid JSON. */
export function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString());
    return true;
  } catch {
    return false;
  }
}

/** Compares what is left: the output is the input but for strings that contain a hash. */
export function expectRestUnchanged(before: Json, after: Json, path = "event"): void {
  if (typeof after === "string" && REDACTED.test(after)) return;
  expect(Array.isArray(after), path).toBe(Array.isArray(before));
  if (typeof before !== "object" || before === null || typeof after !== "object" || after === null) {
    expect(after, path).toBe(before);
    return;
  }
  const [keys, keysAfter] = [Object.keys(before), Object.keys(after)];
  expect(keysAfter.length, path).toBe(keys.length);
  for (const [index, key] of keys.entries()) {
    const keyAfter = keysAfter[index] ?? "";
    if (!REDACTED.test(keyAfter)) expect(keyAfter, path).toBe(key);
    expectRestUnchanged(
      (before as { [key: string]: Json })[key] ?? null,
      (after as { [key: string]: Json })[keyAfter] ?? null,
      `${path}.${key}`,
    );
  }
}

const nameOf = fc.constantFrom(
  ..."kind data stringData token password value name path op env command args message metadata annotations items x".split(
    " ",
  ),
  "kubectl.kubernetes.io/last-applied-configuration",
  "patch.webhook.admission.k8s.io/round_0_index_0",
);
const fragment = fc.oneof(
  fc.constantFrom(
    "Secret",
    "ConfigMap",
    "List",
    "/data/x",
    "/data",
    "",
    "API_TOKEN",
    "--password",
    "-p",
    "mysql",
    "sh",
    "-c",
  ),
  fc.constantFrom(
    CANARY,
    JWT,
    PEM,
    base64(JWT),
    base64(PEM),
    "https://u:p@h/",
    "://",
    "?token=x&",
    "token ",
    "bearer ",
  ),
  fc.constantFrom(
    "abcdef.0123456789abcdef",
    "authorization: ",
    "=",
    '"',
    "'",
    "\\",
    " ",
    "%41",
    "+",
    "é",
    "\n",
    "eyJ",
    ".",
  ),
  fc.constantFrom("redacted:0123456789abcdef", "-----BEGIN ", '{"kind":"Secret","data":{"a":1}}', '{"token":"abc"}'),
  fc.constantFrom("[", "x", "clusters users", "redacted:", "@", ":", "/", "--from-literal", "-u"),
);
const textOf = fc.array(fragment, { maxLength: 5 }).map((parts) => parts.join(""));
const { value: valueOf } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    textOf,
    fc.constantFrom<Json>(null, true, 1.5, 0),
    textOf.chain((text) => fc.constant(JSON.stringify({ kind: "Secret", data: { a: text }, b: [text] }))),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.oneof(nameOf, textOf), tie("value"), { maxKeys: 5 }) as fc.Arbitrary<Json>,
  ),
}));
const eventOf = fc
  .record({
    requestURI: fc.oneof(
      fc.constant("/api/v1/secrets"),
      textOf.map((text) => `/x?command=${encodeURIComponent(text)}&token=${text}`),
    ),
    objectRef: fc.record({
      resource: fc.constantFrom("secrets", "configmaps", "pods", "tokenreviews", "serviceaccounts"),
      subresource: fc.constantFrom("", "token", "exec"),
    }),
    responseStatus: fc.record({ message: textOf }),
    requestObject: valueOf,
    responseObject: valueOf,
    annotations: valueOf,
  })
  .map((fields) => fields as { [key: string]: Json });

/** Asks of `numRuns` generated events, each of three ways. */
export function fuzzRedaction(numRuns: number): void {
  const runs = { numRuns };

  test("keeps the structure, is valid JSON, and changes nothing the second time", () => {
    fc.assert(
      fc.property(eventOf, fc.boolean(), (planted, isEscaped) => {
        const text = JSON.stringify(planted);
        const redacted = redactor.redactLine(Buffer.from(isEscaped ? escapeAll(text) : text));
        expectRestUnchanged(JSON.parse(text) as Json, JSON.parse(redacted.toString()) as Json);
        expect(redactor.redactLine(redacted)).toBe(redacted);
      }),
      runs,
    );
  });

  test("finds in escapes what it finds in plain sight", () => {
    fc.assert(
      fc.property(eventOf, (planted) => {
        const text = JSON.stringify(planted);
        const plain = redactor.redactLine(Buffer.from(text));
        const escaped = redactor.redactLine(Buffer.from(escapeAll(text)));
        expect(JSON.parse(escaped.toString())).toEqual(JSON.parse(plain.toString()));
      }),
      runs,
    );
  });

  test("is valid JSON if and only if the line was, whatever was cut, put in or turned over", () => {
    fc.assert(
      fc.property(
        eventOf,
        fc.nat(),
        fc.nat(6),
        fc.constantFrom(...'{}[]",:\\0-+.eE1tfn u\0\t/'.split("")),
        (planted, seed, size, letter) => {
          const text = JSON.stringify(planted);
          const at = seed % text.length;
          const line = Buffer.from(text.slice(0, at) + letter + text.slice(at + size));
          const redacted = redactor.redactLine(line);
          expect(isJson(redacted)).toBe(isJson(line));
          expect(redactor.redactLine(redacted)).toBe(redacted);
        },
      ),
      runs,
    );
  });
}
