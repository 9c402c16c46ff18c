import { describe, expect, test } from "vitest";
import { wholeLines } from "./whole-lines.ts";

/** What comes of a log that is read `sizes` bytes at a time, the last of them again and again. */
function chunksOf(log: Buffer, roomBytes: number, sizes: readonly number[]): Buffer[] {
  const room = Buffer.alloc(roomBytes, "\n");
  let at = 0;
  let reads = 0;
  const read = (into: Buffer, from: number): number => {
    const size = sizes[Math.min(reads++, sizes.length - 1)] as number;
    const length = log.copy(into, from, at, Math.min(log.length, at + size));
    at += length;
    return length;
  };
  return Array.from(wholeLines(room, read(room, 0), read), (chunk) => {
    const copied = Buffer.from(chunk);
    // Who filters a chunk moves lines about in it.
    chunk.fill("#");
    return copied;
  });
}

describe("wholeLines", () => {
  const log = Buffer.from(
    Array.from({ length: 60 }, (_, i) => "abcdefghij".repeat(i % 7).slice(0, (i * 13) % 61)).join("\n"),
  );

  test.each([[[1]], [[2, 7, 30]], [[64]], [[3, 1000]]])("gives all bytes in order, read %j at a time", (sizes) => {
    for (const roomBytes of [1, 2, 3, 8, 61, 62, 64, 100, 4096]) {
      expect(Buffer.concat(chunksOf(log, roomBytes, sizes)).equals(log)).toBe(true);
    }
  });

  test("gives chunks that end with a line where lines fit into the room, but for the rest", () => {
    const chunks = chunksOf(log, 64, [50]);
    expect(chunks.length).toBeGreaterThan(10);
    expect(chunks.slice(0, -1).every((chunk) => chunk.at(-1) === 10)).toBe(true);
    expect(chunksOf(Buffer.from("a\nb\nc\n"), 5, [5]).map(String)).toEqual(["a\nb\n", "c\n"]);
  });

  test("gives a line longer than the room in pieces", () => {
    expect(chunksOf(Buffer.from("abcdefg\nh"), 3, [9]).map(String)).toEqual(["abc", "def", "g\n", "h"]);
  });

  test("gives what was read behind the last chunk to whoever asks for it, and reads no more", () => {
    const room = Buffer.from("a\nbc__");
    const lines = wholeLines(room, 4, () => {
      throw new Error("read on");
    });
    expect(lines.next().value?.toString()).toBe("a\n");
    expect(lines.next("rest").value?.toString()).toBe("bc");
  });

  test("gives what was read of a line before it says that reading failed", () => {
    const room = Buffer.from("a\nbc__");
    const given: string[] = [];
    expect(() => {
      for (const chunk of wholeLines(room, 4, () => {
        throw new Error("gone");
      })) {
        given.push(chunk.toString());
      }
    }).toThrow("gone");
    expect(given).toEqual(["a\n", "bc"]);
  });

  test("closes what is read at the end, and when nobody asks for more", () => {
    const readOnce = (): number => 0;
    for (const isLeft of [true, false]) {
      let closed = 0;
      const room = Buffer.from("a\nbc__");
      for (const chunk of wholeLines(room, 4, readOnce, () => closed++)) {
        expect([chunk.length, closed]).toEqual([2, 0]);
        if (isLeft) {
          break;
        }
      }
      expect(closed).toBe(1);
    }
  });
});
