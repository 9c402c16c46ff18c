import { readFileSync } from "node:fs";
import { zstdDecompressSync } from "node:zlib";
import * as fc from "fast-check";
import { expect } from "vitest";
import { createRedactor } from "../redact.ts";
import { sharedEngine } from "../scan-wasm/engine.ts";
import { EventScan } from "../scan.ts";
import { splice } from "../splice.ts";
import { isCredentialName } from "./credential-name.ts";
import { FieldTable } from "./field.ts";
import { QuietLine } from "./quiet-line.ts";

const ROOT = new URL("../../../../", import.meta.url);
const TABLE = new FieldTable();
/** As assembly/memory.ts has it, behind a line. */
const INPUT = 0xb_0000;
const NEWLINE = Buffer.from("\n");
const lastLine = Buffer.from('{"password":"x","token":"abcdef.0123456789abcdef"}');

/** Pieces of text, as they stand between the quotes of a JSON string. */
const PIECES = [
  "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln",
  "eyJ0IjoibWV0YS5rOHM",
  "ZXlKaGJHY2lPaUpJVXpJMU5pSjkuZXlKemRXSWlPaUo0SW4w",
  "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCg==",
  "-----BEGIN RSA PRIVATE KEY-----\\nabc\\n-----END RSA PRIVATE KEY-----",
  "sha256~0123456789abcdef0123456789",
  "ghp_0123456789abcdef0123456789",
  "github_pat_0123456789abcdef01234",
  "glpat-0123456789abcdef0123",
  "xoxb-0123456789abc",
  "hvs.0123456789abcdef01234567",
  "Bearer abcdefgh12345678",
  "bEARER\\tabcdefgh12345678",
  "Basic dXNlcjpwYXNzd29yZA==",
  "basic\\t0123456789abcdefgh",
  "Authorization: x1y2z3",
  'authorization\\":\\"x1y2z3',
  "authorization.k8s.io",
  "token: abcdef.0123456789abcdef",
  'BEARER\\" : \\"abcdef.0123456789abcdef',
  "web-1.0123456789abcdef",
  "https://user:hunter2@host/",
  "https://0123456789abcdef01234@host",
  "http://host/?a=b\\u0026password=x",
  "http://host/?q",
  "apiVersion: v1\\nclusters:\\n- cluster: {server: https://x}\\nusers:\\n- user: {password: y}",
  "\\u0042earer abcdefgh12345678",
  "http:\\/\\/u:p@h",
  "\\u003cnone\\u003e",
  '{\\"password\\":\\"x\\"}',
  ' [{\\"token\\":\\"x\\"}]',
  '\\n{\\"a\\":{\\"value\\":1}}',
  '\\u007b\\"password\\":\\"x\\"}',
  '\\"',
  "\\\\",
  "?password=x",
  "&command=sh&command=-c&command=login%20--password%20x",
  "%62earer%20abcdefgh12345678",
  "secrets",
  "/api/v1/namespaces/a/secrets/b",
  "Secret",
  "SecretList",
  "ConfigMap",
  "DB_PASSWORD",
  "/spec/containers/0/env/0/value",
  "replace",
  "é",
  " ",
] as const;
/** Members with copies of objects as clients leave them, whole, empty, replaced, no string, and what only looks like one; variables and arguments. */
const MEMBERS = [
  String.raw`"kubectl.kubernetes.io/last-applied-configuration":"{\"kind\":\"Secret\",\"data\":{\"a\":\"eyJ\"}}\n"`,
  String.raw`"kubectl.kubernetes.io/last-applied-configuration" : "{\"a\":\"\\\"}", "objectset.rio.cattle.io/applied" :"H4sI\\"`,
  String.raw`"Kapp.k14s.io/original":"é\u00e9\u2028 http://u:p@h"`,
  '"banzaicloud.com/last-applied":""',
  '"banzaicloud.com/last-applied":"redacted:0123456789abcdef"',
  String.raw`"banzaicloud.com/last-applied":"\u0072edacted:0123456789abcdef"`,
  '"kapp.k14s.io/original":7',
  '"kapp.k14s.io/original":{"a":"x","b":["y"]}',
  String.raw`"x":"kapp.k14s.io/original\",\"kapp.k14s.io/original\":\"x"`,
  String.raw`"a\"kapp.k14s.io/original":"x"`,
  '"kapp.k14s.io/originals":"x"',
  '"env":[{"name":"DB_PASSWORD","value":"x"},{"name":"LOG_LEVEL","value":"}"},{"name":"api-key","valueFrom":{}}]',
  String.raw`"env":[{ "name": "DB_PASSWORD", "value": "x\"},{\"é\u003c" }, {"name":"A_TOKEN","value":""}]`,
  '"env":[{"name":"PASSWORD","value":"redacted:0123456789abcdef"},{"name":"PASSWORD","value":7}]',
  '"env":[{"name":"PASSWORD","value":{"x":"y"}},{"Name":"PASSWORD","value":"x"},{"name":"A","Value":"x"}]',
  '"env":[{"value":"x","name":"PASSWORD"},{"name":"PASSWORD","value":"x","op":"add"}]',
  String.raw`"x":"{\"name\":\"PASSWORD\",\"value\":\"x\"}"`,
  String.raw`"x{\"name":"PASSWORD","value":"x"`,
  '"patch":[{"op":"replace","path":"/spec/containers/0/env/0/value","value":"x"}]',
  '"args":["--v=2","--kubeconfig=/etc/x"],"command":[]',
  String.raw`"command":["sh","-c","a \u0026\u0026 mysql -phunter2"]`,
  '"args":["--token","abc"],"Command":["sleep",[],7]',
  '"command":"login --password x"',
  String.raw`"args": [ "http://h/" , "{\"token\":\"x\"}" ]`,
];
/** Values as they stand behind a colon. */
const VALUES = [
  '"x"',
  "7",
  "null",
  '{"a":"b"}',
  '["sh","-c","mysql -phunter2"]',
  '["--password=x"]',
  '"Secret"',
  '[{"name":"DB_PASSWORD","value":"x"}]',
  '{"kind":"Secret","data":{"a":"b"}}',
  '{"message":"invalid value x"}',
  '"redacted:0123456789abcdef"',
  '"redacted:0123456789abcdef","password":"x"',
  '"redacted:0123456789abcdef0"',
  '"redacted:0123456789abcdeg"',
  '"redacted:0123456789abcde"',
  '"Redacted:0123456789abcdef"',
];
const CASES = [
  (name: string): string => name,
  (name: string): string => name.toUpperCase(),
  (name: string): string => name.replaceAll(/[-_](.)/g, (_, letter: string) => letter.toUpperCase()),
  (name: string): string => `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`,
  (name: string): string => `\\u00${(name.codePointAt(0) ?? 0).toString(16)}${name.slice(1)}`,
];

const names = [...TABLE.telling(), "data", "message", "kind", "x", "labels", "tokens", "keys"];
const change = fc.record({
  /** Of the line's characters, in thousandths. */
  place: fc.nat(999),
  edit: fc.oneof(
    fc.record({ kind: fc.constant("text" as const), text: fc.constantFrom(...PIECES) }),
    fc.record({ kind: fc.constant("string" as const), text: fc.constantFrom(...PIECES) }),
    fc.record({
      kind: fc.constant("member" as const),
      text: fc.oneof(
        fc
          .tuple(
            fc.constantFrom(...names),
            fc.constantFrom(...CASES),
            fc.constantFrom(...VALUES),
            fc.constantFrom("", " ", "\t"),
          )
          .map(([name, spell, value, space]) => `"${spell(name)}"${space}:${space}${value}`),
        fc.constantFrom(...MEMBERS),
      ),
    }),
  ),
});

/** Puts the text behind a letter inside of a string, in a string's place, or before the first member of an object. */
function edited(line: string, place: number, kind: "text" | "string" | "member", text: string): string {
  const from = Math.floor((place * line.length) / 1000);
  const pattern = { text: /[a-z]{2}(?=[a-z])/g, string: /(?<=":)"[^"\\]*"/g, member: /\{(?=")/g }[kind];
  pattern.lastIndex = from;
  const found = pattern.exec(line);
  if (found === null) {
    return line;
  }
  const end = found.index + found[0].length;
  return kind === "string"
    ? `${line.slice(0, found.index)}"${text}"${line.slice(end)}`
    : `${line.slice(0, end)}${text}${kind === "member" ? "," : ""}${line.slice(end)}`;
}

/** Edits lines of recorded logs and redacts each in both ways: what the quick look leaves alone or replaces by itself must be what the walk would. */
export function expectNoMissedSecret(runs: number): void {
  const lines = ["attack", "lineage"].flatMap((name) =>
    zstdDecompressSync(readFileSync(new URL(`samples/${name}.log.zst`, ROOT)))
      .toString("utf8")
      .split("\n")
      .filter((line) => line !== "" && line.length < 4000),
  );
  const scan = new EventScan();
  const quiet = new QuietLine(TABLE, isCredentialName);
  const redactor = createRedactor({ key: new Uint8Array(32).fill(7) });
  const counts = { quiet: 0, copied: 0, replaced: 0, edited: 0 };
  const engine = sharedEngine();
  fc.assert(
    fc.property(fc.nat(lines.length - 1), fc.array(change, { maxLength: 3 }), (index, changes) => {
      const text = changes.reduce(
        (line, { place, edit }) => edited(line, place, edit.kind, edit.text),
        lines[index] ?? "",
      );
      const line = Buffer.from(text);
      const expected = redactor.redactLine(line);
      counts.replaced += expected === line ? 0 : 1;
      if (!scan.scan(line, 0, line.length)) {
        return;
      }
      const secrets = quiet.secrets(scan);
      counts.quiet += secrets?.length === 0 ? 1 : 0;
      counts.copied += (secrets?.length ?? 0) > 0 && expected !== line ? 1 : 0;
      expect(redactor.redactScanned(scan, line).toString(), text).toBe(expected.toString());
      expect(secrets?.length === 0 && expected !== line, text).toBe(false);
      if ((quiet.about(scan) ?? quiet.aboutWhole(scan)) === undefined) {
        return;
      }
      // Where a line stands that nobody has scanned, with another one before and behind it.
      const end = INPUT + line.length;
      engine.memory.set(Buffer.concat([lastLine, NEWLINE, line, NEWLINE, lastLine]), INPUT - lastLine.length - 1);
      // The second time copies are known.
      for (let turn = 0; turn < 2; turn++) {
        const edits = redactor.heads?.edits(INPUT, end);
        counts.edited += (edits?.length ?? 0) > 0 ? 1 : 0;
        expect(edits && splice(line, 0, line.length, edits).toString(), text).toBe(edits && expected.toString());
      }
    }),
    { numRuns: runs },
  );
  expect(counts.quiet).toBeGreaterThan(runs / 10);
  expect(counts.copied).toBeGreaterThan(runs / 200);
  expect(counts.edited).toBeGreaterThan(runs / 200);
  expect(counts.replaced).toBeGreaterThan(runs / 10);
}
