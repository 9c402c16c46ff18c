import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRedactor } from "../redact.ts";
import { EventScan } from "../scan.ts";
import { createNameTest } from "./credential-name.ts";
import { FieldTable } from "./field.ts";
import { base64, CANARY, event, JWT, PEM, SECRETS } from "./planted-events.suite.ts";
import type { Json } from "./planted-events.suite.ts";
import { QuietLine } from "./quiet-line.ts";

const redactor = createRedactor({ key: new Uint8Array(32).fill(3) });
const scan = new EventScan();
const quiet = new QuietLine(new FieldTable(), createNameTest());
const OWN = 'secrets "db" not found';
const TOKENS = { resource: "serviceaccounts", subresource: "token", namespace: "shop", name: "web" };

/** How many strings are replaced as a whole without a walk; undefined where it walks. Fails unless both ways of redaction give the same. */
function toldOf(text: string): number | undefined {
  const line = Buffer.from(text);
  expect(scan.scan(line, 0, line.length)).toBe(true);
  const told = quiet.secrets(scan);
  expect(redactor.redactScanned(scan, line).toString()).toBe(redactor.redactLine(line).toString());
  return told?.length;
}

function aboutSecrets(fields: { [key: string]: Json }): string {
  return JSON.stringify(event({ objectRef: SECRETS, ...fields }));
}

describe("secretBodies", () => {
  const secret = { kind: "Secret", data: { password: base64(CANARY), "a.key": "", token: JWT }, type: "Opaque" };

  test.each([
    ["what shows nothing", 0, { responseObject: { kind: "SecretList", items: [] } }],
    ["the answer to a deletion", 0, { responseObject: { kind: "Status", details: { kind: "secrets", name: "a" } } }],
    ["the apiserver's own words", 0, { responseStatus: { code: 404, message: OWN }, responseObject: { message: OWN } }],
    [
      "words that may quote",
      2,
      { responseStatus: { code: 400, message: CANARY }, responseObject: { Message: CANARY } },
    ],
    ["data", 6, { requestObject: secret, responseObject: secret }],
    ["stringData", 1, { requestObject: { stringData: { token: CANARY } } }],
    ["data that is no object", 1, { requestObject: { DATA: CANARY, items: [{ data: null }, { message: 7 }] } }],
    ["a key that says message in data", 1, { requestObject: { data: { message: OWN } } }],
    ["data of a list", 2, { responseObject: { items: [{ data: { a: "b" } }, { data: { a: "b" } }] } }],
    ["a copy beside data", 2, { requestObject: { data: { a: "b" }, "kapp.k14s.io/original": "H4sI" } }],
  ] as const)("%s: told", (_, strings, fields) => {
    const text = aboutSecrets(fields as unknown as { [key: string]: Json });
    expect(toldOf(text)).toBe(strings);
    expect(toldOf(text.replaceAll('":', '"\t: '))).toBe(strings);
  });

  test.each([
    ["a body that is a text", { requestObject: `data: ${CANARY}` }],
    ["objects in data", { requestObject: { data: { a: { b: CANARY } } } }],
    ["numbers in data", { requestObject: { data: { a: 4711 } } }],
    ["a list in data", { requestObject: { data: { a: [CANARY] } } }],
    ["data that is a number", { requestObject: { data: 4711 } }],
    ["a directive in data", { requestObject: { data: { $patch: "replace", a: "b" } } }],
    ["a key in data with a shape", { requestObject: { data: { [JWT]: "b" } } }],
    ["a key in data that is a URL", { requestObject: { data: { "http://u:pw@h/": "b" } } }],
    ["data of the answer's status", { responseStatus: { data: { a: CANARY } } }],
    ["data among the annotations", { annotations: { data: CANARY } }],
    ["a message among the annotations", { annotations: { message: CANARY } }],
    ["an object as text", { requestObject: { a: `{"data":{"b":"${CANARY}"}}` } }],
    ["a patch of data", { requestObject: [{ op: "replace", path: "/data/a", value: CANARY }] }],
    ["a key behind a quote", { requestObject: { 'x"data': { a: CANARY } } }],
  ] as const)("%s: not told", (_, fields) => {
    expect(toldOf(aboutSecrets(fields as unknown as { [key: string]: Json }))).toBe(undefined);
  });

  test("letters that are spelled by escapes are not overlooked", () => {
    const text = aboutSecrets({ requestObject: { data: { a: CANARY } } });
    expect(toldOf(text.replace('"data"', String.raw`"d\u0061ta"`))).toBe(undefined);
    expect(toldOf(text.replace('"a":', String.raw`"\u0024patch":`))).toBe(undefined);
  });

  test("data in an event about tokens is none of a Secret, and a message in it may quote", () => {
    const about = (body: Json): string => JSON.stringify(event({ objectRef: TOKENS, requestObject: body }));
    expect(toldOf(about({ data: { a: "b" }, status: { token: "" } }))).toBe(1);
    expect(toldOf(about({ data: { a: "b" }, message: CANARY }))).toBe(1);
    expect(toldOf(about({ kind: "Secret", data: { a: CANARY } }))).toBe(undefined);
    expect(toldOf(about({ stringData: { a: CANARY } }))).toBe(undefined);
  });

  test("many values take no quadratic time", () => {
    const data = Object.fromEntries(Array.from({ length: 9000 }, (_, i) => [`token-${i}`, "Bearer x"]));
    expect(toldOf(aboutSecrets({ requestObject: { data } }))).toBe(9000);
  });

  test("whatever stands in it: both ways of redaction give the same", () => {
    const loud = [
      JWT,
      PEM,
      base64(PEM),
      "Bearer abcdefgh12345678",
      "http://u:pw@h/",
      '{"token":"x"}',
      '"',
      "\\",
      "é",
      "\n",
    ];
    const text = fc
      .array(fc.oneof({ weight: 20, arbitrary: fc.constantFrom("a", "plain", OWN, "") }, fc.constantFrom(...loud)), {
        maxLength: 2,
      })
      .map((parts) => parts.join(""));
    const key = fc.oneof(
      {
        weight: 30,
        arbitrary: fc.constantFrom("data", "Data", "stringData", "message", "a", "items", "kind", "token"),
      },
      fc.constantFrom("$patch", "value", "name", "path", "op", "args", "kapp.k14s.io/original", ...loud),
    );
    const kinds = fc.constantFrom("Secret", "SecretList", "ConfigMap", "merge", "replace", "data", "message");
    const { value: body } = fc.letrec<{ value: Json }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        { weight: 4, arbitrary: fc.oneof({ weight: 9, arbitrary: text }, kinds, fc.constantFrom(null, null, 7)) },
        { weight: 4, arbitrary: fc.dictionary(key, tie("value"), { maxKeys: 4 }) },
        { weight: 1, arbitrary: fc.array(tie("value"), { maxLength: 2 }) },
      ) as fc.Arbitrary<Json>,
    }));
    const values = fc.dictionary(key, fc.oneof({ weight: 20, arbitrary: text }, fc.constantFrom(null, 7)), {
      maxKeys: 3,
    });
    const secret = fc.record(
      { kind: kinds, data: values, stringData: values, message: text, spec: body },
      { requiredKeys: [] },
    ) as fc.Arbitrary<Json>;
    const fields = fc.record(
      {
        requestObject: fc.oneof(secret, body),
        responseObject: fc.oneof(
          secret,
          fc.record({ items: fc.array(secret, { maxLength: 2 }) }),
        ) as fc.Arbitrary<Json>,
        responseStatus: fc.record({ message: text, details: body, code: fc.constant(400) }, { requiredKeys: ["code"] }),
        annotations: fc.dictionary(key, text, { maxKeys: 1 }),
      },
      { requiredKeys: ["requestObject"] },
    );
    const about = fc.constantFrom<{ [key: string]: Json }>(
      { objectRef: SECRETS },
      { objectRef: SECRETS },
      { objectRef: TOKENS },
      { objectRef: { resource: "tokenreviews" } },
      { requestURI: "/api/v1/namespaces/a/secrets/b" },
    );
    const spelled = fc.constantFrom<(line: string) => string>(
      (line) => line,
      (line) => line,
      (line) => line.replaceAll('":', '" : '),
      (line) => line.replace("data", String.raw`d\u0061ta`),
      (line) => line.replaceAll("message", "MESSAGE"),
    );
    const seen = { told: 0, replaced: 0 };
    fc.assert(
      fc.property(about, fields, spelled, (object, some, spell) => {
        const line = Buffer.from(spell(JSON.stringify(event({ ...object, ...some }))));
        if (!scan.scan(line, 0, line.length)) {
          return;
        }
        const told = quiet.secrets(scan);
        seen.told += told === undefined ? 0 : 1;
        seen.replaced += (told?.length ?? 0) > 0 ? 1 : 0;
        expect(redactor.redactScanned(scan, line).toString()).toBe(redactor.redactLine(line).toString());
      }),
      { numRuns: 1000 },
    );
    expect(seen.told).toBeGreaterThan(50);
    expect(seen.replaced).toBeGreaterThan(40);
  });
});
