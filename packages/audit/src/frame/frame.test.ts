import * as fc from "fast-check";
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { LineFramer } from "./frame.ts";

interface Seen {
  lines: { text: string; offset: number; terminated: boolean }[];
  oversize: { offset: number; bytes: number; sha256: string; head: string; terminated: boolean }[];
  parts: string;
  offset: number;
}

/** Frames `chunks`, each in a buffer of its own that is wiped after the call, as a source may do. */
function frame(chunks: readonly Buffer[], maxLineBytes = 1 << 20): Seen {
  const seen: Seen = { lines: [], oversize: [], parts: "", offset: 0 };
  const framer = new LineFramer(
    {
      line: (bytes, start, end, offset, terminated) => {
        expect(bytes[end]).toBe(10);
        seen.lines.push({ text: bytes.toString("latin1", start, end), offset, terminated });
      },
      oversize: (line) => seen.oversize.push({ ...line, head: line.head.toString("latin1") }),
      oversizePart: (bytes, start, end) => {
        seen.parts += bytes.toString("latin1", start, end);
      },
    },
    { maxLineBytes },
  );
  for (const chunk of chunks) {
    const copy = Buffer.from(chunk);
    framer.write(copy);
    copy.fill(0);
  }
  framer.end();
  seen.offset = framer.offset;
  return seen;
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [...new Set(at.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((from, i) => bytes.subarray(from, places[i] ?? bytes.length));
}

describe("LineFramer", () => {
  test("LineFramer gives the same lines and offsets however the input is cut", () => {
    const text = fc
      .array(fc.constantFrom("\n", "a", "bc", "{}", "é", "\r"), { maxLength: 60 })
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(text, fc.array(fc.nat(), { maxLength: 8 }), (content, places) => {
        const bytes = Buffer.from(content);
        const expected: Seen["lines"] = [];
        let offset = 0;
        const pieces = bytes.toString("latin1").split("\n");
        pieces.forEach((piece, i) => {
          const isRest = i === pieces.length - 1;
          if (!isRest || piece !== "") {
            expected.push({ text: piece, offset, terminated: !isRest });
          }
          offset += piece.length + 1;
        });
        const seen = frame(cut(bytes, places));
        expect(seen.lines).toEqual(expected);
        expect(seen.offset).toBe(bytes.length);
      }),
    );
  });

  test("LineFramer gives an oversize line as head, length and hash and goes on behind it, however the input is cut", () => {
    const line = fc.nat(30).map((length) => "x".repeat(length));
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 12 }),
        fc.boolean(),
        fc.array(fc.nat(), { maxLength: 8 }),
        (lines, closed, places) => {
          const content = lines.map((each, i) => each + (closed || i < lines.length - 1 ? "\n" : "")).join("");
          const seen = frame(cut(Buffer.from(content), places), 10);
          const all = closed || lines.at(-1) === "" ? lines.slice(0, closed ? lines.length : -1) : lines;
          expect(seen.lines.map((each) => each.text)).toEqual(all.filter((each) => each.length <= 10));
          const long = all.filter((each) => each.length > 10);
          expect(seen.oversize.map((each) => [each.bytes, each.sha256, each.head])).toEqual(
            long.map((each) => [each.length, createHash("sha256").update(each).digest("hex"), each]),
          );
          expect(seen.parts.replaceAll("\n", "")).toBe(long.join(""));
          expect(seen.offset).toBe(content.length);
        },
      ),
    );
  });

  test("LineFramer keeps only 64 KiB of a line over the limit", () => {
    const long = Buffer.alloc(3 << 20, "y");
    const seen = frame([Buffer.from("a\n"), long, Buffer.from("\nb\n")], 1 << 20);
    expect(seen.lines.map((line) => [line.text, line.offset])).toEqual([
      ["a", 0],
      ["b", (3 << 20) + 3],
    ]);
    expect(seen.oversize.map((line) => [line.offset, line.bytes, line.head.length, line.terminated])).toEqual([
      [2, 3 << 20, 65_536, true],
    ]);
  });

  test("LineFramer gives NUL over the limit as a line of its own, and what follows as a line, however the input is cut", () => {
    const content = Buffer.from(`a\n${"\0".repeat(50)}{}\n${"\0".repeat(20)}\n${"\0".repeat(11)}`);
    fc.assert(
      fc.property(fc.array(fc.nat(content.length), { minLength: 6, maxLength: 12 }), (places) => {
        // No chunk is longer than the limit, as none is that is read.
        const all = [...places, ...Array.from({ length: 9 }, (_, i) => 10 * i)];
        const seen = frame(cut(content, all), 10);
        expect(seen.lines.map(({ text, offset }) => [text, offset])).toEqual([
          ["a", 0],
          ["{}", 52],
        ]);
        expect(seen.oversize.map(({ offset, bytes, terminated }) => [offset, bytes, terminated])).toEqual([
          [2, 50, false],
          [55, 20, true],
          [76, 11, false],
        ]);
        expect(seen.offset).toBe(content.length);
      }),
    );
  });

  test("LineFramer.reset forgets the line in hand and counts from the new offset", () => {
    const offsets: number[] = [];
    const framer = new LineFramer({ line: (_b, _s, _e, offset) => void offsets.push(offset), oversize: () => {} });
    framer.write(Buffer.from("half"));
    framer.reset(100);
    framer.write(Buffer.from("x\ny\n"));
    expect(offsets).toEqual([100, 102]);
  });
});
