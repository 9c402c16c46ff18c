import { expect, test } from "vitest";
import { inStrides } from "./in-strides.ts";

const LARGE = 512 * 1024;

/** What is looked at of chunks of this size, behind `before` large ones. */
function looks(chunks: number, bytes: number, before = 0): number[] {
  const looked: number[] = [];
  const pass = inStrides((each) => looked.push(each));
  const passAll = (count: number, each: number): void => Array.from({ length: count }).forEach(() => pass(each));
  passAll(before, LARGE);
  looked.length = 0;
  passAll(chunks, bytes);
  return looked;
}

test("inStrides tells each of the first chunks, and of large ones that follow 4 MB at a time", () => {
  expect(looks(64, LARGE)).toEqual(Array.from({ length: 64 }).fill(LARGE));
  expect(looks(24, LARGE, 64)).toEqual([8 * LARGE, 8 * LARGE, 8 * LARGE]);
  expect(looks(7, LARGE, 64)).toEqual([]);
});

test("inStrides tells at once of a small chunk, which may be all that comes for a while, with what waited", () => {
  expect(looks(2, 100, 64)).toEqual([100, 100]);
  expect(looks(2, 100, 66)).toEqual([2 * LARGE + 100, 100]);
});
