import ConsumerGroup from "kafkajs/src/consumer/consumerGroup.js";
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

test("kafkajs waits no longer than a minute for the end of a throttling, also where the clock was set back meanwhile", () => {
  const [later] = delaysOf([{}], 7 * 86_400_000);
  expect(later).toBeLessThanOrEqual(60_000);
});

test("kafkajs stays in its group where the clock is set back: the next heartbeat is not put off for as long", async () => {
  const group = new ConsumerGroup({ logger: { namespace: () => undefined } });
  let beats = 0;
  Object.assign(group, {
    memberId: "m",
    coordinator: { heartbeat: async () => void beats++ },
    instrumentationEmitter: { emit: () => undefined },
  });
  const clock = vi.spyOn(Date, "now");
  const now = Date.now();
  const beatAt = (ms: number): Promise<void> => {
    clock.mockReturnValue(now + ms);
    return group.heartbeat({ interval: 3000 });
  };
  await beatAt(4000);
  await beatAt(5000);
  expect(beats).toBe(1);
  await beatAt(-3_600_000);
  expect(beats).toBe(2);
  await beatAt(-3_599_000);
  expect(beats).toBe(2);
  await beatAt(-3_596_000);
  clock.mockRestore();
  expect(beats).toBe(3);
});
