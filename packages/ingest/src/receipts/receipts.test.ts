import { createRedactor, EventScan } from "@auditsieve/audit";
import type { JsonValue } from "@auditsieve/audit";
import { loadStreamPolicy, StreamPolicy } from "@auditsieve/policy";
import * as fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { Pipeline } from "../pipeline/pipeline.ts";
import type { StateSection } from "../lines/pipeline-state.ts";
import { ReceiptBook } from "./receipt-book.ts";
import type { ClosedRange, NoiseReceipt } from "./receipt-book.ts";
import { ReceiptRanges } from "./receipt-ranges.ts";
import { STORED } from "../sink.ts";
import type { Delivery, ItemResult } from "../sink.ts";
import type { SideLogs } from "../sinks/dead-letter.ts";
import type { Source, SourceChunk } from "../source.ts";
import type { PipelineTally } from "../lines/tally.ts";

const SIDE_LOGS: SideLogs = {
  deadLetter: async () => undefined,
  quarantine: async () => undefined,
  close: async () => undefined,
};

describe("receipts", () => {
  test("say by rule, actor, verb, resource and minute what was dropped", async () => {
    const world = new World([
      event(0, "noise", "get", "leases"),
      event(1, "noise", "get", "leases"),
      event(2, "jane", "get", "pods"),
      event(3, "noise", "update", "leases"),
      event(60, "noise", "get", "leases"),
      probe(61, "/livez?verbose"),
    ]);
    const tally = await world.run();
    expect(world.receipts()).toMatchObject([
      receipt({ from: 0, to: world.startOf(4), verb: "get", first: at(0), last: at(1), count: 2 }),
      receipt({ from: 0, to: world.startOf(4), verb: "update", first: at(3), last: at(3), count: 1 }),
      receipt({ from: world.startOf(4), to: world.size, verb: "get", first: at(60), last: at(60), count: 1 }),
      receipt({
        from: world.startOf(4),
        to: world.size,
        verb: "get",
        resource: "/livez",
        rule: 1,
        actor: "system:anonymous",
        first: at(61),
        last: at(61),
        count: 1,
      }),
    ]);
    expect(tally).toMatchObject({
      lines: 6,
      unacknowledged: 0,
      sinks: [{ dropped: 5, delivered: 1, receipts: { delivered: 4, pending: 0 } }],
      acknowledged: { lines: 6, "sink/delivered": 1, "sink/dropped/0": 4, "sink/dropped/1": 1, "sink/lines": 6 },
    });
  });

  test("are not counted again where a crash leaves the position inside a range that is stored", async () => {
    const world = new World([
      event(0, "noise", "get", "leases"),
      event(1, "jane", "get", "pods"),
      event(2, "noise", "get", "leases"),
      event(60, "noise", "get", "leases"),
    ]);
    const hung = world.run(Infinity, { hangs: ([first]) => first?.kind === "event", maxBatchItems: 1 });
    await vi.waitFor(() => expect(world.acked).toBe(world.startOf(1)));
    world.stop();
    await hung;
    await world.run();
    expect(world.receipts()).toMatchObject([
      { from: 0, to: world.startOf(3), count: 2 },
      { from: world.startOf(3), to: world.size, count: 1 },
    ]);
    expect(world.counters()).toMatchObject({ "sink/dropped/0": 3, "sink/delivered": 1 });
  });

  test("go out ten seconds after a log falls silent, and everything is acknowledged", async () => {
    const world = new World([event(0, "jane", "get", "pods"), event(1, "noise", "get", "leases")]);
    const silent = world.run(Infinity, { isSilent: true, idleMs: 50 });
    await vi.waitFor(() => expect(world.acked).toBe(world.size), { timeout: 60_000 });
    expect(world.receipts()).toMatchObject([{ from: world.startOf(1), to: world.size, count: 1 }]);
    world.stop();
    await silent;
    expect(world.counters()).toMatchObject({ "sink/dropped/0": 1, "sink/delivered": 1 });
  });

  test("are the same after any crash, and the counters of the checkpoint sum", async () => {
    const line = fc.tuple(
      fc.integer({ min: -70, max: 90 }),
      fc.constantFrom("noise", "noise", "jane", "torn"),
      fc.constantFrom("get", "watch"),
      fc.constantFrom("leases", "pods"),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { minLength: 1, maxLength: 60 }),
        fc.array(fc.tuple(fc.nat(6), fc.option(fc.nat(2))), { maxLength: 5 }),
        fc.integer({ min: 50, max: 3000 }),
        async (steps, crashes, chunkBytes) => {
          let seconds = 0;
          const world = new World(
            steps.map(([step, user, verb, resource], i) => {
              seconds = Math.max(0, seconds + step);
              return user === "torn" ? `torn ${i}` : event(seconds, user, verb, resource, i);
            }),
            chunkBytes,
          );
          for (const [saves, hanging] of crashes) {
            // A third of the batches never comes back in such a life.
            await world.run(saves, {
              hangs: ([first]) => hanging !== null && Number.parseInt(first?.id ?? "", 16) % 3 === hanging,
            });
          }
          const { acknowledged, unacknowledged } = await world.run();
          const receipts = world.receipts();
          const dropped = receipts.reduce((sum, { count }) => sum + count, 0);
          expect(unacknowledged).toBe(0);
          expect(dropped + world.events()).toBe(steps.length);
          // Ranges of one sink never overlap, so nothing is counted twice.
          const ranges = [...new Set(receipts.map(({ from, to }) => `${from} ${to}`))].map((range) =>
            range.split(" ").map(Number),
          );
          ranges.sort(([a = 0], [b = 0]) => a - b);
          ranges.forEach(([from = 0], i) => expect(from).toBeGreaterThanOrEqual(ranges[i - 1]?.[1] ?? 0));
          const counters = world.counters();
          expect(counters).toEqual(acknowledged);
          expect(counters["lines"]).toBe(steps.length);
          expect(counters["sink/lines"]).toBe(steps.length);
          expect(counters["sink/dropped/0"] ?? 0).toBe(dropped);
          expect((counters["sink/delivered"] ?? 0) + dropped).toBe(steps.length);
        },
      ),
      { numRuns: 30 },
    );
  });

  test("are not counted again where a stop comes while lines are read that a killed run has counted", async () => {
    const lines = [0, 1, 2, 3, 60].map((second) => event(second, "noise", "get", "leases"));
    const world = new World(lines, Buffer.byteLength(lines[0] ?? "") + 1);
    await world.run(1, { chunks: 6 });
    expect(world.acked).toBe(0);
    expect(world.receipts()).toMatchObject([{ from: 0, to: world.startOf(4), count: 4 }]);
    const early = world.run(Infinity, { chunks: 2 });
    await vi.waitFor(() => expect(world.given).toBe(2));
    world.stop();
    await early;
    await world.run();
    expect(world.receipts()).toMatchObject([
      { from: 0, to: world.startOf(4), count: 4 },
      { from: world.startOf(4), to: world.size, count: 1 },
    ]);
    expect(world.counters()).toMatchObject({ "sink/dropped/0": 5 });
  });

  test("end where a run is stopped, once it has come to an end before", async () => {
    const lines = [0, 1, 2, 3].map((second) => event(second, "noise", "get", "leases"));
    const world = new World(lines, Buffer.byteLength(lines[0] ?? "") + 1);
    for (const chunks of [1, 2]) {
      const early = world.run(Infinity, { chunks });
      await vi.waitFor(() => expect(world.given).toBe(chunks));
      world.stop();
      await early;
    }
    expect(world.receipts()).toMatchObject([
      { from: 0, to: world.startOf(1), count: 1 },
      { from: world.startOf(1), to: world.startOf(3), count: 2 },
    ]);
    expect(world.acked).toBe(world.startOf(3));
  });

  test("of lines behind a cut wait until the cut is saved: after a crash before that they would be made otherwise", () => {
    const identity = { source: "memory", cluster: "test", idKey: Buffer.alloc(32, 1) };
    const redactor = createRedactor({ key: Buffer.alloc(32, 2) });
    const delivered: ClosedRange[] = [];
    const ranges = new ReceiptRanges({
      books: () => [new ReceiptBook({ ...identity, sink: "sink", redactor })],
      cutAfter: () => Infinity,
      countedUntil: (_input, _outlet, offset) => offset,
      deliver: (range) => delivered.push(range),
    });
    const scan = new EventScan();
    const drop = (offset: number, seconds: number): void => {
      const bytes = Buffer.from(event(seconds, "noise", "get", "leases"));
      expect(scan.scan(bytes, 0, bytes.length)).toBe(true);
      ranges.endBefore(offset, scan);
      ranges.add(0, scan, 0, offset, () => ({
        input: "log@0",
        end: offset,
        line: offset,
        total: offset,
        pending: 1,
        lines: 1,
        counts: [],
        isInside: false,
      }));
      ranges.lastEnd = offset + 100;
    };
    ranges.begin("log@0", 0);
    drop(0, 0);
    const first = ranges.endAll();
    expect(first.cuts).toEqual([{ input: "log@0", offset: 100 }]);
    drop(100, 1);
    drop(200, 60);
    const second = ranges.endAll();
    drop(300, 120);
    drop(400, 180);
    expect(delivered).toEqual([]);
    first.deliver();
    second.deliver();
    expect(delivered.map(({ from, to }) => [from, to]).toSorted(([a = 0], [b = 0]) => a - b)).toEqual([
      [0, 100],
      [100, 200],
      [200, 300],
      [300, 400],
    ]);
    drop(500, 240);
    expect(delivered).toHaveLength(5);
  });

  test("hold no secret and stay bounded, whatever paths are asked for", async () => {
    const token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJlc2lnbmF0dXJl";
    const world = new World(
      Array.from({ length: 10_500 }, (_, i) => probe(1, `/livez/${i === 0 ? token : i}/x?token=${token}`)),
    );
    await world.run();
    expect(world.receipts().length).toBe(10_001);
    expect(world.receipts().reduce((sum, { count }) => sum + count, 0)).toBe(10_500);
    expect(JSON.stringify(world.receipts())).not.toContain(token);
  });
});

function receipt(more: Partial<NoiseReceipt>): Partial<NoiseReceipt> {
  return { sink: "sink", source: "memory", rule: 0, actor: "noise", resource: "leases", ...more };
}

function at(seconds: number): string {
  return new Date(Date.UTC(2026, 10, 24, 0, 0, seconds)).toISOString().replace("Z", "123Z");
}

function event(seconds: number, user: string, verb: string, resource: string, number = 0): string {
  return JSON.stringify({
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "Metadata",
    auditID: `id-${seconds}-${number}`,
    stage: "ResponseComplete",
    requestURI: `/api/v1/namespaces/x/${resource}/y`,
    verb,
    user: { username: user },
    objectRef: { resource, namespace: "x", name: "y" },
    stageTimestamp: at(seconds),
  });
}

function probe(seconds: number, uri: string): string {
  return JSON.stringify({
    level: "Metadata",
    stage: "ResponseComplete",
    requestURI: uri,
    verb: "get",
    user: { username: "system:anonymous" },
    stageTimestamp: at(seconds),
  });
}

/** What is wrong with the sink for a while. */
interface Life {
  readonly hangs?: (batch: readonly Delivery[]) => boolean;
  readonly maxBatchItems?: number;
  /** The log does not end: nothing comes any more, until the life ends. */
  readonly isSilent?: boolean;
  readonly idleMs?: number;
  /** Nothing comes behind so many chunks, until the life ends. */
  readonly chunks?: number;
}

function ended(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = (): void => reject(new Error("ended"));
    return signal.aborted ? end() : signal.addEventListener("abort", end);
  });
}

/** A log, what was saved of its state, and a sink that knows ids again. */
class World {
  readonly #bytes: Buffer;
  readonly #starts: readonly number[];
  readonly #chunkBytes: number;
  readonly #stored = new Map<string, Delivery>();
  readonly #policy: StreamPolicy;
  #saved: { offset: number; state: JsonValue | undefined } = { offset: 0, state: undefined };
  #next: { offset: number; state: JsonValue | undefined } = { offset: 0, state: undefined };
  #savesLeft = Infinity;
  /** Chunks that were read in this life. */
  given = 0;
  #stop: AbortController | undefined;

  constructor(lines: readonly string[], chunkBytes = 64 * 1024) {
    this.#bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
    let start = 0;
    this.#starts = lines.map((line) => (start += Buffer.byteLength(line) + 1) - Buffer.byteLength(line) - 1);
    this.#chunkBytes = chunkBytes;
    const loaded = loadStreamPolicy(
      'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: None, users: [noise] }, { level: None, nonResourceURLs: ["/livez*"] }, { level: RequestResponse }]',
    );
    if (loaded.outcome !== "accepted") {
      throw new Error(JSON.stringify(loaded.problems));
    }
    this.#policy = new StreamPolicy(loaded.rules);
  }

  /** How far the saved position has come. */
  get acked(): number {
    return this.#saved.offset;
  }

  /** Ends the life that runs. */
  stop(): void {
    this.#stop?.abort();
  }

  get size(): number {
    return this.#bytes.length;
  }

  startOf(line: number): number {
    return this.#starts[line] ?? -1;
  }

  /** One life: `saves` writes of the checkpoint succeed, then the process is as good as dead. */
  async run(saves = Infinity, life: Life = {}): Promise<PipelineTally> {
    this.#savesLeft = saves;
    this.#next = { ...this.#saved };
    const stop = new AbortController();
    this.#stop = stop;
    const { hangs, maxBatchItems = 5 } = life;
    const timer = saves < Infinity && hangs !== undefined ? setTimeout(() => stop.abort(), 30) : undefined;
    const section: StateSection = {
      get: () => this.#saved.state,
      put: (value) => (this.#next = { ...this.#next, state: structuredClone(value) }),
      save: () => this.#save(stop),
    };
    const pipeline = new Pipeline({
      source: this.#source(stop, life),
      feeds: [
        {
          sink: {
            name: "sink",
            write: (batch, signal) => (hangs?.(batch) === true ? ended(signal) : this.#write(batch)),
            close: async () => undefined,
          },
          feed: "kept",
          policy: this.#policy,
        },
      ],
      sideLogs: SIDE_LOGS,
      receipts: true,
      state: section,
      cluster: "test",
      idKey: Buffer.alloc(32, 1),
      redactor: createRedactor({ key: Buffer.alloc(32, 2) }),
      limits: {
        ackIntervalMs: 0,
        maxBatchAgeMs: 1,
        maxBatchItems,
        ...((life.hangs !== undefined || saves < Infinity) && { drainMs: 20 }),
        ...(life.idleMs !== undefined && { idleMs: life.idleMs }),
      },
      backoff: {
        firstMs: 1,
        mostMs: 1,
        random: () => 1,
        sleep: () => new Promise((resolve) => setTimeout(resolve, 1)),
      },
    });
    await pipeline.run(stop.signal);
    clearTimeout(timer);
    return pipeline.tally();
  }

  async *#open(signal: AbortSignal, { isSilent = false, chunks = Infinity }: Life): AsyncGenerator<SourceChunk, void> {
    this.given = 0;
    for (let offset = this.#saved.offset; offset < this.#bytes.length; offset += this.#chunkBytes) {
      yield { input: "log@0", offset, bytes: this.#bytes.subarray(offset, offset + this.#chunkBytes), isLast: false };
      await new Promise((resolve) => setImmediate(resolve));
      if (++this.given === chunks) {
        break;
      }
    }
    if (isSilent || this.given === chunks) {
      await ended(signal).catch(() => undefined);
      return;
    }
    yield { input: "log@0", offset: this.#bytes.length, bytes: Buffer.alloc(0), isLast: true };
  }

  async #write(batch: readonly Delivery[]): Promise<readonly ItemResult[]> {
    for (const delivery of batch) {
      const known = this.#stored.get(delivery.id);
      // The time of a torn line is when it was read.
      if (known !== undefined && delivery.kind !== "undecidable") {
        expect(known.document.toString()).toBe(delivery.document.toString());
      }
      this.#stored.set(delivery.id, delivery);
    }
    return batch.map(() => STORED);
  }

  receipts(): readonly NoiseReceipt[] {
    return this.#of("receipt").map(({ document }) => JSON.parse(document.toString()) as NoiseReceipt);
  }

  events(): number {
    return this.#of("event").length + this.#of("undecidable").length;
  }

  counters(): Readonly<Record<string, number>> {
    return (this.#saved.state as unknown as { counters: Record<string, number> }).counters;
  }

  #of(kind: Delivery["kind"]): readonly Delivery[] {
    return [...this.#stored.values()].filter((delivery) => delivery.kind === kind);
  }

  #source(stop: AbortController, life: Life): Source {
    return {
      name: "memory",
      open: () => this.#open(stop.signal, life),
      ack: async (_input, offset) => {
        this.#next = { ...this.#next, offset };
        await this.#save(stop);
      },
      close: async () => undefined,
    };
  }

  async #save(stop: AbortController): Promise<void> {
    if (this.#savesLeft-- <= 0) {
      stop.abort();
      throw new Error("dead");
    }
    this.#saved = { ...this.#next };
  }
}
