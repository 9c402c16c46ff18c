import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EventScan } from "../scan.ts";
import { EnvelopeReader } from "./envelope-reader.ts";
import { ingredient, INGREDIENTS } from "./mixture.suite.ts";
import { unwrapLine } from "./unwrap-line.ts";

/** The events of a log, as whoever reads it has them: line by line of what the reader gives. */
function eventsOf(log: string, chunkBytes = Infinity): readonly string[] {
  const bytes = Buffer.from(log);
  const reader = new EnvelopeReader();
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    parts.push(Buffer.from(reader.write(bytes.subarray(at, Math.min(bytes.length, at + chunkBytes)))));
  }
  const lines = Buffer.concat([...parts, reader.end()]);
  const scan = new EventScan();
  const events: string[] = [];
  const take = (from: Buffer, start: number, end: number): void => {
    if (scan.scan(from, start, end)) {
      events.push(from.toString("utf8", start, end));
    }
  };
  for (let start = 0; start < lines.length;) {
    const newline = lines.indexOf(10, start);
    const end = newline === -1 ? lines.length : newline;
    take(lines, start, end);
    for (const line of scan.reason === undefined ? [] : (unwrapLine(scan) ?? [])) {
      take(line.bytes, line.start, line.end);
    }
    start = end + 1;
  }
  return events;
}

function eventOf(number: number): string {
  return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Request","auditID":"id-${number}","stage":"ResponseComplete","requestURI":"/api/v1/x?a=\\"{","verb":"get","user":{"username":"jane","groups":["a","b"]},"responseStatus":{"code":200},"requestObject":{"n":1.10,"list":[{},{"a":[1,true,null]}]}}`;
}

const arbitraryMixture = fc
  .record({
    picks: fc.array(fc.tuple(fc.nat(INGREDIENTS - 1), fc.nat()), { minLength: 1, maxLength: 12 }),
    chunkBytes: fc.constantFrom(Infinity, 7, 64, 1000),
  })
  .map(({ picks, chunkBytes }) => {
    let number = 0;
    return { parts: picks.map(([which, cut]) => ingredient(which, cut, () => eventOf(number++))), chunkBytes };
  });

describe("a mixture of plain lines, envelopes and damage", () => {
  test("an envelope at the beginning: the events of each part, whatever stands around it and however it is cut into chunks", () => {
    fc.assert(
      fc.property(arbitraryMixture, ({ parts, chunkBytes }) => {
        const all = [{ text: '{"kind":"EventList","items":[]}\n' }, ...parts];
        const log = all.map(({ text }) => text).join("");
        expect(eventsOf(log, chunkBytes)).toEqual(parts.flatMap(({ text }) => eventsOf(text)));
      }),
      { numRuns: 100 },
    );
  });

  test("plain lines at the beginning: the events of each part that is a line, whatever stands around it", () => {
    fc.assert(
      fc.property(arbitraryMixture, ({ parts, chunkBytes }) => {
        const lines = parts.filter(({ isLine }) => isLine);
        const log = `${eventOf(1)}\n${lines.map(({ text }) => text).join("")}`;
        expect(eventsOf(log, chunkBytes)).toEqual([eventOf(1), ...lines.flatMap(({ text }) => eventsOf(text))]);
      }),
      { numRuns: 100 },
    );
  });
});
