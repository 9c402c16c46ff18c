import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import * as fc from "fast-check";
import { sampleDelivery, testSink } from "../sink.suite.ts";
import type { Backoff } from "../backoff.ts";
import { createElasticsearchSink } from "./elasticsearch.ts";
import type { ElasticsearchOptions } from "./elasticsearch.ts";
import { MockElasticsearch } from "./mock-elasticsearch.suite.ts";
import type { Behaviour } from "./mock-elasticsearch.suite.ts";
import { runs } from "../../../../test/property-runs.ts";

const quick: Backoff = { firstMs: 1, mostMs: 4, random: () => 1, sleep: async () => undefined };
const signal = new AbortController().signal;

function sinkFor(
  mock: MockElasticsearch,
  more: Partial<ElasticsearchOptions> = {},
): ReturnType<typeof createElasticsearchSink> {
  return createElasticsearchSink({
    name: "es",
    node: mock.url,
    cluster: "test",
    backoff: quick,
    requestTimeoutMs: 80,
    ...more,
  });
}

testSink("elasticsearch", {
  prepare: async () => {
    const own = await MockElasticsearch.start();
    return {
      create: () => sinkFor(own),
      stored: async () =>
        [...own.documents.values()].map((document) => (document["event"] as Record<string, string>)["original"] ?? ""),
      isIdempotent: true,
      cleanUp: () => own.stop(),
    };
  },
});

let mock: MockElasticsearch;
beforeEach(async () => {
  mock = await MockElasticsearch.start();
});
afterEach(() => mock.stop());

const BATCH = Array.from({ length: 100 }, (_, i) => sampleDelivery(i, "event", 100));

describe("elasticsearch sink", () => {
  test("gives up to install the template when it is told to end, however long the server says nothing", async () => {
    const asked = Promise.withResolvers<void>();
    const silent = createServer(() => asked.resolve());
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as AddressInfo;
    const sink = sinkFor(mock, { node: `http://127.0.0.1:${port}`, requestTimeoutMs: 600_000 });
    const stop = new AbortController();
    const writing = sink.write(BATCH, stop.signal);
    await asked.promise;
    stop.abort();
    await expect(writing).rejects.toThrow(/abort/i);
    await sink.close();
    silent.closeAllConnections();
    silent.close();
  });

  const transient: readonly Behaviour[] = [
    "http-429",
    "http-503",
    "hang",
    "reset-before-accept",
    "reset-after-accept",
    "invalid-answer",
    "cut-answer",
    "short-answer",
    "slow",
    { everyThird: 429 },
    { everyThird: 503 },
  ];

  test.each(transient.map((behaviour) => [behaviour]))("after %j every document is there once", async (behaviour) => {
    mock.behave = (request) => (request < (behaviour === "hang" ? 1 : 3) ? behaviour : "ok");
    mock.slowMs = 10;
    const sink = sinkFor(mock);
    const results = await sink.write(BATCH, signal);
    expect(results).toEqual(BATCH.map(() => ({ status: "stored" })));
    expect(mock.documents.size).toBe(BATCH.length);
    await sink.close();
  });

  test("each is stored once or refused, never both, in any sequence of faults with rollovers in between", async () => {
    const fault = fc.constantFrom<Behaviour>(...transient.filter((one) => one !== "hang"), "ok", "ok", "http-413");
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fault, fc.boolean()), { maxLength: 12 }),
        fc.integer({ min: 1, max: 60 }),
        async (faults, perRequest) => {
          mock.clear();
          mock.bulkRequests = 0;
          mock.duplicates = 0;
          mock.slowMs = 1;
          mock.behave = (request) => {
            const [behaviour, rollsOver] = faults[request] ?? ["ok", false];
            if (rollsOver) {
              mock.rollover();
            }
            return behaviour;
          };
          mock.lookupStatus = (lookup) => (lookup % 17 === 4 ? 503 : 200);
          const sink = sinkFor(mock, { batches: { maxRequestItems: perRequest } });
          const results = await sink.write(BATCH, signal);
          await sink.close();
          // A single document that is too large is refused for good: the only fault here that may refuse.
          const stored = BATCH.filter((_, i) => results[i]?.status === "stored");
          expect(results).toHaveLength(BATCH.length);
          expect(stored.map(({ id }) => id).toSorted()).toEqual([...mock.documents.keys()].toSorted());
          expect(stored.length).toBeGreaterThanOrEqual(BATCH.length - faults.length);
          expect(mock.duplicates).toBe(0);
        },
      ),
      { numRuns: runs(12) },
    );
  });

  test("looks up what an earlier run may have stored, in every backing index, and sends the rest", async () => {
    const first = sinkFor(mock);
    await first.write(BATCH.slice(0, 40), signal);
    mock.rollover();
    await first.write(BATCH.slice(40, 60), signal);
    mock.rollover();
    const again = BATCH.map((delivery) => ({ ...delivery, mayBeStored: true }));
    expect(await sinkFor(mock).write(again, signal)).toEqual(BATCH.map(() => ({ status: "stored" })));
    expect(mock.documents.size).toBe(BATCH.length);
    expect(mock).toMatchObject({ duplicates: 0, conflicts: 0, bulkRequests: 3 });
  });

  test.each([
    [false, 2],
    [true, 302],
  ])("asks hundreds of backing indices together (index in the path only: %s)", async (inPathOnly, lookups) => {
    await sinkFor(mock).write(BATCH.slice(0, 10), signal);
    for (let i = 0; i < 300; i++) {
      mock.rollover();
    }
    mock.takesIndexInPathOnly = inPathOnly;
    const again = BATCH.slice(0, 30).map((delivery) => ({ ...delivery, mayBeStored: true }));
    const sink = sinkFor(mock, { requestTimeoutMs: 30_000 });
    expect(await sink.write(again, signal)).toEqual(again.map(() => ({ status: "stored" })));
    expect(mock).toMatchObject({ duplicates: 0, lookups });
    expect(mock.documents.size).toBe(30);
  });

  test("looks nothing up while every answer is whole", async () => {
    await sinkFor(mock).write(BATCH, signal);
    expect(mock.lookups).toBe(0);
  });

  test("goes on when it may not look up, and says so once", async () => {
    mock.lookupStatus = () => 403;
    mock.behave = (request) => (request < 2 ? "reset-after-accept" : "ok");
    const told: string[] = [];
    const sink = sinkFor(mock, { onBlind: ({ hint }) => told.push(hint) });
    expect(await sink.write(BATCH, signal)).toEqual(BATCH.map(() => ({ status: "stored" })));
    expect(told).toEqual([expect.stringContaining("view_index_metadata")]);
    expect(mock).toMatchObject({ conflicts: 2 * BATCH.length, duplicates: 0 });
    await expect(sinkFor(mock).check()).rejects.toMatchObject({ message: expect.stringContaining("look") as unknown });
  });

  test("an item that the server refuses is refused with its reason, the others are stored", async () => {
    mock.behave = () => ({ everyThird: 400 });
    const results = await sinkFor(mock).write(BATCH, signal);
    const refused = results.filter((result) => result.status === "refused");
    expect(refused).toHaveLength(33);
    expect(refused[0]).toEqual({ status: "refused", reason: "document_parsing_exception", detail: "mock" });
    expect(results[2]).toBe(refused[0]);
    expect(mock.documents.size).toBe(67);
  });

  test.each([
    [403, "security_exception", "create_doc"],
    [404, "index_not_found_exception", "index template"],
  ] as const)(
    "an item that is answered %i is not refused for good: its document cannot help it, and waits",
    async (status, type, hint) => {
      mock.behave = (request) => (request === 0 ? { everyThird: status } : "ok");
      const sink = sinkFor(mock);
      await expect(sink.write(BATCH, signal)).rejects.toMatchObject({
        code: "sink-refuses",
        message: expect.stringContaining(`HTTP ${status} ${type}`) as unknown,
        hint: expect.stringContaining(hint) as unknown,
      });
      // The pipeline tries again, and says then that something may be stored already.
      const again = BATCH.map((delivery) => ({ ...delivery, mayBeStored: true }));
      expect(await sink.write(again, signal)).toEqual(BATCH.map(() => ({ status: "stored" })));
      expect(mock).toMatchObject({ conflicts: 0, duplicates: 0 });
      expect(mock.documents.size).toBe(BATCH.length);
    },
  );

  test.each([
    ["http://127.0.0.1:1", /reach/, /host and port/],
    ["https://127.0.0.1:PORT", /reach/, /http or https/],
  ])("check of %s says what is wrong with the connection", async (address, message, hint) => {
    const node = address.replace("PORT", new URL(mock.url).port);
    const sink = createElasticsearchSink({ name: "es", node, cluster: "test" });
    await expect(sink.check()).rejects.toMatchObject({ code: "sink-refuses", message, hint });
  });

  test("what the failure store took is not delivered", async () => {
    mock.behave = () => "failure-store";
    const results = await sinkFor(mock).write(BATCH, signal);
    expect(new Set(results.map((result) => (result.status === "refused" ? result.reason : "")))).toEqual(
      new Set(["failure-store"]),
    );
  });

  test("splits what is too large, and refuses only the one document that is too large alone", async () => {
    mock.maxRequestBytes = 20_000;
    const results = await sinkFor(mock).write([...BATCH, sampleDelivery(1000, "event", 50_000)], signal);
    expect(results.filter((result) => result.status === "stored")).toHaveLength(BATCH.length);
    expect(results.at(-1)).toMatchObject({ status: "refused", reason: "request-413" });
  });

  test("refuses one document that the server has too little memory for, and stores those that were sent with it", async () => {
    mock.maxPrimaryBytes = 150_000;
    const results = await sinkFor(mock).write([...BATCH, sampleDelivery(1000, "event", 50_000)], signal);
    expect(results.filter((result) => result.status === "stored")).toHaveLength(BATCH.length);
    expect(results.at(-1)).toMatchObject({
      status: "refused",
      reason: "too-large-for-the-server",
      detail: expect.stringMatching(/max_primary_bytes=150000/) as string,
    });
    expect(mock.documents.size).toBe(BATCH.length);
    expect(mock.conflicts).toBe(0);
  });

  test("cuts requests by bytes and by count, and limits how many are under way", async () => {
    mock.behave = () => "slow";
    mock.slowMs = 5;
    const sink = sinkFor(mock, { batches: { maxRequestBytes: 5000, maxInFlight: 3 } });
    await sink.write(BATCH, signal);
    expect(mock.bulkRequests).toBeGreaterThan(10);
    expect(mock.maxConcurrent).toBeLessThanOrEqual(3);
    expect(mock.largestRequest).toBeLessThan(7000);
  });

  test("a trickle beside a slow server loses nothing (helpers.bulk loses whole batches here)", async () => {
    mock.behave = () => "slow";
    mock.slowMs = 20;
    const sink = sinkFor(mock, { batches: { maxInFlight: 1 }, requestTimeoutMs: 1000 });
    const writes: Promise<unknown>[] = [];
    for (const delivery of BATCH.slice(0, 40)) {
      writes.push(sink.write([delivery], signal));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await Promise.all(writes);
    expect(mock.documents.size).toBe(40);
    expect(mock.conflicts).toBe(0);
  });

  test("rejects, so that it is tried again later, when an operator must act", async () => {
    mock.behave = () => "http-401";
    await expect(sinkFor(mock).write(BATCH, signal)).rejects.toMatchObject({
      code: "sink-refuses",
      hint: /apiKey/,
      message: expect.stringContaining(mock.url) as unknown,
    });
  });

  test("stops within its bound when told to, whatever the server does", async () => {
    for (const behaviour of ["hang", "http-503"] as const) {
      const stop = new AbortController();
      mock.behave = () => {
        setTimeout(() => stop.abort(), 20);
        return behaviour;
      };
      const writing = sinkFor(mock, {
        requestTimeoutMs: 30_000,
        backoff: { ...quick, sleep: (_ms, s) => aborted(s) },
      }).write(BATCH, stop.signal);
      await expect(writing).rejects.toMatchObject({ code: "sink-closed" });
    }
  });

  test("waits longer each time, with jitter, up to the cap", async () => {
    const waits: number[] = [];
    mock.behave = (request) => (request < 8 ? "http-429" : "ok");
    const backoff: Backoff = {
      firstMs: 100,
      mostMs: 2000,
      random: () => 0.5,
      sleep: async (ms) => void waits.push(ms),
    };
    await sinkFor(mock, { backoff }).write(BATCH, signal);
    expect(waits).toEqual([50, 100, 200, 400, 800, 1000, 1000, 1000]);
  });

  test("installs its template before the first document, once", async () => {
    const sink = sinkFor(mock);
    await sink.write(BATCH.slice(0, 1), signal);
    await sink.write(BATCH.slice(1, 2), signal);
    expect(mock.templates).toHaveLength(1);
    expect(JSON.parse(mock.templates[0] ?? "")).toMatchObject({
      priority: 250,
      data_stream: {},
      index_patterns: ["logs-kubernetes.audit_logs-*"],
      template: {
        settings: { index: { refresh_interval: "5s" } },
        mappings: { dynamic: false, properties: { "@timestamp": { type: "date_nanos" } } },
      },
    });
  });

  test("writes the lifecycle that it is given into its template, and none else", async () => {
    await sinkFor(mock).write(BATCH.slice(0, 1), signal);
    await sinkFor(mock, { lifecycle: { retention: "90d" } }).write(BATCH.slice(0, 1), signal);
    await sinkFor(mock, { lifecycle: { ilmPolicy: "audit" } }).write(BATCH.slice(0, 1), signal);
    const templates = mock.templates.map(
      (text) => (JSON.parse(text) as { template: Record<string, unknown> }).template,
    );
    expect(templates.map(({ lifecycle }) => lifecycle)).toEqual([undefined, { data_retention: "90d" }, undefined]);
    expect(templates.map(({ settings }) => settings)).toEqual([
      { index: { refresh_interval: "5s" } },
      { index: { refresh_interval: "5s" } },
      { index: { refresh_interval: "5s", lifecycle: { name: "audit" } } },
    ]);
  });

  test("sends its credentials, and never in an error", async () => {
    await sinkFor(mock, { auth: { username: "u", password: "hunter2" } }).write(BATCH, signal);
    expect(mock.authorization).toBe(`Basic ${Buffer.from("u:hunter2").toString("base64")}`);
    await sinkFor(mock, { auth: { apiKey: "a2V5OmtleQ==" } }).write(BATCH, signal);
    expect(mock.authorization).toBe("ApiKey a2V5OmtleQ==");
    mock.behave = () => "http-401";
    const failure = await sinkFor(mock, { auth: { username: "u", password: "hunter2" } })
      .write(BATCH, signal)
      .catch((error: unknown) => error);
    expect(JSON.stringify(failure) + String(failure)).not.toContain("hunter2");
  });

  test("check is content with a server that works", async () => {
    await sinkFor(mock).check();
  });
});

function aborted(stop: AbortSignal): Promise<void> {
  return new Promise((_, reject) => {
    stop.addEventListener("abort", () => reject(new Error("aborted")));
    if (stop.aborted) {
      reject(new Error("aborted"));
    }
  });
}
