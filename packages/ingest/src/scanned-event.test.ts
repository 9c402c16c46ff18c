import { readFileSync } from "node:fs";
import { EventScan } from "@auditsieve/audit";
import { describe, expect, it } from "vitest";
import { HeadMemo } from "./head-memo.ts";
import { scannedEvent } from "./scanned-event.ts";

const lines = readFileSync(new URL("../../../samples/small.log", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line !== "");

describe("scannedEvent", () => {
  it("is the parsed line, for every sample and where the line stands in a larger buffer", () => {
    const scan = new EventScan();
    for (const line of lines) {
      const bytes = Buffer.from(`xx${line}\n`);
      expect(scan.scan(bytes, 2, bytes.length - 1)).toBe(true);
      const event = scannedEvent(scan, Buffer.from(line));
      expect(JSON.stringify(event)).toBe(JSON.stringify(JSON.parse(line)));
      expect(event).toEqual(JSON.parse(line));
    }
  });

  it.each([
    ['{"responseObject":{"a":1},"requestObject":[2],', { responseObject: { a: 1 }, requestObject: [2] }],
    ['{"requestObject":"é\\u0000","responseObject":7,', { requestObject: "é\u0000", responseObject: 7 }],
    ['{"requestObject":null,', { requestObject: null }],
  ])("reads bodies in any order and of any form: %s", (bodies, expected) => {
    const line = `${bodies}"level":"Metadata","stage":"ResponseComplete","requestURI":"/é","verb":"get","user":{"username":"é"}}`;
    const bytes = Buffer.from(line);
    const scan = new EventScan();
    expect(scan.scan(bytes, 0, bytes.length)).toBe(true);
    expect(scannedEvent(scan, bytes)).toMatchObject({ ...expected, requestURI: "/é", user: { username: "é" } });
  });
});

describe("HeadMemo", () => {
  const scanOf = (line: string): EventScan => {
    const scan = new EventScan();
    const bytes = Buffer.from(line);
    expect(scan.scan(bytes, 0, bytes.length)).toBe(true);
    return scan;
  };
  const event = {
    level: "Metadata",
    auditID: "1",
    stage: "ResponseComplete",
    requestURI: "/",
    verb: "get",
    user: { username: "eve" },
    sourceIPs: ["::1"],
    objectRef: { resource: "pods", resourceVersion: "1" },
  };

  it("knows a head again, whatever stands outside it", () => {
    const memo = new HeadMemo();
    expect(memo.recall(scanOf(JSON.stringify(event)))).toBeUndefined();
    memo.note("seen");
    const other = {
      ...event,
      auditID: "2",
      objectRef: { resource: "pods", resourceVersion: "2" },
      requestObject: { a: 1 },
    };
    expect(memo.recall(scanOf(JSON.stringify(other)))).toBe("seen");
  });

  it.each([
    { level: "Request" },
    { stage: "Panic" },
    { requestURI: "/x" },
    { verb: "list" },
    { user: { username: "bob" } },
    { user: { username: "eve", extra: { a: ["b"] } } },
    { impersonatedUser: { username: "bob" } },
    { sourceIPs: ["::2"] },
    { userAgent: "curl" },
    { objectRef: { resource: "nodes" } },
    { objectRef: { resource: "pods", subresource: "exec" } },
    { responseStatus: { code: 403 } },
    { annotations: { a: "b" } },
  ])("tells apart what differs by %j", (change) => {
    const memo = new HeadMemo();
    memo.recall(scanOf(JSON.stringify(event)));
    memo.note("seen");
    expect(memo.recall(scanOf(JSON.stringify({ ...event, ...change })))).toBeUndefined();
  });

  it("starts again when it is full", () => {
    const memo = new HeadMemo();
    for (let n = 0; n < 20_000; n++) {
      memo.recall(scanOf(JSON.stringify({ ...event, requestURI: `/${n}` })));
      memo.note(n);
    }
    expect(memo.recall(scanOf(JSON.stringify({ ...event, requestURI: "/19999" })))).toBe(19_999);
    expect(memo.recall(scanOf(JSON.stringify({ ...event, requestURI: "/1" })))).toBeUndefined();
  });

  it("does not remember heads over its size", () => {
    const memo = new HeadMemo();
    const long = scanOf(JSON.stringify({ ...event, requestURI: `/${"x".repeat(5000)}` }));
    expect(memo.recall(long)).toBeUndefined();
    memo.note("seen");
    expect(memo.recall(long)).toBeUndefined();
  });
});
