import { readFileSync } from "node:fs";
import { EventScan } from "@auditsieve/audit";
import { describe, expect, it } from "vitest";
import { HeadMemo } from "./head-memo.ts";
import { scannedEvent } from "./scanned-event.ts";

const lines = readFileSync(new URL("../../../samples/small.log", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line !== "");

/** Every field read by itself, in that order, before the whole is asked for. */
function fieldsOf(event: object, fields: readonly string[]): unknown {
  return Object.fromEntries(fields.map((field) => [field, Reflect.get(event, field) as unknown]));
}

describe("scannedEvent", () => {
  it.each(["while the scan holds it", "after the scan has gone on"])("is the parsed line %s", (when) => {
    const scan = new EventScan();
    const other = Buffer.from(lines[0] ?? "");
    for (const line of lines) {
      const bytes = Buffer.from(`xx${line}\n`);
      const parsed = JSON.parse(line) as object;
      expect(scan.scan(bytes, 2, bytes.length - 1)).toBe(true);
      const [inOrder, backwards, whole] = [1, 2, 3].map(() => scannedEvent(scan, Buffer.from(line)));
      if (when.startsWith("after")) {
        scan.scan(other, 0, other.length);
      }
      const fields = [...Object.keys(parsed), "impersonatedUser", "requestObject", "annotations"];
      const expected = fieldsOf(parsed, fields);
      expect(fieldsOf(inOrder as object, fields)).toEqual(expected);
      expect(fieldsOf(backwards as object, fields.toReversed())).toEqual(expected);
      expect(JSON.stringify(whole)).toBe(JSON.stringify(parsed));
      expect(whole?.toJSON()).toEqual(parsed);
    }
  });

  it.each([
    ['{"responseObject":{"a":1},"requestObject":[2],', { responseObject: { a: 1 }, requestObject: [2] }],
    ['{"requestObject":"é\\u0000","responseObject":7,', { requestObject: "é\u0000", responseObject: 7 }],
    ['{"requestObject":null,"annotations":null,', { requestObject: null, annotations: null }],
    ['{"toJSON":1,"authenticationMetadata":{"a":1},', { toJSON: 1, authenticationMetadata: { a: 1 } }],
  ])("reads bodies in any order and of any form: %s", (bodies, expected) => {
    const line = `${bodies}"level":"Metadata","stage":"ResponseComplete","requestURI":"/é","verb":"get","user":{"username":"é"}}`;
    const bytes = Buffer.from(line);
    const scan = new EventScan();
    expect(scan.scan(bytes, 0, bytes.length)).toBe(true);
    const event = scannedEvent(scan, bytes);
    expect(event.requestURI).toBe("/é");
    expect(event.user.username).toBe("é");
    expect(event.toJSON()).toMatchObject({ ...expected, requestURI: "/é", user: { username: "é" } });
  });
});

describe("HeadMemo", () => {
  const scan = new EventScan();
  const scanned = (event: object): void => {
    const bytes = Buffer.from(JSON.stringify(event));
    expect(scan.scan(bytes, 0, bytes.length)).toBe(true);
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
  const noted = (): HeadMemo => {
    const memo = new HeadMemo(scan);
    scanned(event);
    expect(memo.recall("whole")).toBeUndefined();
    expect(memo.recall("unnamed")).toBeUndefined();
    memo.note("unnamed", "by all but names");
    memo.note("whole", "by all");
    return memo;
  };

  it("knows a head again, whatever stands outside it", () => {
    const memo = noted();
    const objectRef = { resource: "pods", resourceVersion: "2" };
    scanned({ ...event, auditID: "2", objectRef, requestObject: { a: 1 } });
    expect(memo.recall("whole")).toBe("by all");
    expect(memo.recall("unnamed")).toBe("by all but names");
  });

  it.each([{ requestURI: "/x" }, { objectRef: { resource: "pods", name: "x" } }])("by all but names: %j", (change) => {
    const memo = noted();
    scanned({ ...event, ...change });
    expect(memo.recall("whole")).toBeUndefined();
    expect(memo.recall("unnamed")).toBe("by all but names");
  });

  it.each([
    { level: "Request" },
    { stage: "Panic" },
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
    const memo = noted();
    scanned({ ...event, ...change });
    expect(memo.recall("whole")).toBeUndefined();
    expect(memo.recall("unnamed")).toBeUndefined();
  });

  it("starts again when it is full", () => {
    const memo = new HeadMemo(scan);
    for (let n = 0; n < 20_000; n++) {
      scanned({ ...event, requestURI: `/${n}` });
      memo.recall("whole");
      memo.note("whole", n);
    }
    expect(memo.recall("whole")).toBe(19_999);
    scanned({ ...event, requestURI: "/1" });
    expect(memo.recall("whole")).toBeUndefined();
  });

  it("does not remember heads over its size", () => {
    const memo = new HeadMemo(scan);
    scanned({ ...event, requestURI: `/${"x".repeat(5000)}` });
    memo.note("whole", "seen");
    expect(memo.recall("whole")).toBeUndefined();
    expect(memo.recall("unnamed")).toBeUndefined();
  });
});
