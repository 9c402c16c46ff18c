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
