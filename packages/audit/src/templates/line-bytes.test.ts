import { describe, expect, test } from "vitest";
import { EventScan } from "../scan.ts";
import { LineTemplates } from "./line-templates.ts";

const PATH = "/api/v1/namespaces/shop/configmaps/web";
const FREE = "1b9ee3e5-8982-4b58-a2cd-0384840d7e4f";

function line(body: string): Buffer {
  return Buffer.from(
    `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Request","auditID":"${FREE}","stage":"ResponseComplete",` +
      `"requestURI":"${PATH}","verb":"update","user":{"username":"jane","groups":["system:authenticated"]},` +
      `"sourceIPs":["10.0.0.1"],"userAgent":"kubectl","objectRef":{"resource":"configmaps","namespace":"shop","name":"web","apiVersion":"v1"},` +
      `"responseStatus":{"metadata":{},"code":200},"requestObject":${body},` +
      `"requestReceivedTimestamp":"2026-11-24T00:19:02.482341Z","stageTimestamp":"2026-11-24T00:19:02.482341Z"}\n`,
  );
}

/** Says of each line whether it is taken once `first` was learned. */
function takes(first: Buffer): (bytes: Buffer) => boolean {
  const templates = new LineTemplates<object>(() => {});
  const scan = new EventScan();
  templates.load(first, 0, first.length);
  templates.take();
  expect(scan.scan(first, 0, first.length - 1)).toBe(true);
  const uriEnd = scan.valueStart("requestURI") + 1 + PATH.length;
  templates.learn(
    scan,
    {},
    { isKept: true },
    { fields: ["level", "stage", "requestURI", "verb", "user"], uriEnd, name: undefined },
  );
  return (bytes) => {
    templates.load(bytes, 0, bytes.length);
    templates.take();
    return templates.lines === 1;
  };
}

describe("LineTemplates", () => {
  test("LineTemplates takes a line with another byte in a string that decides nothing where that byte is plain, and no other", () => {
    const first = line(`{"data":{}}`);
    const isTaken = takes(first);
    const start = first.indexOf(FREE);
    for (const place of [0, 1, 15, 16, 17, 34, 35]) {
      const taken = Array.from({ length: 256 }, (_, byte) => {
        const changed = Buffer.from(first);
        changed[start + place] = byte;
        return isTaken(changed);
      });
      expect(taken).toEqual(taken.map((_, byte) => byte >= 32 && byte < 128 && byte !== 34 && byte !== 92));
    }
  });

  test("LineTemplates takes no line in whose body another event's sourceIPs follow, wherever they stand, and those with an I elsewhere", () => {
    const isTaken = takes(line(`{"data":{}}`));
    for (let length = 0; length < 200; length++) {
      const text = "x".repeat(length);
      expect(isTaken(line(`{"a":"${text}","podIP":"IP","hostIPs":[]}`))).toBe(true);
      expect(isTaken(line(`{"a":"${text}","podIP":"IP","sourceIPs":[]}`))).toBe(false);
    }
  });

  test("LineTemplates takes no line with a control character in its body, wherever it stands, and those with other letters than ASCII's", () => {
    const isTaken = takes(line(`{"data":{}}`));
    const text = "é".repeat(150);
    for (let length = 0; length < 70; length++) {
      const bytes = line(`{"a":"${"x".repeat(length)}${text}","b":[{}]}`);
      expect(isTaken(bytes)).toBe(true);
      for (const control of [0, 9, 31]) {
        const damaged = Buffer.from(bytes);
        damaged[bytes.indexOf("é") + 2 * length] = control;
        expect(isTaken(damaged)).toBe(false);
      }
    }
  });
});
