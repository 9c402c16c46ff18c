import { EventEmitter } from "node:events";
import type { Consumer, ConsumerConfig } from "kafkajs";
import { describe, expect, test, vi } from "vitest";
import { inPrivateGroup } from "./kafkajs-private-group.ts";
import type { KafkajsClients } from "./kafkajs-private-group.ts";

describe("inPrivateGroup", () => {
  test("gives what was read, leaves and removes the group", async () => {
    const kafka = new FakeKafka();
    const read = inPrivateGroup(kafka, "own", async (_consumer, run) => {
      await run({});
      kafka.emit("join", {});
      return "records";
    });
    expect(await read).toBe("records");
    expect(kafka.done).toEqual(["connect", "run", "disconnect", "remove own"]);
  });

  test("whoever gives up while it joins is let join, leaves then, and does not begin anew", async () => {
    const kafka = new FakeKafka();
    const read = inPrivateGroup(kafka, "own", async (_consumer, run) => {
      await run({});
      throw new Error("closed");
    });
    const failed = expect(read).rejects.toThrow("closed");
    await vi.waitFor(async () => expect(await kafka.isRestarted()).toBe(false));
    expect(kafka.done).toEqual(["connect", "run"]);
    kafka.emit("join", {});
    await failed;
    expect(kafka.done).toEqual(["connect", "run", "disconnect", "remove own"]);
  });

  test("whose broker stays away is left behind, to leave when it joins or fails for good", async () => {
    for (const [event, payload] of [
      ["join", {}],
      ["crash", { restart: false }],
    ] as const) {
      const kafka = new FakeKafka();
      const giveUp = async (_consumer: Consumer, run: (config: object) => Promise<void>): Promise<void> => run({});
      await inPrivateGroup(kafka, "own", giveUp, 1);
      expect(kafka.done).toEqual(["connect", "run"]);
      kafka.emit(event, payload);
      await vi.waitFor(() => expect(kafka.done).toEqual(["connect", "run", "disconnect"]));
    }
  });

  test("one that never reached a broker leaves nothing to wait for", async () => {
    const kafka = new FakeKafka("connection refused");
    await expect(inPrivateGroup(kafka, "own", () => expect.fail("it is not connected"))).rejects.toThrow("refused");
    expect(kafka.done).toEqual(["connect", "disconnect", "remove own"]);
  });
});

class FakeKafka implements KafkajsClients {
  readonly done: string[] = [];
  readonly #events = new EventEmitter();
  readonly #refusal: string | undefined;
  #config: ConsumerConfig | undefined;

  constructor(refusal?: string) {
    this.#refusal = refusal;
  }

  consumer(config: ConsumerConfig): Consumer {
    this.#config = config;
    const consumer: Partial<Record<keyof Consumer, unknown>> = {
      events: { GROUP_JOIN: "join", CRASH: "crash" },
      on: (name: string, listener: (event: unknown) => void) => this.#events.on(name, listener),
      connect: async () => {
        this.done.push("connect");
        if (this.#refusal !== undefined) {
          throw new Error(this.#refusal);
        }
      },
      run: async () => void this.done.push("run"),
      disconnect: async () => void this.done.push("disconnect"),
    };
    return consumer as unknown as Consumer;
  }

  admin(): ReturnType<KafkajsClients["admin"]> {
    return {
      connect: async () => undefined,
      deleteGroups: async (groups) => {
        this.done.push(`remove ${groups.join()}`);
        return [];
      },
      disconnect: async () => undefined,
    };
  }

  emit(event: "join" | "crash", payload: object): void {
    this.#events.emit(event, { payload });
  }

  /** Whether the library would begin anew after a failure that may pass. */
  async isRestarted(): Promise<boolean | undefined> {
    return this.#config?.retry?.restartOnFailure?.(new Error("the broker is away"));
  }
}
