import { createHash } from "node:crypto";
import { deflateRawSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { findLog, isLogAt } from "./text-start.ts";

/** So many bytes of which none is like another, as what is packed. */
function packed(count: number, seed = ""): Buffer {
  const parts = Array.from({ length: Math.ceil(count / 64) }, (_, i) =>
    createHash("sha512").update(`${seed}${i}`).digest(),
  );
  return Buffer.concat(parts).subarray(0, count);
}

const BEGINNINGS: readonly string[] = [
  '{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata"}\n',
  '{ "time": "2026-11-24T00:13:26.47Z", "resourceId": "/SUBSCRIPTIONS/0000"',
  '{\n  "kind": "EventList",\n  "apiVersion": "audit.k8s.io/v1",\n  "items": [',
  '[\n  {"insertId": "1", "logName": "projects/p/logs/a", "protoPayload": {}}]',
  '2026-11-24T00:13:26.471Z {"kind":"Event","apiVersion":"audit.k8s.io/v1"}',
  '1795478006471 stream-a {"kind":"Event","apiVersion":"audit.k8s.io/v1"}',
];

describe("findLog", () => {
  test("finds each kind of log at its first byte, behind packed bytes of any length", () => {
    for (const text of BEGINNINGS) {
      for (let length = 1; length < 200; length++) {
        const bytes = Buffer.concat([packed(length, text), Buffer.of(0x80), Buffer.from(text + text)]);
        expect([text, findLog(bytes, 0, bytes.length)]).toEqual([text, length + 1]);
        expect(isLogAt(bytes, length + 1)).toBe(true);
        expect(findLog(bytes, 0, length)).toBe(-1);
      }
    }
  });

  test("finds text in UTF-16 of both orders, with and without a mark", () => {
    for (const mark of ["", "\uFEFF"]) {
      for (const text of BEGINNINGS.map((each) => Buffer.from(mark + each, "utf16le"))) {
        for (const wide of [text, Buffer.from(text).swap16()]) {
          const bytes = Buffer.concat([packed(500), Buffer.of(0x80), wide]);
          expect(findLog(bytes, 0, bytes.length)).toBe(501);
        }
      }
    }
  });

  test("finds the beginning of a torn line, so that it is counted", () => {
    const bytes = Buffer.concat([
      packed(300),
      Buffer.of(0x80),
      Buffer.from('ch","verb":"get","user":{"username":"jane","groups":["system:masters"]}}\n'),
    ]);
    expect(findLog(bytes, 0, bytes.length)).toBe(301);
  });

  test("finds nothing in what is packed, in the name of a packed file, and in the midst of letters", () => {
    const name = Buffer.from("apiserver-audit-2026-11-24T00-13-26.471-of-the-first-control-plane-node.log");
    const header = Buffer.concat([gzipSync("").subarray(0, 3), Buffer.of(8, 0, 0, 0, 0, 0, 3), name, Buffer.of(0)]);
    const body = deflateRawSync(packed(100_000).toString("base64"));
    const text = Buffer.from(BEGINNINGS[0]?.repeat(500) ?? "");
    expect(findLog(packed(1_000_000), 0, 1_000_000)).toBe(-1);
    expect(findLog(Buffer.concat([header, body]), 0, header.length + body.length)).toBe(-1);
    expect(findLog(text, 100, text.length)).toBe(-1);
    const wide = Buffer.from(text.toString(), "utf16le");
    expect(findLog(wide, 100, wide.length)).toBe(-1);
    expect(findLog(wide, 101, wide.length)).toBe(-1);
  });
});
