import { EventScan } from "@auditsieve/audit";
import { describe, expect, it } from "vitest";
import { scanHead } from "./scan-head.ts";

function headOf(uri: string): ReturnType<typeof scanHead> {
  const line = Buffer.from(
    `{"kind":"Event","level":"Metadata","auditID":"a=b","stage":"ResponseComplete",${uri}"verb":"get","user":{"username":"eve=x"}}`,
  );
  const scan = new EventScan();
  expect(scan.scan(line, 0, line.length)).toBe(true);
  return scanHead(scan);
}

describe("scanHead", () => {
  it.each([
    ['"requestURI":"/api/v1/pods",', ["="], true],
    ['"requestURI":"/api/v1/pods?a",', [], true],
    ['"requestURI":"/api/v1/pods?a=b",', ["="], false],
    ['"requestURI":"/api/v1/pods?a\\u003db",', ["="], false],
    ['"requestURI":"/p\\u003db",', [], false],
    ['"requestURI":"/\u4e3d/\u013d",', ["="], true],
    ['"requestURI":"/api",', ["=", "?"], false],
  ] as const)("says of %s and %j that it is without them: %s", (uri, characters, isWithout) => {
    const head = headOf(uri);
    expect(head.isWithout?.("requestURI", characters)).toBe(isWithout);
    const text = head.get("requestURI");
    expect(!isWithout || (typeof text === "string" && !characters.some((one) => text.includes(one)))).toBe(true);
  });

  it("says so of no other field", () => {
    expect(headOf('"requestURI":"/",').isWithout?.("verb", ["="])).toBe(false);
  });
});
