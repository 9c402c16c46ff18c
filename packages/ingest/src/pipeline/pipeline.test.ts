import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { createRedactor } from "@auditsieve/audit";
import type { JsonValue } from "@auditsieve/audit";
import { DetectionEngine, loadDetections } from "@auditsieve/detect";
import { loadStreamPolicy, StreamPolicy } from "@auditsieve/policy";
import * as fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { IngestError } from "../errors.ts";
import type { SinkFeed } from "./outlet.ts";
import { Pipeline } from "./pipeline.ts";
import type { PipelineOptions } from "./pipeline-options.ts";
import { STORED } from "../sink.ts";
import type { Delivery, ItemResult, Sink } from "../sink.ts";
import type { Backoff } from "../backoff.ts";
import type { DeadLetter, QuarantinedLine, SideLogs } from "../sinks/dead-letter.ts";
import type { Settle, Source } from "../source.ts";

const NOISE = policyOf(
  "rules: [{ level: None, users: [noise] }, { level: Metadata, users: [loud] }, { level: RequestResponse }]",
);
const DETECTIONS = new DetectionEngine(
  loadDetections(
    `
title: Secrets listed
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10
level: high
tags: [attack.t1552.007]
logsource: { product: kubernetes, service: audit }
detection:
  selection: { verb: list, objectRef.resource: secrets }
  condition: selection
`,
    "secrets.yml",
  ).detections,
);

/** Findings of two correlations that count the same events. */
const COUNTED = new DetectionEngine(
  loadDetections(
    `
title: Secrets listed
name: listed
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e11
level: low
logsource: { product: kubernetes, service: audit }
detection: { selection: { verb: list, objectRef.resource: secrets }, condition: selection }
---
title: Two
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e12
level: high
correlation: { type: event_count, rules: [listed], group-by: [objectRef.resource], timespan: 5m, condition: { gte: 2 } }
---
title: Three
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e13
level: high
correlation: { type: event_count, rules: [listed], group-by: [objectRef.resource], timespan: 5m, condition: { gte: 3 } }
`,
    "counted.yml",
  ).detections,
);

describe("Pipeline", () => {
  test("hands each sink its feed, and every line is delivered or dropped by a rule", async () => {
    const [findings, kept, all] = [new MemorySink("findings"), new MemorySink("kept"), new MemorySink("all")];
    const lines = [
      event(1, "noise"),
      event(2, "jane"),
      event(3, "loud"),
      event(4, "noise", { verb: "list", resource: "secrets" }),
    ];
    const { tally } = await run(lines, [
      { sink: findings, feed: "findings" },
      { sink: kept, feed: "kept", policy: NOISE },
      { sink: all, feed: "all" },
    ]);
    expect(findings.kinds()).toEqual(["event", "finding"]);
    expect(kept.ids()).toEqual(["id-2", "id-3", "id-4"]);
    expect(all.ids()).toEqual(["id-1", "id-2", "id-3", "id-4"]);
    expect(JSON.parse(kept.documentOf("id-3"))).toMatchObject({ level: "Metadata" });
    expect(kept.documentOf("id-3")).not.toContain("requestObject");
    expect(kept.documentOf("id-2")).toBe(lines[1]);
    expect(tally.sinks).toMatchObject([
      { delivered: 1, dropped: 3, droppedByRule: [{ rule: "feed", events: 3 }], findings: { delivered: 1 } },
      { delivered: 3, dropped: 1, stripped: 1, droppedByRule: [{ rule: 0, events: 1 }] },
      { delivered: 4, dropped: 0 },
    ]);
    expect(tally).toMatchObject({ lines: 4, findings: 1, unacknowledged: 0 });
  });

  test("detects on the unstripped line, and a finding brings its event although a rule drops it", async () => {
    const sink = new MemorySink("kept");
    const { tally } = await run(
      [event(1, "noise", { verb: "list", resource: "secrets" })],
      [{ sink, feed: "kept", policy: NOISE }],
    );
    expect(sink.kinds()).toEqual(["event", "finding"]);
    expect(sink.documentOf("id-1")).toContain("requestObject");
    expect(tally.sinks[0]).toMatchObject({ delivered: 1, dropped: 0 });
  });

  test("an event is delivered once, however many later findings rest on it, and whole besides what a policy left of it", async () => {
    const [findings, kept, all] = [new MemorySink("findings"), new MemorySink("kept"), new MemorySink("all")];
    const users = ["jane", "noise", "loud"];
    const lines = users.map((user, i) => event(i + 1, user, { verb: "list", resource: "secrets" }));
    const feeds: readonly SinkFeed[] = [
      { sink: findings, feed: "findings" },
      { sink: kept, feed: "kept", policy: NOISE },
      { sink: all, feed: "all" },
    ];
    const { tally } = await run(lines, feeds, { detections: COUNTED });
    expect(tally.findings).toBe(2);
    expect(findings.ids().toSorted()).toEqual(["id-1", "id-2", "id-3"]);
    expect(kept.ids().toSorted()).toEqual(["id-1", "id-2", "id-3", "id-3"]);
    expect(kept.documents().filter((document) => document === lines[2])).toHaveLength(1);
    expect(all.ids()).toEqual(["id-1", "id-2", "id-3"]);
    expect([findings, kept, all].map((sink) => sink.kinds().filter((kind) => kind === "finding"))).toEqual(
      feeds.map(() => ["finding", "finding"]),
    );
  });

  test("nothing goes out before the checkpoint says that there was a run, and later runs look back", async () => {
    const saved: unknown[] = [];
    let failures = 3;
    let kept: JsonValue | undefined;
    const state = {
      get: () => kept,
      put: (value: JsonValue) => void (kept = value),
      save: () => (failures-- > 0 ? Promise.reject(new Error("full")) : Promise.resolve(void saved.push(kept))),
    };
    for (const [readsAlone, mayBeStored] of [
      [true, undefined],
      [true, true],
      [false, true],
    ] as const) {
      kept = readsAlone ? kept : undefined;
      const sink = new MemorySink("all");
      sink.before = () => Promise.resolve(expect(saved.length > 0 || !readsAlone).toBe(true));
      await run([event(1, "jane")], [{ sink, feed: "all" }], { state, readsAlone });
      expect(sink.deliveries.map((delivery) => delivery.mayBeStored)).toEqual([mayBeStored]);
    }
  });

  test("a line that one sink has put aside in an earlier run is not acknowledged before the others have it", async () => {
    const [aside, other] = [new MemorySink("aside"), new MemorySink("other")];
    const source = new MemorySource([event(1, "jane"), event(2, "jane")], 10_000);
    const gate = Promise.withResolvers<void>();
    let writes = 0;
    other.before = () => {
      writes++;
      return gate.promise;
    };
    const sideLogs: SideLogs = {
      deadLetter: async () => undefined,
      quarantine: async () => undefined,
      close: async () => undefined,
      isDeadLettered: (sink) => sink === "aside",
    };
    const { pipeline } = pipelineOf(
      source,
      [
        { sink: aside, feed: "all" },
        { sink: other, feed: "all" },
      ],
      { sideLogs, limits: { maxBatchItems: 1 } },
    );
    const running = pipeline.run(new AbortController().signal);
    await vi.waitFor(() => expect(writes).toBe(2), { timeout: 60_000 });
    await new Promise((resolve) => setImmediate(resolve));
    expect(source.acked).toBe(0);
    gate.resolve();
    await running;
    expect(pipeline.tally().sinks).toMatchObject([{ deadLettered: 2 }, { delivered: 2 }]);
    expect(source.acked).toBe(source.bytes.length);
  });

  test("redacts before any sink sees a line, and identifies it by its original bytes", async () => {
    const sink = new MemorySink("all");
    const line = event(1, "jane", { verb: "create", resource: "secrets", body: { data: { password: "Y2FuYXJ5" } } });
    await run([line, "torn canary Y2FuYXJ5"], [{ sink, feed: "all" }]);
    expect(sink.documents().join()).not.toContain("Y2FuYXJ5");
    expect(sink.deliveries).toHaveLength(2);
    expect(sink.deliveries.every(({ id }) => /^[0-9a-f]{32}$/.test(id))).toBe(true);
  });

  test("never drops a line that cannot be decided, however much it looks like noise", async () => {
    const sink = new MemorySink("kept");
    const noise = event(1, "noise");
    const lines = [noise.slice(0, -1), `${noise}${noise}`, "", "\0\0\0", `${noise}x`, `x ${noise}`];
    const alarms: string[] = [];
    const { tally } = await run(lines, [{ sink, feed: "kept", policy: NOISE }], {
      onLineAlarm: ({ kind, hint = "" }) => alarms.push(`${kind} ${hint}`),
    });
    // What stands in them whole is delivered besides, though a rule says that it is noise.
    expect(sink.kinds().filter((kind) => kind === "undecidable")).toHaveLength(6);
    expect(tally).toMatchObject({ lines: 6, undecidable: 6, salvaged: 3 });
    expect(alarms).toHaveLength(6);
    expect(alarms.at(-1)).toContain("Something stands before the event on its line: pipe the log through sed");
  });

  test("whole events in a line that is none go the way of others, count besides the lines, and are found by detections", async () => {
    const [findings, kept, all] = [new MemorySink("findings"), new MemorySink("kept"), new MemorySink("all")];
    const loud = event(2, "loud");
    const secrets = event(3, "jane", { verb: "list", resource: "secrets" });
    const torn = event(4, "jane").slice(0, -40);
    const lines = [event(1, "jane"), `${torn}\0\0${loud}`, `\ufeff${loud}${secrets}\r`, `${torn}${secrets}`];
    const { tally } = await run(lines, [
      { sink: findings, feed: "findings" },
      { sink: kept, feed: "kept", policy: NOISE },
      { sink: all, feed: "all" },
    ]);
    expect(tally).toMatchObject({ lines: 4, undecidable: 3, salvaged: 4, unacknowledged: 0 });
    expect(tally.acknowledged).toMatchObject({ lines: 4, undecidable: 3, salvaged: 4, "all/salvaged/delivered": 4 });
    expect(tally.findings).toBeGreaterThan(0);
    expect(tally.sinks).toMatchObject([
      { lines: 4, delivered: 3, dropped: 1, salvaged: { delivered: 0 } },
      { lines: 4, delivered: 4, dropped: 0, salvaged: { delivered: 4, pending: 0 } },
      { lines: 4, delivered: 4, dropped: 0, salvaged: { delivered: 4, pending: 0 } },
    ]);
    expect(JSON.parse(kept.documentOf("id-2"))).toMatchObject({ level: "Metadata" });
    expect(JSON.parse(all.documentOf("id-2"))).toEqual(JSON.parse(loud));
    expect(all.documentOf("id-3")).toBe(secrets);
    expect(findings.kinds()).toEqual(expect.arrayContaining(["undecidable", "finding", "event"]));
    expect(findings.documentOf("id-3")).toBe(secrets);
    // One event, one id, however it was read.
    const ids = (sink: MemorySink): readonly string[] =>
      sink.deliveries.filter((one) => one.kind === "event").map(({ id }) => id);
    expect(new Set(ids(all)).size).toBe(3);
  });

  test.each([
    ["held", 16 * 1024 * 1024],
    ["too long to be held", 800],
  ])(
    "takes envelopes off where they stand, %s: each line in them goes its own way, and counts as one",
    async (_how, maxLineBytes) => {
      const wrapped = (number: number, user: string): string =>
        JSON.stringify({ operationName: "x", properties: { log: `${event(number, user)}\n` } });
      const lines = [
        event(1, "jane"),
        wrapped(2, "noise"),
        `{"kind":"EventList","items":[${event(3, "jane")},5,${event(4, "noise")},${event(5, "loud")}]}`,
        '{"kind":"EventList","items":[]}',
        `{\n"items": [\n  ${event(7, "jane")},\n  ${event(8, "noise")}\n]}`,
        "torn",
        `2026-11-24T00:13:26.471Z ${event(6, "jane", { verb: "list", resource: "secrets" })}`,
      ];
      const plain = [1, 2, 3].map((number) => event(number, number === 2 ? "noise" : "jane"));
      const [findings, kept, all] = [new MemorySink("findings"), new MemorySink("kept"), new MemorySink("all")];
      const alarms: unknown[] = [];
      const { tally, source } = await run(
        lines,
        [
          { sink: findings, feed: "findings" },
          { sink: kept, feed: "kept", policy: NOISE },
          { sink: all, feed: "all" },
        ],
        {
          onLineAlarm: ({ offset, bytes, reason }) => alarms.push([offset, bytes, reason]),
          limits: { maxLineBytes },
        },
      );
      expect(tally).toMatchObject({ lines: 10, undecidable: 2, bytes: lines.join("").length, findings: 1 });
      expect(tally.acknowledged).toMatchObject({ lines: 10, undecidable: 2, "all/delivered": 10, "kept/lines": 10 });
      expect(tally.sinks).toMatchObject([
        { lines: 10, delivered: 3, dropped: 7 },
        { lines: 10, delivered: 7, dropped: 3, stripped: 1 },
        { lines: 10, delivered: 10, dropped: 0 },
      ]);
      expect(all.ids()).toEqual([1, 2, 3, 4, 5, 7, 8, 6].map((number) => `id-${number}`));
      expect(JSON.parse(kept.documentOf("id-5"))).toMatchObject({ level: "Metadata" });
      expect(findings.ids()).toEqual(["id-6"]);
      const second = lines.slice(0, 2).join("\n").length + 1;
      const five = second + (lines[2] ?? "").indexOf(",5,") + 1;
      expect(alarms).toEqual([
        [five, 1, "not-json"],
        [source.bytes.indexOf("\ntorn\n") + 1, 4, "not-json"],
      ]);
      // An event has the id that it has as a line of its own.
      const other = new MemorySink("all");
      await run(plain, [{ sink: other, feed: "all" }]);
      const idOf = (sink: MemorySink, id: string): string | undefined =>
        sink.deliveries.find(({ document }) => document.includes(`"auditID":"${id}"`))?.id;
      expect(["id-1", "id-2", "id-3"].map((id) => idOf(all, id))).toEqual(other.deliveries.map(({ id }) => id));
    },
  );

  test.each([
    ["held", 16 * 1024 * 1024],
    ["too long to be held", 2000],
  ])(
    "an envelope, %s, is acknowledged as a whole, with its counts, and not before a sink has all of it",
    async (_how, maxLineBytes) => {
      const items = Array.from({ length: 40 }, (_, i) => event(i, i % 3 === 0 ? "noise" : "jane"));
      const envelope = `{"kind":"EventList","items":[${items.join(",")}]}`;
      const lines = [event(100, "jane"), envelope, event(101, "noise"), envelope.replaceAll('"id-', '"id-2')];
      const sink = new MemorySink("kept");
      const source = new MemorySource(lines, 1000);
      const { pipeline } = pipelineOf(source, [{ sink, feed: "kept", policy: NOISE }], {
        limits: { maxBatchItems: 3, maxLineBytes },
      });
      const seen: number[] = [];
      source.onAck = (offset) => {
        const inside = source.linesBefore(offset).flatMap((line) => line.match(/"id-[0-9]+"/g) ?? []);
        const wanted = inside.filter((id) => lines.join().includes(`${id},"user":{"username":"jane"`));
        expect(sink.documents().join()).toEqual(expect.stringContaining(wanted.at(-1) ?? ""));
        for (const id of wanted) {
          expect(sink.documents().some((document) => document.includes(id))).toBe(true);
        }
        const { acknowledged } = pipeline.tally();
        seen.push(offset);
        expect([0, 1, 41, 42, 82]).toContain(acknowledged["lines"] ?? 0);
      };
      await pipeline.run(new AbortController().signal);
      expect(seen.at(-1)).toBe(source.bytes.length);
      expect(pipeline.tally().acknowledged).toMatchObject({
        lines: 82,
        "kept/lines": 82,
        "kept/delivered": 53,
      });
      expect(pipeline.tally().sinks).toMatchObject([{ lines: 82, delivered: 53, dropped: 29 }]);
    },
  );

  test("a line over the limit costs one reduced event and a quarantine record, never the lines after it", async () => {
    const sink = new MemorySink("kept");
    const long = event(1, "noise", {
      body: { blob: "x".repeat(200_000), requestReceivedTimestamp: "2001-01-01T00:00:00Z" },
    });
    const { tally, quarantined } = await run(
      [event(2, "jane"), long, event(3, "jane")],
      [{ sink, feed: "kept", policy: NOISE }],
      {
        limits: { maxLineBytes: 100_000 },
      },
    );
    expect(sink.ids()).toEqual(["id-2", "id-1", "id-3"]);
    const reduced = JSON.parse(sink.documentOf("id-1")) as {
      annotations: Record<string, string>;
      user: unknown;
      requestObject?: unknown;
    };
    const sha256 = createHash("sha256").update(long).digest("hex");
    expect(reduced).toMatchObject({ user: { username: "noise" }, stageTimestamp: TIME });
    expect(reduced.requestObject).toBeUndefined();
    expect(reduced.annotations["auditsieve.io/reduced"]).toBe(`line of ${long.length} bytes, sha256 ${sha256}`);
    expect(quarantined).toMatchObject([{ bytes: long.length, sha256, offset: event(2, "jane").length + 1 }]);
    expect(tally).toMatchObject({ lines: 3, reduced: 1, unacknowledged: 0 });
  });

  test("what a sink refuses goes to the dead letter and is acknowledged", async () => {
    const sink = new MemorySink("es", (delivery) =>
      delivery.document.includes("id-2")
        ? { status: "refused", reason: "document_parsing_exception", detail: "value [x]" }
        : STORED,
    );
    const lines = [event(1, "jane"), event(2, "jane"), event(3, "jane")];
    const { tally, letters, source } = await run(lines, [{ sink, feed: "all" }]);
    expect(letters).toMatchObject([
      {
        reason: "document_parsing_exception",
        sink: "es",
        source: "test",
        input: "memory",
        offset: event(1, "jane").length + 1,
      },
    ]);
    expect(tally.sinks[0]).toMatchObject({
      delivered: 2,
      deadLettered: 1,
      deadLetteredByReason: { document_parsing_exception: 1 },
    });
    expect(source.acked).toBe(lines.join("\n").length + 1);
  });

  test("acknowledges nothing that a sink does not have, and says at the end how much that is", async () => {
    const stuck = new MemorySink("stuck");
    stuck.fails = () => true;
    const failures: IngestError[] = [];
    const stop = new AbortController();
    const source = new MemorySource([event(1, "jane"), event(2, "noise"), event(3, "jane")], 100);
    const pipeline = pipelineOf(source, [{ sink: stuck, feed: "kept", policy: NOISE }], {
      onFailure: (error) => failures.push(error),
      limits: { drainMs: 20, maxBatchAgeMs: 1 },
    }).pipeline;
    const running = pipeline.run(stop.signal);
    await sleep(30);
    stop.abort();
    await running;
    expect(source.acked).toBe(0);
    expect(pipeline.tally().unacknowledged).toBeGreaterThan(0);
    expect(failures[0]).toMatchObject({ code: "sink-write", message: /stuck/ });
  });

  test("does not wait at the end for the time at which the next checkpoint would be due", async () => {
    const lines = [event(1, "jane"), event(2, "jane"), event(3, "jane")];
    const source = new MemorySource(lines, 10_000);
    const { promise: isAcked, resolve } = Promise.withResolvers<number>();
    source.onAck = resolve;
    const chunks = source.open.bind(source);
    source.open = async function* (signal) {
      for await (const chunk of chunks(signal)) {
        yield chunk;
        await isAcked;
        await sleep(1);
      }
    };
    const { pipeline } = pipelineOf(source, [{ sink: new MemorySink("all"), feed: "all" }], {
      limits: { ackIntervalMs: 3_600_000, maxBatchAgeMs: 1 },
    });
    await pipeline.run(new AbortController().signal);
    expect(source.acked).toBe(source.bytes.length);
  });

  test("settles what was read when its source asks for it: sent without a full batch, acknowledged without waiting", async () => {
    const source = new MemorySource([event(1, "jane"), event(2, "noise"), event(3, "jane")], 10_000);
    const sink = new MemorySink("all");
    const chunks = source.open.bind(source);
    const settled: unknown[] = [];
    source.open = async function* (signal, settle) {
      for await (const chunk of chunks(signal)) {
        if (chunk.isLast) {
          await settle?.(new AbortController().signal);
          settled.push(source.acked, sink.ids());
        }
        yield chunk;
      }
    };
    const { pipeline } = pipelineOf(source, [{ sink, feed: "kept", policy: NOISE }], {
      limits: { ackIntervalMs: 3_600_000, maxBatchAgeMs: 3_600_000 },
    });
    await pipeline.run(new AbortController().signal);
    expect(settled).toEqual([source.bytes.length, ["id-1", "id-3"]]);
  });

  test("does not settle for longer than its source can wait, and goes on as before", async () => {
    const source = new MemorySource([event(1, "jane"), event(3, "jane")], 10_000);
    const sink = new MemorySink("all");
    const { promise: isFree, resolve: free } = Promise.withResolvers<void>();
    sink.before = () => isFree;
    const chunks = source.open.bind(source);
    source.open = async function* (signal, settle) {
      for await (const chunk of chunks(signal)) {
        if (chunk.isLast) {
          await settle?.(AbortSignal.timeout(5));
          expect(source.acked).toBe(0);
          free();
        }
        yield chunk;
      }
    };
    await pipelineOf(source, [{ sink, feed: "all" }]).pipeline.run(new AbortController().signal);
    expect(source.acked).toBe(source.bytes.length);
    expect(sink.ids()).toEqual(["id-1", "id-3"]);
  });

  test("what could not be written into the checkpoint until the end is unacknowledged, by lines, though every sink has it", async () => {
    const sink = new MemorySink("all");
    const stop = new AbortController();
    const source = new MemorySource([event(1, "jane"), event(2, "noise"), event(3, "jane")], 10_000);
    source.ackFailures = Infinity;
    const { pipeline } = pipelineOf(source, [{ sink, feed: "kept", policy: NOISE }], {
      limits: { drainMs: 20, maxBatchAgeMs: 1 },
    });
    const running = pipeline.run(stop.signal);
    await vi.waitFor(() => expect(sink.ids()).toEqual(["id-1", "id-3"]));
    stop.abort();
    await running;
    expect(source.acked).toBe(0);
    expect(pipeline.tally().unacknowledged).toBe(3);
  });

  test("acknowledges only when the slowest of several sinks has it", async () => {
    const [fast, slow] = [new MemorySink("fast"), new MemorySink("slow")];
    const gate = Promise.withResolvers<void>();
    slow.before = () => gate.promise;
    const source = new MemorySource([event(1, "jane")], 1000);
    const { pipeline } = pipelineOf(
      source,
      [
        { sink: fast, feed: "all" },
        { sink: slow, feed: "all" },
      ],
      { limits: { maxBatchAgeMs: 1 } },
    );
    const running = pipeline.run(new AbortController().signal);
    await sleep(20);
    expect(fast.deliveries).toHaveLength(1);
    expect(source.acked).toBe(0);
    gate.resolve();
    await running;
    expect(source.acked).toBe(source.bytes.length);
  });

  test("does not read on while too much is under way", async () => {
    const sink = new MemorySink("slow");
    const gate = Promise.withResolvers<void>();
    sink.before = () => gate.promise;
    const lines = Array.from({ length: 2000 }, (_, i) => event(i, "jane"));
    const source = new MemorySource(lines, 1000);
    const { pipeline } = pipelineOf(source, [{ sink, feed: "all" }], {
      limits: { maxInFlightBytes: 20_000, maxBatchAgeMs: 1 },
    });
    const running = pipeline.run(new AbortController().signal);
    await sleep(30);
    expect(source.given).toBeLessThan(40_000);
    gate.resolve();
    await running;
    expect(sink.deliveries).toHaveLength(lines.length);
  });

  test("goes on when the checkpoint cannot be written for a while", async () => {
    const sink = new MemorySink("all");
    const source = new MemorySource([event(1, "jane")], 1000);
    source.ackFailures = 3;
    const failures: IngestError[] = [];
    const { pipeline } = pipelineOf(source, [{ sink, feed: "all" }], { onFailure: (error) => failures.push(error) });
    await pipeline.run(new AbortController().signal);
    expect(failures).toHaveLength(3);
    expect(source.acked).toBe(source.bytes.length);
  });

  test("under any faults and cuts: counts sum, nothing is lost, acks never pass what a sink lacks", async () => {
    const kinds = fc.constantFrom("jane", "noise", "loud", "torn", "secrets");
    await fc.assert(
      fc.asyncProperty(
        fc.array(kinds, { maxLength: 120 }),
        fc.integer({ min: 1, max: 700 }),
        fc.infiniteStream(fc.integer({ min: 0, max: 9 })),
        async (users, chunkBytes, chance) => {
          const draw = (): number => chance.next().value ?? 0;
          const lines = users.map((user, i) =>
            user === "torn"
              ? `torn ${i}`
              : event(i, user, user === "secrets" ? { verb: "list", resource: "secrets" } : {}),
          );
          const sinks = [new MemorySink("kept", refuses), new MemorySink("all", refuses)] as const;
          const source = new MemorySource(lines, chunkBytes);
          for (const sink of sinks) {
            sink.fails = () => draw() < 3;
            sink.before = () => (draw() < 5 ? sleep(1) : Promise.resolve());
          }
          const { pipeline, letters } = pipelineOf(
            source,
            [
              { sink: sinks[0], feed: "kept", policy: NOISE },
              { sink: sinks[1], feed: "all" },
            ],
            { limits: { maxBatchItems: 1 + draw(), maxBatchAgeMs: 1, maxInFlightBytes: 3000 } },
          );
          source.onAck = (offset) => {
            const passed = source.linesBefore(offset);
            const has = new Set([
              ...sinks[1].documents(),
              ...letters.map(({ delivery }) => delivery.document.toString()),
            ]);
            for (const line of passed.filter((one) => !one.startsWith("torn"))) {
              expect(has.has(line)).toBe(true);
            }
          };
          await pipeline.run(new AbortController().signal);
          const tally = pipeline.tally();
          expect(source.acked).toBe(source.bytes.length);
          for (const sink of tally.sinks) {
            expect(sink.lines).toBe(lines.length);
            expect(sink.delivered + sink.dropped + sink.deadLettered + sink.pending).toBe(lines.length);
            expect(sink.pending + sink.findings.pending).toBe(0);
            expect(sink.droppedByRule.reduce((sum, { events }) => sum + events, 0)).toBe(sink.dropped);
          }
          expect(tally.sinks[1]?.dropped).toBe(0);
          expect(tally.findings).toBe(users.filter((user) => user === "secrets").length);
        },
      ),
      { numRuns: 40 },
    );
  });
});

const TIME = "2026-11-24T00:13:26.471919Z";

function event(
  number: number,
  user: string,
  { verb = "get", resource = "pods", body = { kind: "X" } }: { verb?: string; resource?: string; body?: unknown } = {},
): string {
  return JSON.stringify({
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "RequestResponse",
    auditID: `id-${number}`,
    stage: "ResponseComplete",
    requestURI: `/api/v1/${resource}`,
    verb,
    user: { username: user, groups: ["g"] },
    sourceIPs: ["10.0.0.1"],
    objectRef: { resource, apiVersion: "v1" },
    responseStatus: { metadata: {}, code: 200 },
    requestObject: body,
    requestReceivedTimestamp: TIME,
    stageTimestamp: TIME,
    annotations: { "authorization.k8s.io/decision": "allow" },
  });
}

function policyOf(rules: string): StreamPolicy {
  const loaded = loadStreamPolicy(`apiVersion: audit.k8s.io/v1\nkind: Policy\n${rules}`);
  if (loaded.outcome === "refused") {
    throw new Error(JSON.stringify(loaded.problems));
  }
  return new StreamPolicy(loaded.rules);
}

function refuses(delivery: Delivery): ItemResult {
  const isRefused = delivery.kind === "event" && delivery.document.includes('-7"');
  return isRefused ? { status: "refused", reason: "r" } : STORED;
}

const QUICK: Backoff = { firstMs: 1, mostMs: 2, random: () => 1, sleep: (ms) => sleep(ms) };

function pipelineOf(
  source: MemorySource,
  feeds: readonly SinkFeed[],
  more: Partial<PipelineOptions> = {},
): {
  pipeline: Pipeline;
  letters: DeadLetter[];
  quarantined: QuarantinedLine[];
} {
  const letters: DeadLetter[] = [];
  const quarantined: QuarantinedLine[] = [];
  const sideLogs: SideLogs = {
    deadLetter: async (more) => void letters.push(...more),
    quarantine: async (more) => void quarantined.push(...more),
    close: async () => undefined,
  };
  const pipeline = new Pipeline({
    source,
    feeds,
    sideLogs,
    cluster: "test",
    idKey: Buffer.alloc(32, 1),
    redactor: createRedactor({ key: Buffer.alloc(32, 2) }),
    detections: DETECTIONS,
    backoff: QUICK,
    ...more,
    limits: { ackIntervalMs: 0, ...more.limits },
  });
  return { pipeline, letters, quarantined };
}

async function run(lines: readonly string[], feeds: readonly SinkFeed[], more: Partial<PipelineOptions> = {}) {
  const source = new MemorySource(lines, 300);
  const { pipeline, letters, quarantined } = pipelineOf(source, feeds, more);
  await pipeline.run(new AbortController().signal);
  const tally = pipeline.tally();
  for (const sink of tally.sinks) {
    expect(sink.delivered + sink.dropped + sink.deadLettered + sink.pending).toBe(tally.lines);
  }
  return { source, tally, letters, quarantined };
}

class MemorySource implements Source {
  readonly name = "test";
  readonly bytes: Buffer;
  readonly #chunkBytes: number;
  acked = 0;
  given = 0;
  ackFailures = 0;
  onAck: (offset: number) => void = () => undefined;

  constructor(lines: readonly string[], chunkBytes: number) {
    this.bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
    this.#chunkBytes = chunkBytes;
  }

  async *open(signal: AbortSignal, _settle?: Settle) {
    const shared = Buffer.alloc(this.#chunkBytes);
    for (let offset = 0; offset < this.bytes.length && !signal.aborted; offset += this.#chunkBytes) {
      const length = this.bytes.copy(shared, 0, offset, offset + this.#chunkBytes);
      this.given = offset + length;
      yield { input: "memory", offset, bytes: shared.subarray(0, length), isLast: false };
      // Whoever kept a chunk without copying it now sees something else.
      shared.fill(0x7e);
    }
    yield { input: "memory", offset: this.bytes.length, bytes: Buffer.alloc(0), isLast: true };
  }

  async ack(_input: string, offset: number): Promise<void> {
    if (this.ackFailures-- > 0) {
      throw new IngestError("checkpoint-write", "Cannot write checkpoint", { hint: "" });
    }
    expect(offset).toBeGreaterThanOrEqual(this.acked);
    this.acked = offset;
    this.onAck(offset);
  }

  linesBefore(offset: number): readonly string[] {
    return this.bytes.toString("utf8", 0, offset).split("\n").slice(0, -1);
  }

  async close(): Promise<void> {}
}

class MemorySink implements Sink {
  readonly name: string;
  readonly deliveries: Delivery[] = [];
  fails: () => boolean = () => false;
  before: () => Promise<void> = () => Promise.resolve();
  readonly #answer: (delivery: Delivery) => ItemResult;

  constructor(name: string, answer: (delivery: Delivery) => ItemResult = () => STORED) {
    this.name = name;
    this.#answer = answer;
  }

  async write(batch: readonly Delivery[]): Promise<readonly ItemResult[]> {
    await this.before();
    if (this.fails()) {
      throw new Error("away");
    }
    const results = batch.map(this.#answer);
    this.deliveries.push(...batch.filter((_, i) => results[i] === STORED));
    return results;
  }

  async close(): Promise<void> {}

  kinds(): readonly string[] {
    return this.deliveries.map(({ kind }) => kind);
  }

  documents(): readonly string[] {
    return this.deliveries.map(({ document }) => document.toString());
  }

  ids(): readonly string[] {
    return this.deliveries
      .filter(({ kind }) => kind === "event")
      .map(({ document }) => (JSON.parse(document.toString()) as { auditID: string }).auditID);
  }

  documentOf(auditID: string): string {
    return this.documents().find((document) => document.includes(`"auditID":"${auditID}"`)) ?? "";
  }
}
