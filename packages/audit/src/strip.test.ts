import { describe, expect, test } from "vitest";
import type { Level } from "./event.ts";
import { EventScan } from "./scan.ts";
import { stripLine } from "./strip.ts";

const META = { name: "x", managedFields: [{ manager: "kubectl" }], uid: "1" };
const HEAD = { stage: "ResponseComplete", requestURI: "/x", verb: "update", user: { username: "jane" } };
const BODIES = {
  requestObject: { metadata: META, size: 12345678901234567n },
  responseObject: { items: [{ metadata: META }, { metadata: { managedFields: [] } }] },
};
const TAIL = { stageTimestamp: "t", annotations: { a: "b" } };

function write(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => (typeof each === "bigint" ? `#${each}#` : each)).replaceAll(
    /"#(\d+)#"/g,
    "$1.10",
  );
}

function strip(line: string, level: Level, omitManagedFields = false): string {
  const scan = new EventScan();
  expect(scan.scan(Buffer.from(`xx${line}yy`), 2, 2 + Buffer.byteLength(line))).toBe(true);
  return stripLine(scan, { level, omitManagedFields }).toString("utf8");
}

describe("stripLine", () => {
  const line = write({ level: "RequestResponse", ...HEAD, ...BODIES, ...TAIL });

  test("stripLine to Request cuts the response and leaves every other byte", () => {
    expect(strip(line, "Request")).toBe(
      write({ level: "Request", ...HEAD, requestObject: BODIES.requestObject, ...TAIL }),
    );
  });
  test("stripLine to Metadata cuts both bodies", () => {
    expect(strip(line, "Metadata")).toBe(write({ level: "Metadata", ...HEAD, ...TAIL }));
  });
  test("stripLine never raises a level", () => {
    const low = write({ level: "Metadata", ...HEAD });
    expect(strip(low, "RequestResponse")).toBe(low);
  });
  test("stripLine cuts bodies that stand last, first or apart, in any order", () => {
    const orders: readonly Record<string, unknown>[] = [
      { level: "RequestResponse", ...HEAD, ...BODIES },
      { ...BODIES, level: "RequestResponse", ...HEAD },
      { responseObject: 1, level: "RequestResponse", ...HEAD, requestObject: null },
      { level: "RequestResponse", ...HEAD, responseObject: "x", requestObject: [] },
    ];
    for (const order of orders) {
      const expected = Object.fromEntries(
        Object.entries({ ...order, level: "Metadata" }).filter(
          ([key]) => !key.endsWith("Object") || order[key] === null,
        ),
      );
      expect(JSON.parse(strip(write(order), "Metadata"))).toEqual(expected);
      expect(JSON.parse(strip(JSON.stringify(JSON.parse(write(order)), undefined, " "), "Metadata"))).toEqual(expected);
    }
  });
  test("stripLine leaves managed fields of objects, items and rows out where asked for", () => {
    const rows = { rows: [{ cells: [], object: { metadata: META } }, { object: null }] };
    const stripped = JSON.parse(
      strip(
        write({ level: "RequestResponse", ...HEAD, requestObject: rows, responseObject: BODIES.responseObject }),
        "RequestResponse",
        true,
      ),
    ) as object;
    expect(stripped).toEqual({
      level: "RequestResponse",
      ...HEAD,
      requestObject: { rows: [{ cells: [], object: { metadata: { name: "x", uid: "1" } } }, { object: null }] },
      responseObject: { items: [{ metadata: { name: "x", uid: "1" } }, { metadata: {} }] },
    });
  });
  test("stripLine leaves a patch body as it came", () => {
    const patch = write({ level: "Request", ...HEAD, verb: "patch", requestObject: { metadata: META } });
    expect(strip(patch, "Request", true)).toBe(patch);
  });
});
