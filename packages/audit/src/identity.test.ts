import { createHmac } from "node:crypto";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { documentId } from "./identity.ts";

const KEY = Buffer.alloc(32, 7);
const LINE = Buffer.from('{"auditID":"x"}');

test("documentId is 128 bits that depend on key, cluster and every byte of the line", () => {
  const ids = [
    documentId(KEY, "prod", LINE),
    documentId(Buffer.alloc(32, 8), "prod", LINE),
    documentId(KEY, "test", LINE),
    documentId(KEY, "prod", Buffer.from('{"auditID":"y"}')),
    documentId(KEY, "prod\0{", LINE.subarray(1)),
    documentId(KEY, "pro", Buffer.concat([Buffer.from("d"), LINE])),
  ];
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.every((id) => /^[0-9a-f]{32}$/.test(id))).toBe(true);
});

test("documentId is the same for the same input, also with another copy of the key", () => {
  expect(documentId(Buffer.from(KEY), "prod", Buffer.from(LINE))).toBe(documentId(KEY, "prod", LINE));
});

test("documentId of a known input does not change: stored documents depend on it", () => {
  expect(documentId(KEY, "prod", LINE)).toBe("dd70c4a697689b109711dbc26b99cc58");
});

test("documentId is the HMAC of RFC 2104, whatever the lengths of key, cluster and line", () => {
  const property = fc.property(
    fc.uint8Array({ maxLength: 200 }),
    fc.string({ unit: "grapheme", maxLength: 20 }),
    fc.uint8Array({ maxLength: 300 }),
    fc.constantFrom(1, 1000, 100_000),
    (key, cluster, bytes, times) => {
      const line = Buffer.concat(Array.from({ length: bytes.length === 0 ? 0 : Math.ceil(times / 300) }, () => bytes));
      const hmac = createHmac("sha256", key).update(cluster).update("\0").update(line).digest("hex");
      expect(documentId(key, cluster, line)).toBe(hmac.slice(0, 32));
      expect(documentId(key, cluster, line.subarray(1))).not.toBe(line.length === 0 ? "" : hmac.slice(0, 32));
    },
  );
  fc.assert(property, { numRuns: 100 });
});

test("documentId of a line longer than what is kept does not disturb the next", () => {
  const long = Buffer.alloc(3 * 1024 * 1024, "x");
  const before = documentId(KEY, "prod", LINE);
  const hmac = createHmac("sha256", KEY).update("prod").update("\0").update(long).digest("hex");
  expect(documentId(KEY, "prod", long)).toBe(hmac.slice(0, 32));
  expect(documentId(KEY, "prod", LINE)).toBe(before);
});
