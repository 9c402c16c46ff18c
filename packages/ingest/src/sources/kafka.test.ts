import { setTimeout as sleep } from "node:timers/promises";
import { LineFramer } from "@auditsieve/audit";
import { DetectionEngine, loadDetections } from "@auditsieve/detect";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Source, SourceAlarm } from "../source.ts";
import { receive, testSource } from "../source.suite.ts";
import type { KafkaHandlers } from "../kafka/kafka-client.ts";
import { FakeKafka } from "../kafka/kafka-fake.suite.ts";
import { createKafkaSource } from "./kafka.ts";
import { checkPartitions } from "./partition-check.ts";

testSource("Kafka", {
  prepare: async (lines) => {
    const kafka = new FakeKafka();
    kafka.add(0, ...lines);
    return { create: async () => create(kafka), cleanUp: async () => undefined };
  },
});

describe("Kafka source", () => {
  test("takes events out of whatever a record holds, and commits a record only as a whole", async () => {
    const kafka = new FakeKafka();
    const list = `{"kind":"EventList","items":[${event(2)},${event(3)}]}`;
    kafka.add(0, event(1), undefined, list, `${event(4)}\n${event(5)}\n`, "", event(6));
    const source = create(kafka);
    await receive(keepOpen(source), 6, async (line, index) => {
      if (index === 1) {
        await source.ack(line.input, line.end);
        expect(kafka.committed.get(0)?.offset).toBe(2n);
      }
      if (index === 2) {
        await source.ack(line.input, line.end);
        expect(kafka.committed.get(0)?.offset).toBe(3n);
      }
    }).then((lines) => expect(lines.map(({ text }) => text)).toEqual([1, 2, 3, 4, 5, 6].map((i) => event(i))));
    await source.close();
    expect((await receive(create(kafka), 3)).map(({ text }) => text)).toEqual([4, 5, 6].map((i) => event(i)));
  });

  test("tells of records that are gone before they were read, and goes on behind them", async () => {
    const kafka = new FakeKafka();
    const alarms: SourceAlarm[] = [];
    kafka.add(0, ...[1, 2, 3, 4].map((i) => event(i)));
    kafka.committed.set(0, { offset: 1n, note: "auditsieve 1 0 100" });
    const partition = kafka.partitions[0] as { earliest: number };
    partition.earliest = 3;
    const source = createKafkaSource({
      name: "kafka",
      topic: "audit",
      createConsumer: async () => kafka.consumer(),
      onAlarm: (alarm) => alarms.push(alarm),
    });
    expect((await receive(source, 1)).map(({ text }) => text)).toEqual([event(4)]);
    expect(alarms).toMatchObject([{ kind: "gap", message: expect.stringContaining("Records 1 to 2") as string }]);
  });

  test("begins where another program of the group has committed", async () => {
    const kafka = new FakeKafka();
    kafka.add(0, ...[1, 2, 3].map((i) => event(i)));
    kafka.committed.set(0, { offset: 2n, note: "by hand" });
    expect(await receive(create(kafka), 1)).toMatchObject([{ text: event(3), input: "audit/0@2" }]);
  });

  test("commits in the end what is stored, although no record and no acknowledgement follows", async () => {
    const kafka = new FakeKafka();
    kafka.add(0, ...[1, 2, 3].map((i) => event(i)));
    const source = create(kafka);
    const last = (await receive(keepOpen(source), 3)).at(-1);
    kafka.isAway = true;
    await expect(source.ack(last?.input ?? "", last?.end ?? 0)).rejects.toThrow("away");
    kafka.balance();
    kafka.isAway = false;
    await untilCommitted(kafka, 3n);
    // A broker that died may have lost it.
    kafka.committed.set(0, { offset: 1n, note: kafka.committed.get(0)?.note ?? "" });
    kafka.balance();
    await untilCommitted(kafka, 3n);
    await source.close();
  });

  test("asks for what it has read to be settled before its partitions go to another member", async () => {
    let handlers: KafkaHandlers | undefined;
    const fake = new FakeKafka().consumer();
    const source = createKafkaSource({
      name: "kafka",
      topic: "audit",
      createConsumer: async () => ({
        start: async (given) => void (handlers = given),
        pause: () => undefined,
        commit: (due) => fake.commit(due),
        close: () => fake.close(),
      }),
    });
    const stop = new AbortController();
    const asked: AbortSignal[] = [];
    const chunks = source.open(stop.signal, async (limit) => void asked.push(limit))[Symbol.asyncIterator]();
    const next = chunks.next();
    await sleep(1);
    await handlers?.handOver(stop.signal);
    expect(asked).toEqual([stop.signal]);
    stop.abort();
    expect(await next).toMatchObject({ done: true });
  });

  test("fails when its consumer does", async () => {
    const source = createKafkaSource({
      name: "kafka",
      topic: "audit",
      createConsumer: async () => ({
        ...new FakeKafka().consumer(),
        start: async (handlers) => handlers.failed(new Error("not authorised")),
        pause: () => undefined,
        commit: async () => undefined,
        close: async () => undefined,
      }),
    });
    await expect(receive(source, 1)).rejects.toThrow("not authorised");
  });

  test("loses nothing and commits nothing too early, over any rebalances in the middle of batches", async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ partition: fc.nat(3), count: fc.integer({ min: 1, max: 8 }) }) },
      { weight: 3, arbitrary: fc.record({ ack: fc.nat(1), share: fc.double({ min: 0, max: 1, noNaN: true }) }) },
      { weight: 2, arbitrary: fc.record({ member: fc.nat(1), isJoining: fc.boolean() }) },
      { weight: 1, arbitrary: fc.constant("settle" as const) },
      { weight: 1, arbitrary: fc.constant("broker" as const) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const group = new Group();
        await group.change(0, true);
        for (const one of steps) {
          if (one === "settle") {
            await group.settle();
          } else if (one === "broker") {
            group.toggleBroker();
          } else if ("count" in one) {
            group.produce(one.partition, one.count);
          } else if ("share" in one) {
            await group.ack(one.ack, one.share);
          } else {
            await group.change(one.member, one.isJoining);
          }
          group.expectNothingTooEarly();
        }
        group.toggleBroker(false);
        await group.change(0, true);
        await group.change(1, false);
        await group.untilAllAcknowledged();
        await group.change(0, false);
      }),
      { numRuns: 200, endOnFailure: true },
    );
  });
});

describe("checkPartitions", () => {
  const correlation = (groupBy: string): string => `
title: Failures
id: failures
name: failures
logsource: { product: kubernetes, service: audit }
detection: { selection: { responseStatus.code: 403 }, condition: selection }
level: low
---
title: Many failures
id: many-failures
correlation: { type: event_count, rules: [failures], group-by: [${groupBy}], timespan: 5m, condition: { gte: 5 } }
level: high
`;
  const engine = (groupBy: string): DetectionEngine => {
    const { detections, problems } = loadDetections(correlation(groupBy), "x.yml");
    expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
    return new DetectionEngine(detections);
  };

  test.each([
    ["user.username", 6, true],
    ["sourceIPs", 1, true],
    ["sourceIPs", 6, false],
  ])("of a correlation by %s over %i partitions: %s", (groupBy, partitions, isFine) => {
    const error = checkPartitions("audit", partitions, engine(groupBy));
    expect(error === undefined).toBe(isFine);
    expect(error?.message ?? "many-failures").toContain("many-failures");
  });

  test.each([
    ["{ fields: [userAgent], per: [user.username], learn: 7d }", true],
    ["{ fields: [user.username], per: [objectRef.name], learn: 7d }", false],
    ["{ fields: [user.username] }", false],
    // Found again in another partition, never missed.
    ["{ fields: [userAgent], opening: find }", true],
  ])("of what is first seen, %s over six partitions: %s", (firstSeen, isFine) => {
    const { detections, problems } = loadDetections(
      `
title: New
id: new
logsource: { product: kubernetes, service: audit }
detection: { selection: { verb: get }, condition: selection }
level: low
auditsieve: { first-seen: ${firstSeen} }
`,
      "x.yml",
    );
    expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
    expect(checkPartitions("audit", 6, new DetectionEngine(detections)) === undefined).toBe(isFine);
  });
});

interface Member {
  readonly source: Source;
  readonly stop: AbortController;
  readonly lines: { readonly text: string; readonly input: string; readonly end: number }[];
  readonly reading: Promise<void>;
}

/** Two daemons that share four partitions; each sinks in order, as slowly as the steps say. */
class Group {
  readonly #kafka = new FakeKafka(4);
  readonly #members: (Member | undefined)[] = [undefined, undefined];
  readonly #produced: string[][] = [[], [], [], []];
  /** What some sink has. */
  readonly #stored = new Set<string>();

  produce(partition: number, count: number): void {
    const lines = Array.from({ length: count }, (_, i) =>
      event(`${partition}-${(this.#produced[partition]?.length ?? 0) + i}`),
    );
    this.#produced[partition]?.push(...lines);
    this.#kafka.add(partition, ...lines);
  }

  async ack(member: number, share: number): Promise<void> {
    const lines = this.#members[member]?.lines ?? [];
    const done = lines.splice(0, Math.ceil(lines.length * share));
    const last = done.at(-1);
    if (last !== undefined) {
      done.forEach(({ text }) => this.#stored.add(text));
      // A commit may be refused after a rebalance: then the records come again, to whoever has them.
      await this.#members[member]?.source.ack(last.input, last.end).catch(() => undefined);
    }
  }

  async change(member: number, isJoining: boolean): Promise<void> {
    const known = this.#members[member];
    if (known === undefined && isJoining) {
      this.#members[member] = this.#join();
    } else if (known !== undefined && !isJoining) {
      known.stop.abort();
      await known.reading;
      await known.source.close();
      this.#members[member] = undefined;
    }
  }

  toggleBroker(isAway: boolean = !this.#kafka.isAway): void {
    this.#kafka.isAway = isAway;
  }

  async settle(): Promise<void> {
    for (let i = 0; i < 5; i++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  expectNothingTooEarly(): void {
    this.#produced.forEach((lines, partition) => {
      const committed = Number(this.#kafka.committed.get(partition)?.offset ?? 0n);
      expect(lines.slice(0, committed).filter((line) => !this.#stored.has(line))).toEqual([]);
    });
    expect(this.#kafka.stepsBack, "a commit set a partition back").toBe(0);
  }

  async untilAllAcknowledged(): Promise<void> {
    const open = (): boolean =>
      this.#produced.some((lines, i) => Number(this.#kafka.committed.get(i)?.offset ?? 0n) < lines.length);
    for (let turns = 0; open(); turns++) {
      expect(turns, "some records are never committed").toBeLessThan(500);
      await this.settle();
      await this.ack(0, 1);
    }
    this.expectNothingTooEarly();
  }

  #join(): Member {
    const stop = new AbortController();
    const source = create(this.#kafka, 3);
    const lines: Member["lines"] = [];
    const reading = (async () => {
      const framers = new Map<string, { framer: LineFramer; next: number }>();
      for await (const { input, offset, bytes, isLast } of source.open(stop.signal)) {
        const known = framers.get(input);
        if (known !== undefined) {
          expect(offset, "a hole, or a step back").toBe(known.next);
        }
        const framer = known?.framer ?? newFramer(input, offset, lines);
        framer.write(bytes);
        framers.set(input, { framer, next: offset + bytes.length });
        if (isLast) {
          framers.delete(input);
        }
      }
    })();
    return { source, stop, lines, reading };
  }
}

function newFramer(input: string, offset: number, lines: Member["lines"]): LineFramer {
  const framer = new LineFramer({
    line: (bytes, start, end, at) =>
      void lines.push({ text: bytes.toString("utf8", start, end), input, end: at + end - start + 1 }),
    oversize: () => undefined,
  });
  framer.reset(offset);
  return framer;
}

function create(kafka: FakeKafka, batchSize?: number): Source {
  return createKafkaSource({
    name: "kafka",
    topic: "audit",
    createConsumer: async () => kafka.consumer(batchSize),
    backoff: { firstMs: 1, mostMs: 1, random: () => 1, sleep: () => new Promise((resolve) => setImmediate(resolve)) },
  });
}

async function untilCommitted(kafka: FakeKafka, offset: bigint): Promise<void> {
  for (let turns = 0; kafka.committed.get(0)?.offset !== offset; turns++) {
    expect(turns, "never committed").toBeLessThan(1000);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The suite closes what it reads. */
function keepOpen(source: Source): Source {
  return {
    name: source.name,
    open: (signal) => source.open(signal),
    ack: (input, offset) => source.ack(input, offset),
    close: () => Promise.resolve(),
  };
}

function event(id: number | string): string {
  return `{"level":"Metadata","auditID":"${id}","stage":"ResponseComplete","requestURI":"/","verb":"get","user":{"username":"jane"}}`;
}
