import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createRedactor } from "@auditsieve/audit";
import { DetectionEngine, loadDetections } from "@auditsieve/detect";
import * as fc from "fast-check";
import { expect } from "vitest";
import { AUDIT_ID_REPEATED } from "../alarms/audit-id-watch.ts";
import { chanceOf, detectionRules, eventLines, findingsOf } from "../detections/detection-restart.suite.ts";
import { openDetectionState } from "../state/detection-state.ts";
import { Pipeline } from "../pipeline/pipeline.ts";
import { STORED } from "../sink.ts";
import type { Delivery, ItemResult } from "../sink.ts";
import type { KafkaConsumer } from "../kafka/kafka-client.ts";
import { FakeKafka } from "../kafka/kafka-fake.suite.ts";
import { createKafkaSource } from "./kafka.ts";
import { StateSeal } from "./state-seal.ts";
import { FakeStateTopic } from "../kafka/state-topic-fake.suite.ts";

const NO_SIDE_LOGS = {
  deadLetter: () => Promise.reject(new Error("nothing is refused")),
  quarantine: () => Promise.reject(new Error("nothing is too long")),
  close: () => Promise.resolve(),
};
const REDACTOR = createRedactor({ key: Buffer.alloc(32, 1) });
const ID_KEY = Buffer.alloc(32, 2);
const PATIENCE_MS = 60_000;

const { detections } = loadDetections(detectionRules(), "group.yml");
/** An auditID that is used again is looked for over all that a daemon reads, not by partition. */
export const engine: DetectionEngine = new DetectionEngine(detections.filter(({ id }) => id !== AUDIT_ID_REPEATED));

/** A daemon of the group. */
interface Member {
  readonly ended: Promise<void>;
  readonly stop: AbortController;
  readonly consumer: KafkaConsumer;
  /** Steps that it still lives. */
  left: number;
  /** Waited for before each step: a process that is held up, and knows nothing of it. */
  gate: Promise<void>;
  open: () => void;
}

/** A topic of two partitions, a group of up to two daemons, what they keep in Kafka, and a sink that knows ids again. */
export class KafkaGroup {
  readonly kafka: FakeKafka = new FakeKafka(2);
  readonly states: FakeStateTopic = new FakeStateTopic();
  readonly alarms: string[] = [];
  /** What was tried again. */
  readonly failures: string[] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), "kafka-group-"));
  readonly #members: (Member | undefined)[] = [undefined, undefined];
  /** Everything that was started, also what is dead. */
  readonly #all: Member[] = [];
  readonly #lines: string[][] = [[], []];
  readonly #stored = new Map<string, Delivery>();
  #lives = 0;

  /** The lines of one user are in one partition. */
  produce(lines: readonly string[]): void {
    for (const line of lines) {
      const partition = line.includes('"username":"eve"') ? 0 : 1;
      this.#lines[partition]?.push(line);
      this.kafka.add(partition, line);
    }
  }

  /** Starts a daemon, unless it runs. It dies after so many steps: of its sink, its commits, what it keeps in Kafka. */
  async start(place: number, steps = Infinity): Promise<void> {
    if (this.#members[place] !== undefined) {
      return;
    }
    const stop = new AbortController();
    const consumer = this.kafka.consumer(7);
    const member: Member = {
      stop,
      consumer,
      left: steps,
      ended: Promise.resolve(),
      gate: Promise.resolve(),
      open: () => undefined,
    };
    const step = async (): Promise<void> => {
      await member.gate;
      if (member.left-- <= 0) {
        this.#die(place, member);
        throw new Error("dead");
      }
    };
    const source = createKafkaSource({
      name: "kafka",
      topic: "audit",
      createConsumer: async () => ({
        start: (handlers) => consumer.start(handlers),
        pause: () => consumer.pause(),
        commit: async (due) => {
          await step();
          await consumer.commit(due);
          await step();
        },
        close: () => consumer.close(),
      }),
      stateTopic: { topic: this.states.of(step), seal: new StateSeal(ID_KEY), prefix: "group/audit" },
      // A dead daemon's failed takeover is its own death.
      onAlarm: ({ message }) => member.left >= 0 && this.alarms.push(message),
      backoff: { firstMs: 1, mostMs: 1, random: () => 1, sleep: () => delay(1) },
    });
    const pipeline = new Pipeline({
      source,
      feeds: [
        {
          feed: "findings",
          sink: { name: "sink", write: (batch) => this.#write(batch, step), close: async () => undefined },
        },
      ],
      sideLogs: NO_SIDE_LOGS,
      detectionState: await openDetectionState(this.#folder, `kafka-${this.#lives++}`, undefined),
      cluster: "test",
      idKey: ID_KEY,
      redactor: REDACTOR,
      detections: engine,
      onFailure: (error) => this.failures.push(error.message),
      limits: { maxBatchAgeMs: 1, maxBatchItems: 3, ackIntervalMs: 0.1, drainMs: 200 },
      backoff: { firstMs: 1, mostMs: 1, random: () => 1, sleep: (ms, signal) => delay(ms, undefined, { signal }) },
    });
    const ended = pipeline.run(stop.signal).then(
      () => source.close(),
      () => source.close(),
    );
    Object.assign(member, { ended });
    this.#members[place] = member;
    this.#all.push(member);
  }

  /** Drains, keeps what it remembers, leaves. */
  async stop(place: number): Promise<void> {
    const member = this.#members[place];
    this.#members[place] = undefined;
    member?.open();
    member?.stop.abort();
    await member?.ended;
  }

  /** It is gone from one step to the next. */
  kill(place: number): void {
    const member = this.#members[place];
    if (member !== undefined) {
      member.left = 0;
      this.#die(place, member);
    }
  }

  /** The group gives the daemon up; it does not know, and goes on with what it has. */
  evict(place: number): void {
    const member = this.#members[place];
    if (member !== undefined) {
      this.kafka.evict(member.consumer);
    }
  }

  /** It is held up until it is woken, and the group gives it up meanwhile. */
  stall(place: number): void {
    const member = this.#members[place];
    if (member !== undefined) {
      member.open();
      member.gate = new Promise((resolve) => (member.open = resolve));
      this.kafka.evict(member.consumer);
    }
  }

  /** It goes on with what it was about to do. */
  wake(place: number): void {
    this.#members[place]?.open();
  }

  rejoin(place: number): void {
    const member = this.#members[place];
    if (member !== undefined) {
      member.open();
      this.kafka.rejoin(member.consumer);
    }
  }

  /** Resolves when everything is committed, by whoever lives; starts a daemon where none does. */
  async untilCommitted(): Promise<void> {
    for (const place of [0, 1]) {
      this.rejoin(place);
    }
    for (const limit = Date.now() + PATIENCE_MS; ; await delay(1)) {
      // Daemons may die of what they were given to live.
      await this.start(0);
      const open = this.#lines.filter((lines, i) => (this.kafka.committed.get(i)?.offset ?? 0n) < BigInt(lines.length));
      if (open.length === 0) {
        return;
      }
      expect(Date.now(), `not everything is committed: ${this.failures.slice(-5).join("; ")}`).toBeLessThan(limit);
    }
  }

  findings(): readonly string[] {
    return [...this.#stored.values()]
      .flatMap(({ kind, document }) => (kind === "finding" ? [document.toString("utf8")] : []))
      .toSorted();
  }

  /** What one daemon for each partition finds that is never stopped. */
  expected(): readonly string[] {
    return this.#lines.flatMap((lines) => findingsOf(lines, engine)).toSorted();
  }

  async end(): Promise<void> {
    this.#all.forEach((member) => {
      member.left = 0;
      member.open();
      this.#die(-1, member);
    });
    await Promise.all(this.#all.map(({ ended }) => ended));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #die(place: number, member: Member): void {
    if (this.#members[place] === member) {
      this.#members[place] = undefined;
    }
    this.kafka.evict(member.consumer);
    member.stop.abort();
  }

  async #write(batch: readonly Delivery[], step: () => Promise<void>): Promise<readonly ItemResult[]> {
    for (const delivery of batch) {
      await step();
      const before = this.#stored.get(delivery.id);
      expect(before?.document.toString() ?? delivery.document.toString()).toBe(delivery.document.toString());
      this.#stored.set(delivery.id, { ...delivery });
      await new Promise((resolve) => setImmediate(resolve));
    }
    await step();
    return batch.map(() => STORED);
  }
}

const PLACE = fc.nat(1);
const STEP = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("produce" as const), count: fc.integer({ min: 1, max: 12 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("start" as const),
      place: PLACE,
      lives: fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 60 })),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom(
        "stop" as const,
        "kill" as const,
        "evict" as const,
        "stall" as const,
        "wake" as const,
        "rejoin" as const,
      ),
      place: PLACE,
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("settle" as const), ms: fc.integer({ min: 0, max: 25 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("compact" as const) }) },
);

/** Lets daemons join, leave, die and be forgotten at random; in the end there must be what one would find that saw everything. */
export async function testGroup(numRuns: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.array(STEP, { maxLength: 25 }), async (seed, steps) => {
      const group = new KafkaGroup();
      const lines = eventLines(60, chanceOf(seed));
      let produced = 0;
      const produce = (count: number): void => {
        group.produce(lines.slice(produced, produced + count));
        produced += count;
      };
      try {
        await group.start(0);
        for (const step of steps) {
          if (step.do === "produce") {
            produce(step.count);
          } else if (step.do === "start") {
            await group.start(step.place, step.lives);
          } else if (step.do === "settle") {
            await new Promise((resolve) => setTimeout(resolve, step.ms));
          } else if (step.do === "compact") {
            group.states.compact();
          } else {
            await group[step.do](step.place);
          }
        }
        produce(lines.length);
        await group.untilCommitted();
        expect(group.findings()).toEqual(group.expected());
        expect(group.alarms).toEqual([]);
        expect(group.kafka.stepsBack).toBe(0);
      } finally {
        await group.end();
      }
    }),
    { numRuns },
  );
}
