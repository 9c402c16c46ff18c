import { describe, expect, test } from "vitest";
import { LineFramer } from "../frame/frame.ts";
import { LongDocument } from "./long-document.ts";
import type { EndedDocument } from "./long-document.ts";

const LIMIT = 200;

function event(number: number, bytes = 0): string {
  return `{"level":"Request","n":${number},"pad":"${"x".repeat(bytes)}"}`;
}

/** Everything a visitor is told, in order; `documents` are those that were too long to be held. */
function read(log: string, chunkBytes: number, maxRecordBytes = LIMIT) {
  const bytes = Buffer.from(log);
  const seen = {
    plain: [] as string[],
    lines: [] as string[],
    at: [] as string[],
    oversize: [] as [offset: number, bytes: number][],
    passed: "",
    documents: [] as EndedDocument[],
    offset: 0,
  };
  const visitor = {
    oversize: (line: { readonly offset: number; readonly bytes: number }) =>
      void seen.oversize.push([line.offset, line.bytes]),
    oversizePart: (part: Buffer, start: number, end: number) => void (seen.passed += part.toString("utf8", start, end)),
  };
  const framer = new LineFramer(
    {
      ...visitor,
      line: (line, start, end) => void seen.plain.push(line.toString("utf8", start, end)),
      longDocument: (offset) =>
        new LongDocument(
          offset,
          {
            ...visitor,
            line: (line, start, end, at) => {
              seen.lines.push(line.toString("utf8", start, end));
              seen.at.push(bytes.toString("utf8", at, at + end - start));
            },
            end: (document) => void seen.documents.push(document),
          },
          maxRecordBytes,
        ),
    },
    { maxLineBytes: LIMIT },
  );
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    framer.write(Buffer.from(bytes.subarray(at, at + chunkBytes)));
  }
  framer.end();
  seen.offset = framer.offset;
  return seen;
}

describe.each([1, 7, 50, 150, 300, 10_000])("LongDocument, in chunks of %i bytes", (chunkBytes) => {
  const events = [1, 2, 3, 4, 5, 6, 7, 8].map((number) => event(number));

  test("gives the records of a list longer than a line may be, with where each begins, and the lines around it", () => {
    const list = `{"kind":"EventList","items":[${events.join(",")}]}`;
    const seen = read(`before\n${list}\nbehind\n`, chunkBytes);
    expect(seen).toMatchObject({ plain: ["before", "behind"], lines: events, at: events, oversize: [] });
    expect(seen.documents).toEqual([{ offset: 7, bytes: list.length + 1, lines: 1, terminated: true }]);
    expect(seen.offset).toBe(7 + list.length + 1 + 7);
  });

  test("reads whole events that stand one behind the other without a line break", () => {
    const seen = read(`before\n${events.join("")}\nbehind\n`, chunkBytes);
    expect(seen).toMatchObject({ plain: ["before", "behind"], lines: events, at: events, oversize: [] });
  });

  test("a line that is one event, or text, stays an oversize line", () => {
    const log = `${event(1, 300)}\n${"text ".repeat(60)}\nbehind\n`;
    const seen = read(log, chunkBytes);
    expect(seen).toMatchObject({ plain: ["behind"], lines: [], documents: [] });
    expect(seen.oversize).toEqual([
      [0, event(1, 300).length],
      [event(1, 300).length + 1, 300],
    ]);
    expect(seen.passed + "behind\n").toBe(log);
  });

  test("a document that the input ends in gives its whole records, and what is left", () => {
    const list = `{"items":[${events.join(",")},{"level":"Req`;
    const seen = read(list, chunkBytes);
    expect(seen.lines).toEqual([...events, '{"level":"Req']);
    expect(seen.documents).toEqual([{ offset: 0, bytes: list.length, lines: 1, terminated: false }]);
  });

  test("a document that breaks off at a line's end costs itself, not the lines behind it", () => {
    const seen = read(`{"items":[${events.join(",")},{"level":"Req\n${event(9)}\n${event(10)}\n`, chunkBytes);
    expect([...seen.lines, ...seen.plain]).toEqual([...events, '{"level":"Req', event(9), event(10)]);
  });

  test("a document that is damaged in the middle gives what stands before, and the rest as it is", () => {
    const seen = read(`{"items":[${events.join(",")}]]]]{"a":1}\n${event(9)}\n`, chunkBytes);
    expect(seen.lines.slice(0, events.length)).toEqual(events);
    expect([...seen.lines, ...seen.plain]).toContain(event(9));
    expect([...seen.lines, ...seen.plain].join("")).toContain(']]]{"a":1}');
  });

  test("a record that is too long passes, the others are read", () => {
    const long = event(1, 300);
    const seen = read(`{"items":[${event(0)},${long},${event(2)}]}\n`, chunkBytes);
    expect(seen.lines).toEqual([event(0), event(2)]);
    expect(seen.oversize).toEqual([[10 + event(0).length + 1, long.length]]);
    expect(seen.passed).toBe(`${long}\n`);
  });
});
