import { EventScan } from "@auditsieve/audit";
import { describe, expect, it } from "vitest";
import { HeadMemo } from "./head-memo.ts";
import { UnaskedAnnotations } from "./unasked-annotations.ts";

const scan = new EventScan();
const unasked = new UnaskedAnnotations((key) => key === "reason");

function scanned(annotations: string): void {
  const line = Buffer.from(
    `{"kind":"Event","level":"Metadata","auditID":"1","stage":"ResponseComplete","requestURI":"/","verb":"get","user":{"username":"eve"},"annotations":${annotations}}`,
  );
  expect(scan.scan(line, 0, line.length)).toBe(true);
}

function found(annotations: string): readonly string[] {
  scanned(annotations);
  return unasked.of(scan).map(({ start, end }) => scan.bytes.toString("utf8", start, end));
}

describe("UnaskedAnnotations", () => {
  it.each([
    ['{"total":"1.2s","etcd":"65.386µs"}', ["1.2s", "65.386µs"]],
    ['{"reason":"a\\"b","total":"1s"}', ["1s"]],
    ['{"total":"","reason":"1s"}', [""]],
    ['{ "total" : "1s" , "etcd" : "2ms" }', ["1s", "2ms"]],
    ['{"total":"1\\u00b5s","etcd":"é","a":"Â","b":"\\\\","c":"1s"}', ["1s"]],
    ['{"re\\u0061son":"1s","total":"2s"}', []],
    ['{"réason":"1s","total":"2s"}', []],
    ['{"total":{"reason":"1s"}}', []],
    ['{"total":"1s","etcd":null}', []],
    ["{}", []],
  ])("finds in %s what nobody asks for: %j", (annotations, expected) => {
    expect(found(annotations)).toEqual(expected);
  });

  it("lets HeadMemo take for one the heads that differ in it, and no others", () => {
    const memo = new HeadMemo(scan, undefined, unasked);
    const numbers = [
      '{"total":"1s","reason":"x"}',
      '{"total":"77.1µs","reason":"x"}',
      '{"total":"1s","reason":"y"}',
      '{"etcd":"1s","reason":"x"}',
      '{"reason":"x","total":"1s"}',
      '{"total":"1\\n","reason":"x"}',
    ].map((annotations) => {
      scanned(annotations);
      return memo.unnamed?.number;
    });
    expect(numbers).toEqual([1, 1, 2, 3, 4, 5]);
  });
});
