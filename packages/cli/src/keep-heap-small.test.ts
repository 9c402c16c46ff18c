import { expect, test } from "vitest";
import { keepHeapSmall } from "./keep-heap-small.ts";

/** Between two looks at it so much time passes as some chunks take. */
function clock(): () => number {
  let now = 0;
  return () => (now += 10);
}

test("keepHeapSmall stops the growth of the room for new objects once, when it has grown to 8 MB", () => {
  let bytes = 1024 * 1024;
  let stopped = 0;
  const look = keepHeapSmall(
    () => {},
    {
      youngBytes: () => bytes,
      letYoungGrow: (mayGrow) => (stopped += mayGrow ? 0 : 1),
      takenBytes: () => 0,
      collect: () => {},
    },
    clock(),
  );
  const lookOften = (): number => {
    Array.from({ length: 100 }).forEach(look);
    return stopped;
  };
  look();
  expect(stopped).toBe(0);
  bytes = 8 * 1024 * 1024;
  look();
  expect(stopped).toBe(1);
  bytes = 64 * 1024 * 1024;
  expect(lookOften()).toBe(1);
});

test("keepHeapSmall has the whole heap collected at 72 MB, and again when it has grown by a quarter", () => {
  const megabytes = (bytes: number): number => bytes * 1024 * 1024;
  let whole = 30;
  let alive = 20;
  let collected = 0;
  let large = 0;
  const look = keepHeapSmall(
    () => (large = whole),
    {
      youngBytes: () => 0,
      letYoungGrow: () => {},
      takenBytes: () => megabytes(whole),
      collect: () => {
        collected++;
        whole = alive;
      },
    },
    clock(),
  );
  const collectedAt = (size: number): number => {
    whole = size;
    Array.from({ length: 100 }).forEach(look);
    return collected;
  };
  expect(collectedAt(72)).toBe(0);
  expect(collectedAt(73)).toBe(1);
  expect(collectedAt(72)).toBe(1);
  alive = 76;
  expect(collectedAt(73)).toBe(2);
  expect(collectedAt(95)).toBe(2);
  expect(collectedAt(96)).toBe(3);
  // The first time only.
  expect(large).toBe(73);
});

test("keepHeapSmall does not look more often than every 25 milliseconds once it has seen 64 chunks", () => {
  let now = 0;
  let looks = 0;
  const look = keepHeapSmall(
    () => {},
    { youngBytes: () => 0, letYoungGrow: () => {}, takenBytes: () => ++looks, collect: () => {} },
    () => now,
  );
  const looksAfter = (chunks: number): number => {
    looks = 0;
    Array.from({ length: chunks }).forEach(look);
    return looks;
  };
  expect(looksAfter(64)).toBe(64);
  expect(looksAfter(64)).toBe(1);
  expect(looksAfter(64)).toBe(0);
  now += 25;
  expect(looksAfter(64)).toBe(1);
});
