import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Duplicates } from "./duplicates.ts";
import { letGo, LineMemory } from "./line-memory.ts";
import type { LogLine } from "./log-line.ts";

/** A line as a merge gives it, in memory that is used again. */
function lineIn(memory: LineMemory, micros: number, text: string): LogLine {
  const copied = memory.copy(Buffer.from(text), 0, text.length);
  const { piece, start = 0 } = copied ?? {};
  if (piece !== undefined) {
    piece.lines++;
  }
  const bytes = piece?.bytes ?? Buffer.from(text);
  return { micros, log: 0, offset: 0, bytes, start, end: start + text.length, piece };
}

test("Duplicates tells what has come before at the same time, few lines or many, and goes on from a snapshot", () => {
  const given = fc.array(fc.tuple(fc.nat(2), fc.nat(14)), { maxLength: 120 });
  fc.assert(
    fc.property(given, fc.nat(100), (lines, restartAt) => {
      const memory = new LineMemory();
      let duplicates = new Duplicates();
      let before = { micros: -1, texts: new Set<string>() };
      lines
        .toSorted(([a], [b]) => a - b)
        .forEach(([micros, number], i) => {
          if (i === restartAt) {
            const snapshot = structuredClone(duplicates.snapshot());
            duplicates = new Duplicates();
            duplicates.restore(snapshot);
          }
          const text = `${"x".repeat(number % 3)}${number}`;
          const line = lineIn(memory, micros, text);
          before = before.micros === micros ? before : { micros, texts: new Set() };
          expect(duplicates.isSurelyRepeated(line) && !before.texts.has(text)).toBe(false);
          expect(duplicates.isRepeated(line)).toBe(before.texts.has(text));
          expect(duplicates.isSurelyRepeated(line) || before.texts.size > 7 || i >= restartAt).toBe(true);
          before.texts.add(text);
          letGo(line);
        });
    }),
  );
});

test("LineMemory uses a piece again when all of its lines are let go, and not before", () => {
  const memory = new LineMemory();
  const half = "a".repeat(600_000);
  const first = lineIn(memory, 0, half);
  const duplicates = new Duplicates();
  duplicates.isRepeated(first);
  letGo(first);
  const second = lineIn(memory, 0, half.replaceAll("a", "b"));
  letGo(second);
  const third = lineIn(memory, 0, half);
  expect(third.bytes === first.bytes).toBe(false);
  expect(duplicates.isRepeated(third)).toBe(true);
  duplicates.isRepeated(lineIn(memory, 1, half));
  letGo(third);
  const pieces = [1, 2].map(() => lineIn(memory, 1, half).bytes);
  expect(pieces.some((bytes) => bytes === first.bytes)).toBe(true);
});
