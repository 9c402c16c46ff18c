import { EventEmitter } from "node:events";
import type { Consumer } from "kafkajs";
import { describe, expect, test, vi } from "vitest";
import { KafkajsMembership } from "./kafkajs-membership.ts";

describe("KafkajsMembership", () => {
  test("leaves at once as a member, and where it never began to join", async () => {
    for (const joins of [true, false]) {
      const { consumer, emit, disconnected } = fake();
      const membership = new KafkajsMembership(consumer);
      if (joins) {
        membership.begin();
        emit("join");
      }
      await membership.leave();
      expect(disconnected()).toBe(1);
    }
  });

  test("lets one that is joining join before it leaves, at the start and after a crash", async () => {
    for (const before of [[], ["join", "crash-restart"]]) {
      const { consumer, emit, disconnected } = fake();
      const membership = new KafkajsMembership(consumer);
      membership.begin();
      before.forEach(emit);
      const left = membership.leave();
      expect(disconnected()).toBe(0);
      emit("join");
      // Not in the same step: the library has not noted yet that it runs.
      expect(disconnected()).toBe(0);
      await left;
      expect(disconnected()).toBe(1);
    }
  });

  test("is content with one that has failed for good, and does not wait for a broker for ever", async () => {
    const failed = fake();
    const membership = new KafkajsMembership(failed.consumer);
    membership.begin();
    const left = membership.leave();
    failed.emit("crash");
    await left;
    const stuck = fake();
    const waiting = new KafkajsMembership(stuck.consumer, 1);
    waiting.begin();
    await waiting.leave();
    expect(stuck.disconnected()).toBe(0);
    stuck.emit("join");
    await vi.waitFor(() => expect(stuck.disconnected()).toBe(1));
  });
});

function fake(): {
  readonly consumer: Pick<Consumer, "on" | "events" | "disconnect">;
  readonly emit: (what: string) => void;
  readonly disconnected: () => number;
} {
  const events = new EventEmitter();
  let count = 0;
  const consumer = {
    events: { GROUP_JOIN: "join", CRASH: "crash" },
    on: (name: string, listener: (event: unknown) => void) => events.on(name, listener),
    disconnect: async () => void count++,
  };
  return {
    consumer: consumer as unknown as Pick<Consumer, "on" | "events" | "disconnect">,
    emit: (what) => events.emit(what.split("-")[0] ?? "", { payload: { restart: what.endsWith("-restart") } }),
    disconnected: () => count,
  };
}
