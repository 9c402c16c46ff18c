import { describe, expect, test } from "vitest";
import { eventList } from "./envelope/wrapped.suite.ts";
import { EventLines } from "./event-lines.ts";
import type { EventLineVisitor, InputPlace } from "./event-lines.ts";
import { readEventLines } from "./read-event-lines.ts";

const LIMIT = 400;

function event(verb: string, pad = ""): string {
  return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","stage":"Panic","requestURI":"/${pad}","verb":"${verb}","user":{}}`;
}

/** Everything that a visitor is told, in order, a word for each; a place as `line number@offset`, with the bytes that stand there. */
function read(
  log: string,
  chunkBytes: number,
  options: { readonly isStarting?: boolean; readonly byLine?: boolean } = {},
) {
  const bytes = Buffer.from(log);
  const told: string[] = [];
  const at = ({ lineNumber, offset, lineOffset, standsIn }: InputPlace): string =>
    `${lineNumber}@${offset}${standsIn === "input" ? "" : ` in ${standsIn} at ${lineOffset}`}`;
  const inHand = (): string => lines.scan.bytes.toString("utf8", lines.scan.start, lines.scan.end);
  const visitor: EventLineVisitor = {
    event: (place) => {
      expect(lines.scan.bytes[lines.scan.end]).toBe(10);
      expect(bytes.toString("latin1").startsWith(inHand().slice(0, 20), place.offset)).toBe(true);
      told.push(`${lines.scan.text("verb")} ${at(place)}${place.terminated ? "" : " open"}`);
    },
    undecidable: (place, salvaged) =>
      void told.push(`${lines.scan.reason} ${at(place)} of ${inHand().length} bytes, ${salvaged} salvaged`),
    salvaged: (place) => void told.push(`salvaged ${lines.scan.text("verb")} ${at(place)}`),
    oversize: (line, place) => void told.push(`oversize ${at(place)} of ${line.bytes} bytes`),
    envelope: (place, length, count) => void told.push(`envelope ${at(place)} of ${length} bytes, ${count} lines`),
    behindEnvelope: () => void told.push("behind envelope"),
    longDocument: (place) => void told.push(`document ${at(place)}`),
    behindLongDocument: ({ offset, bytes: length }) => void told.push(`behind document ${offset + length}`),
    ...(options.byLine === true && {
      lines: (some, start, end, offset) => {
        for (let from = start; from < end;) {
          const newline = some.indexOf(10, from);
          if (!lines.take(some, from, newline, offset + from - start)) {
            return from;
          }
          from = newline + 1;
        }
        return undefined;
      },
    }),
  };
  const lines =
    options.isStarting === true
      ? new EventLines(visitor, { maxLineBytes: LIMIT })
      : readEventLines(visitor, { maxLineBytes: LIMIT });
  for (let from = 0; from < bytes.length; from += chunkBytes) {
    lines.write(Buffer.from(bytes.subarray(from, from + chunkBytes)));
  }
  lines.end();
  return { told, lines };
}

describe.each([1, 7, 100, 10_000])("EventLines, in chunks of %i bytes", (chunkBytes) => {
  const a = event("get");
  const list = eventList([a, event("list")]).trimEnd();
  const over = `{\n "kind": "EventList",\n "items": [\n  ${a}\n ]\n}`;
  const torn = `${a.slice(0, 60)}${event("patch")}`;
  const big = event("update", "x".repeat(LIMIT));
  const long = eventList([event("create"), "7", big, event("delete")]).trimEnd();
  const tooLong = `{"level":"${"x".repeat(2 * LIMIT)}"}`;
  const log = [a, list, over, torn, long, tooLong, "no event", event("watch")].join("\n");
  const begin = (what: string): number => log.indexOf(what);
  const l = begin(long);
  const told = [
    "get 1@0",
    `envelope 2@${begin(list)} of ${list.length} bytes, 2 lines`,
    `get 2@${begin(list) + list.indexOf(a)} in envelope at ${begin(list)}`,
    `list 2@${begin(event("list"))} in envelope at ${begin(list)}`,
    "behind envelope",
    `envelope 3@${begin(over)} of ${over.length} bytes, 1 lines`,
    `get 3@${begin(over) + over.indexOf(a)} in envelope at ${begin(over)}`,
    "behind envelope",
    `not-json 9@${begin(torn)} of ${torn.length} bytes, 1 salvaged`,
    `salvaged patch 9@${begin(event("patch"))}`,
    `document 10@${l}`,
    `create 10@${begin(event("create"))} in long-document at ${l}`,
    `not-json 10@${l + long.indexOf("7")} in long-document at ${l} of 1 bytes, 0 salvaged`,
    `oversize 10@${begin(big)} in long-document at ${l} of ${big.length} bytes`,
    `delete 10@${begin(event("delete"))} in long-document at ${l}`,
    `behind document ${l + long.length + 1}`,
    `oversize 11@${begin(tooLong)} of ${tooLong.length} bytes`,
    `not-json 12@${begin("no event")} of 8 bytes, 0 salvaged`,
    `watch 13@${begin(event("watch"))} open`,
  ];

  test("tells of each line what it stands in and where, and what came of it", () => {
    const { told: seen, lines } = read(log, chunkBytes);
    expect(seen).toEqual(told);
    expect(lines.lines).toBe(13);
    expect(lines.offset).toBe(log.length);
  });

  test("gives the same to those who are given whole lines at once and look at each", () => {
    expect(read(log, chunkBytes, { byLine: true }).told).toEqual(told);
  });

  test("leaves out the byte order marks of logs that were put behind one another", () => {
    const marked = [`\uFEFF${a}`, `\uFEFF${list}`, `\uFEFF${over}`, `\uFEFF${long}`, `\uFEFF${a}`].join("\n");
    const verbs = read(marked, chunkBytes).told.filter((each) => !/^(envelope|behind|document)/.test(each));
    expect(verbs.map((each) => each.split(" ")[0])).toEqual([
      "get",
      "get",
      "list",
      "get",
      "create",
      "not-json",
      "oversize",
      "delete",
      "get",
    ]);
  });

  test("without a LongDocument, a document that is too long to be held is an oversize line", () => {
    expect(read(log, chunkBytes, { isStarting: true }).told).toEqual([
      ...told.slice(0, 10),
      `oversize 10@${l} of ${long.length} bytes`,
      ...told.slice(-3),
    ]);
  });
});

describe("EventLines", () => {
  test("counts the lines that those who are given whole lines have taken by themselves", () => {
    const seen: number[] = [];
    const lines = readEventLines({
      event: ({ lineNumber }) => void seen.push(lineNumber),
      undecidable: () => undefined,
      oversize: () => undefined,
      lines: (bytes, _start, end, offset) => {
        const last = bytes.lastIndexOf(10, end - 2) + 1;
        lines.pass(2);
        lines.take(bytes, last, end - 1, offset + last);
        return undefined;
      },
    });
    lines.write(Buffer.from(`known\nknown\n${event("get")}\n`));
    expect(seen).toEqual([3]);
    expect(lines.lines).toBe(3);
  });

  test("begins another input: its lines are counted from 1 on, those of all of them go on", () => {
    const seen: [lineNumber: number, offset: number][] = [];
    const lines = readEventLines({
      event: ({ lineNumber, offset }) => void seen.push([lineNumber, offset]),
      undecidable: () => undefined,
      oversize: () => undefined,
    });
    for (const offset of [0, 1000]) {
      lines.reset(offset);
      lines.write(Buffer.from(`${event("get")}\n${event("list")}`));
      lines.end();
    }
    const second = event("get").length + 1;
    expect(seen).toEqual([
      [1, 0],
      [2, second],
      [1, 1000],
      [2, 1000 + second],
    ]);
    expect(lines.lines).toBe(4);
  });

  test("looks for no events in damaged lines where nobody asks for them", () => {
    const seen: (string | undefined)[] = [];
    const lines = readEventLines({
      event: () => undefined,
      undecidable: (_place, salvaged) => void seen.push(`${lines.scan.reason} ${salvaged}`),
      oversize: () => undefined,
    });
    lines.write(Buffer.from(`${event("get").slice(0, 50)}${event("list")}\n`));
    expect(seen).toEqual(["not-json 0"]);
  });
});
