import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createRedactor } from "@auditsieve/audit";
import { DetectionEngine, loadDetections } from "@auditsieve/detect";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { startElasticsearch } from "../../../../test/engines/elasticsearch.ts";
import type { RunningElasticsearch } from "../../../../test/engines/elasticsearch.ts";
import { Pipeline } from "../pipeline/pipeline.ts";
import type { Delivery } from "../sink.ts";
import { sampleDelivery } from "../sink.suite.ts";
import { archiveSource } from "../sources/archive.ts";
import type { PipelineTally } from "../lines/tally.ts";
import type { SideLogs } from "./dead-letter.ts";
import { createElasticsearchSink } from "./elasticsearch.ts";
import { hostileDeliveries } from "./hostile-deliveries.suite.ts";

const SAMPLES = ["attack.log.zst", "working-day.log.zst"].map((name) =>
  fileURLToPath(new URL(`../../../../samples/${name}`, import.meta.url)),
);

let engine: RunningElasticsearch;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "elasticsearch-slow-"));
  engine = await startElasticsearch({ settings: ["indices.id_field_data.enabled: true"] });
}, 400_000);
afterAll(async () => {
  await engine?.stop();
  rmSync(folder, { recursive: true });
});

describe("elasticsearch 9", () => {
  test("takes every event and finding of the samples once, byte for byte, and refuses none", async () => {
    const first = await ingest("samples");
    const [sink] = first.tally.sinks;
    expect(sink).toMatchObject({ delivered: first.tally.lines, dropped: 0, deadLettered: 0, pending: 0 });
    expect(first.letters).toEqual([]);
    expect(first.tally.lines).toBeGreaterThan(1000);
    const ids = new Map(first.deliveries.map((delivery) => [delivery.id, delivery.document.toString()]));
    expect(ids.size).toBe(first.deliveries.length);
    const stored = await documents("samples");
    expect(stored.size).toBe(ids.size);
    for (const [id, original] of ids) {
      expect(stored.get(id)).toBe(original);
    }

    // As after a crash before the first checkpoint: the same lines again.
    const second = await ingest("samples");
    expect(second.tally.sinks[0]).toMatchObject({ delivered: first.tally.lines, deadLettered: 0 });
    expect(await count("samples", { match_all: {} })).toBe(ids.size);
  }, 300_000);

  test("refuses a document that it has too little memory for, and takes what comes behind it", async () => {
    // Five times a document of this size is more than a tenth of the server's heap of 512 MB.
    const big = { ...sampleDelivery(1, "event", 12_000_000), id: "f".repeat(32) };
    const sink = createElasticsearchSink({
      name: "es",
      node: engine.url,
      cluster: "test",
      namespace: "big",
      backoff: { firstMs: 1, mostMs: 10, random: () => 1, sleep: async () => undefined },
    });
    const results = await sink.write([big, sampleDelivery(2)], new AbortController().signal);
    await sink.close();
    expect(results).toMatchObject([{ status: "refused", reason: "too-large-for-the-server" }, { status: "stored" }]);
  }, 120_000);

  test.each([
    [
      "by the fields that Elastic's rules use",
      {
        bool: {
          must: [
            { term: { "event.dataset": "kubernetes.audit_logs" } },
            { term: { "kubernetes.audit.objectRef.resource": "secrets" } },
            { terms: { "kubernetes.audit.verb": ["get", "list"] } },
            { term: { "kubernetes.audit.annotations.authorization_k8s_io/decision": "allow" } },
          ],
        },
      },
    ],
    [
      "privileged pods by their body",
      { term: { "kubernetes.audit.requestObject.spec.containers.securityContext.privileged": true } },
    ],
    ["bindings by the role they give", { term: { "kubernetes.audit.requestObject.roleRef.name": "cluster-admin" } }],
    [
      "denied requests",
      {
        bool: {
          must: [{ term: { "event.outcome": "failure" } }, { term: { "kubernetes.audit.responseStatus.code": 403 } }],
        },
      },
    ],
    ["an address range", { term: { "source.ip": "127.0.0.0/8" } }],
    [
      "a credential by a flattened key",
      { exists: { field: "kubernetes.audit.user.extra.authentication.kubernetes.io/credential-id" } },
    ],
    ["findings", { bool: { must: [{ term: { "event.kind": "signal" } }, { exists: { field: "rule.name" } }] } }],
  ])("finds %s", async (_what, query) => {
    expect(await count("samples", query)).toBeGreaterThan(0);
  });

  test("makes searchable what it took without being asked to, every five seconds", async () => {
    const sink = createElasticsearchSink({ name: "es", node: engine.url, cluster: "unasked", namespace: "unasked" });
    const sent = hostileDeliveries().slice(0, 3);
    await sink.write(sent, new AbortController().signal);
    await sink.close();
    await vi.waitFor(async () => expect((await ask(`${stream("unasked")}/_count`))["count"]).toBe(sent.length), {
      timeout: 120_000,
      interval: 200,
    });
    const response = await fetch(`${engine.url}/${stream("unasked")}/_settings?flat_settings=true`);
    const indices = Object.values((await response.json()) as Record<string, { settings: Record<string, string> }>);
    expect(indices.map(({ settings }) => settings["index.refresh_interval"])).toEqual(["5s"]);
  }, 180_000);

  test("refuses no hostile document", async () => {
    const sink = createElasticsearchSink({ name: "es", node: engine.url, cluster: "hostile", namespace: "hostile" });
    const results = await sink.write(hostileDeliveries(), new AbortController().signal);
    await sink.close();
    expect(results.filter((result) => result.status === "refused")).toEqual([]);
    expect((await documents("hostile")).size).toBe(hostileDeliveries().length);
  });

  test("stores nothing twice though the stream rolled over between two runs", async () => {
    const open = (): ReturnType<typeof createElasticsearchSink> =>
      createElasticsearchSink({ name: "es", node: engine.url, cluster: "rollover", namespace: "rollover" });
    const signal = new AbortController().signal;
    const first = open();
    await first.write(hostileDeliveries().slice(0, 5), signal);
    await ask(`${stream("rollover")}/_rollover`);
    await first.write(hostileDeliveries().slice(5, 9), signal);
    await first.close();
    await ask(`${stream("rollover")}/_rollover`);
    const second = open();
    await second.check();
    const again = hostileDeliveries().map((delivery) => ({ ...delivery, mayBeStored: true }));
    expect(await second.write(again, signal)).toEqual(again.map(() => ({ status: "stored" })));
    await second.close();
    expect(await count("rollover", { match_all: {} })).toBe(again.length);
  });

  test("has everything after kill -9 of the server, and an outage costs nothing", async () => {
    const before = (await documents("samples")).size;
    const sink = createElasticsearchSink({
      name: "es",
      node: engine.url,
      cluster: "outage",
      namespace: "outage",
      backoff: {
        firstMs: 200,
        mostMs: 2000,
        random: Math.random,
        sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      },
    });
    const signal = new AbortController().signal;
    await sink.write(hostileDeliveries().slice(0, 1), signal);
    const restarting = engine.restart("SIGKILL");
    const [results] = await Promise.all([sink.write(hostileDeliveries(), signal), restarting]);
    await sink.close();
    expect(results.every(({ status }) => status === "stored")).toBe(true);
    expect((await documents("outage")).size).toBe(hostileDeliveries().length);
    expect((await documents("samples")).size).toBe(before);
  }, 300_000);
});

async function ingest(
  namespace: string,
): Promise<{ tally: PipelineTally; letters: readonly unknown[]; deliveries: readonly Delivery[] }> {
  const sink = createElasticsearchSink({ name: "es", node: engine.url, cluster: "test", namespace });
  const letters: unknown[] = [];
  const deliveries: Delivery[] = [];
  const sideLogs: SideLogs = {
    deadLetter: async (more) => void letters.push(...more),
    quarantine: async () => undefined,
    close: async () => undefined,
  };
  const pipeline = new Pipeline({
    source: archiveSource({ logs: SAMPLES }),
    feeds: [
      {
        feed: "all",
        sink: {
          name: "es",
          write: (batch, signal) => (deliveries.push(...batch), sink.write(batch, signal)),
          close: () => sink.close(),
        },
      },
    ],
    sideLogs,
    cluster: "test",
    idKey: Buffer.alloc(32, 1),
    redactor: createRedactor({ key: Buffer.alloc(32, 2) }),
    detections: new DetectionEngine(
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
    ),
  });
  await pipeline.run(new AbortController().signal);
  await sink.close();
  return { tally: pipeline.tally(), letters, deliveries };
}

const stream = (namespace: string): string => `logs-kubernetes.audit_logs-${namespace}`;

async function ask(path: string, body?: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(`${engine.url}/${path}`, {
    method: "POST",
    ...(body !== undefined && { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as Record<string, unknown>;
  expect(response.status, JSON.stringify(answer).slice(0, 500)).toBe(200);
  return answer;
}

async function count(namespace: string, query: unknown): Promise<number> {
  await ask(`${stream(namespace)}/_refresh`);
  return (await ask(`${stream(namespace)}/_count`, { query }))["count"] as number;
}

/** All documents: id and the line itself. */
async function documents(namespace: string): Promise<ReadonlyMap<string, string>> {
  await ask(`${stream(namespace)}/_refresh`);
  const found = new Map<string, string>();
  let after: unknown;
  for (;;) {
    const answer = await ask(`${stream(namespace)}/_search`, {
      size: 1000,
      _source: ["event.original"],
      sort: [{ _id: "asc" }],
      ...(after !== undefined && { search_after: after }),
    });
    const { hits } = answer["hits"] as {
      hits: readonly { _id: string; sort: unknown; _source: { event: { original: string } } }[];
    };
    if (hits.length === 0) {
      return found;
    }
    for (const { _id, _source } of hits) {
      found.set(_id, _source.event.original);
    }
    after = hits.at(-1)?.sort;
  }
}
