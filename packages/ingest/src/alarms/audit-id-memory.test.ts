import { EventScan } from "@auditsieve/audit";
import { describe, expect, test } from "vitest";
import { AuditIdMemory } from "./audit-id-memory.ts";

const WRITTEN = {
  kind: "Event",
  apiVersion: "audit.k8s.io/v1",
  level: "Metadata",
  auditID: "6f1c0a52-7e9b-4a53-9a52-0c3ad7e7d6aa",
  stage: "ResponseComplete",
  requestURI: "/api/v1/namespaces/shop/pods/web/exec?command=sh",
  verb: "create",
  user: { username: "ann" },
  requestReceivedTimestamp: "2026-11-24T00:13:26.400000Z",
  stageTimestamp: "2026-11-24T00:13:26.471919Z",
};
/** As a LogEntry tells the same request: without the query, and without when it came in. */
const { requestReceivedTimestamp: _unknown, ...rest } = WRITTEN;
const CONVERTED = { ...rest, requestURI: "/api/v1/namespaces/shop/pods/web/exec" };

function usedAgain(events: readonly object[]): readonly boolean[] {
  const [scan, memory] = [new EventScan(), new AuditIdMemory()];
  return events.map((event) => {
    const line = Buffer.from(JSON.stringify(event));
    expect(scan.scan(line, 0, line.length)).toBe(true);
    return memory.isUsedAgain(scan);
  });
}

describe("AuditIdMemory", () => {
  test("AuditIdMemory tells an auditID of another request, and no line that comes twice", () => {
    const other = { ...WRITTEN, user: { username: "eve" } };
    expect(usedAgain([WRITTEN, WRITTEN, other])).toEqual([false, false, true]);
    const otherEntry = { ...CONVERTED, user: { username: "eve" } };
    expect(usedAgain([CONVERTED, CONVERTED, otherEntry])).toEqual([false, false, true]);
  });

  test("AuditIdMemory takes the log of an apiserver and the entries of its provider for no two requests, in either order", () => {
    expect(usedAgain([WRITTEN, CONVERTED, WRITTEN])).toEqual([false, false, false]);
    expect(usedAgain([CONVERTED, WRITTEN, CONVERTED])).toEqual([false, false, false]);
    // Who hides behind an older request is found in either of them.
    const later = { ...WRITTEN, requestReceivedTimestamp: "2026-11-24T00:20:00.000000Z" };
    expect(usedAgain([WRITTEN, CONVERTED, later])).toEqual([false, false, true]);
  });

  test("AuditIdMemory knows numbers of 32 bits again, whether they are read with a sign or without", () => {
    const memory = new AuditIdMemory();
    const numbers = [0xf000_0001, 0xf000_0002, 0xf000_0003] as const;
    const [low, high, content] = new Int32Array(new Uint32Array(numbers).buffer) as unknown as typeof numbers;
    expect(memory.note(...numbers)).toBe(false);
    expect(memory.note(low, high, content)).toBe(false);
    expect(memory.note(low, high, content + 1)).toBe(true);
    expect(memory.note(...numbers)).toBe(true);
  });
});
