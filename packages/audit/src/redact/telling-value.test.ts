import { expect, test } from "vitest";
import { createRedactor } from "../redact.ts";
import { EventScan } from "../scan.ts";
import { isCredentialName } from "./credential-name.ts";
import { FieldTable } from "./field.ts";
import { QuietLine } from "./quiet-line.ts";

const redactor = createRedactor({ key: new Uint8Array(32).fill(3) });
const scan = new EventScan();
const quiet = new QuietLine(new FieldTable(), isCredentialName);

const WALK = "left to the walk";

/** The strings that are replaced as a whole in an event with this body. */
function secrets(body: string): string[] | typeof WALK {
  const line = Buffer.from(
    `{"level":"Request","stage":"ResponseComplete","requestURI":"/x","verb":"create","user":{"username":"x"},"requestObject":${body}}`,
  );
  expect(scan.scan(line, 0, line.length)).toBe(true);
  const found = quiet.secrets(scan);
  const expected = redactor.redactLine(line);
  expect(redactor.redactScanned(scan, line).equals(expected)).toBe(true);
  expect(found?.length === 0 && expected !== line).toBe(false);
  return found === undefined ? WALK : found.map(({ start, end }) => line.toString("utf8", start, end));
}

test.each([
  ['{"name":"DB_PASSWORD","value":"x17"}', ["x17"]],
  ['[{"name":"LOG","value":"x"},{ "name": "API_KEY", "value": "x17" }]', ["x17"]],
  [String.raw`{"name":"DB_PASSWORD","value":"}\\\",\"x\":\"é"}`, [String.raw`}\\\",\"x\":\"é`]],
  ['{"name":"LOG_LEVEL","value":"info"}', []],
  ['{"name":"LOG_LEVEL","value":"Bearer abcdefgh12345678"}', WALK],
  ['{"name":"PASSWORD_FILE","value":"/x"}', []],
  ['{"name":"DB_PASSWORD","value":7}', WALK],
  ['{"name":"x","value":"x","op":"add"}', WALK],
  ['{"value":"x17","name":"DB_PASSWORD"}', WALK],
  ['{"op":"replace","path":"/spec/env/0/value","value":"x17"}', WALK],
  [String.raw`{"a{\"name":"DB_PASSWORD","value":"x"}`, WALK],
  [`{"name":"${"x".repeat(400)}PASSWORD","value":"x"}`, WALK],
])("TellingValues tells what the walk makes of the variable in %s", (body, expected) => {
  expect(secrets(body)).toEqual(expected);
});

test.each([
  ['{"args":["--v=2","--kubeconfig=/etc/x"],"command":[]}', []],
  [String.raw`{"Command" : [ "sh" , "-c", "a \u0026\u0026 b \"c\"" ]}`, []],
  ['{"args":["--password","x17"]}', WALK],
  [String.raw`{"command":["sh","-c","a \u0026\u0026 mysql -phunter2"]}`, WALK],
  ['{"command":["a",["b"]]}', WALK],
  ['{"command":"ls"}', WALK],
  ['{"kind":"ConfigMap","args":["--password","x17"]}', WALK],
])("TellingValues tells of the arguments in %s whether the walk finds anything in them", (body, expected) => {
  expect(secrets(body)).toEqual(expected);
});

test.each([
  ['{"kapp.k14s.io/original":"x17","a":"b"}', ["x17"]],
  ['{"kapp.k14s.io/original":{"a":"x17"}}', WALK],
  [String.raw`{"a":"b\"kapp.k14s.io/original\":\"x"}`, []],
])("TellingValues tells of a copy of an object in %s that it is replaced as a whole", (body, expected) => {
  expect(secrets(body)).toEqual(expected);
});

test.each([
  ['{"spec":{"token":"x17","a":"b"}}', ["x17"]],
  ['{"Password":7}', WALK],
  ['{"api_key":{"a":"x"}}', WALK],
  ['{"kind":"ConfigMap","data":{"password":"x"}}', WALK],
  [String.raw`{"kind":"\u0043onfigMap","password":"x"}`, WALK],
])("TellingValues tells of a credential in %s that it is replaced as a whole", (body, expected) => {
  expect(secrets(body)).toEqual(expected);
});
