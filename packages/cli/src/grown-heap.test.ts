import { expect, test } from "vitest";
import { GrownHeap } from "./grown-heap.ts";

const MB = 1024 * 1024;

test("GrownHeap begins to look at the heap once the process has grown, and not before", async () => {
  let taken = 80 * MB;
  const heap = new GrownHeap(() => taken);
  for (let i = 0; i < 1000; i++) {
    heap.look();
  }
  expect(heap.isGrown).toBe(false);
  taken = 100 * MB;
  for (let i = 0; i < 4; i++) {
    heap.look();
  }
  taken = 80 * MB;
  heap.look();
  expect(heap.isGrown).toBe(true);
  let looks = 0;
  let most = 0;
  await heap.begin((_whenLarge, _heap, _now, mostBytes) => {
    most = mostBytes ?? 0;
    return () => looks++;
  });
  heap.look();
  heap.look();
  expect([heap.isGrown, looks, most]).toEqual([false, 2, 36 * MB]);
});

test("GrownHeap asks what the process takes at each of the first looks and at every fourth later", () => {
  let asked = 0;
  const heap = new GrownHeap(() => {
    asked++;
    return 0;
  });
  for (let i = 0; i < 64; i++) {
    heap.look();
  }
  expect(asked).toBe(64);
  for (let i = 0; i < 64; i++) {
    heap.look();
  }
  expect(asked).toBe(64 + 16);
});
