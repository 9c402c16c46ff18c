import RequestQueue from "kafkajs/src/network/requestQueue/index.js";
import { beforeAll, expect, test, vi } from "vitest";

beforeAll(() => import("./kafkajs-client.ts"));

function delaysOf(pending: readonly unknown[], throttledForMs: number): readonly (number | undefined)[] {
  const queue = new RequestQueue({ clientId: "c", broker: "127.0.0.1:9092", requestTimeout: 1000 });
  Object.assign(queue, { pending: [...pending], maxInFlightRequests: 0 });
  queue.throttledUntil = throttledForMs === 0 ? queue.throttledUntil : Date.now() + throttledForMs;
  const timers = vi.spyOn(globalThis, "setTimeout");
  queue.checkPendingRequests();
  queue.destroy();
  const delays = timers.mock.calls.map(([, delay]) => delay);
  timers.mockRestore();
  return delays;
}

test("kafkajs sets no timer where no request waits, so that Node warns of none below zero", () => {
  expect(delaysOf([], 0)).toEqual([]);
  expect(delaysOf([], 60_000)).toEqual([]);
});

test("kafkajs looks again at requests that wait, for a place or for the end of a throttling", () => {
  const [soon] = delaysOf([{}], 0);
  const [later] = delaysOf([{}], 60_000);
  expect(soon).toBeGreaterThan(0);
  expect(soon).toBeLessThan(1000);
  expect(later).toBeGreaterThan(30_000);
});
