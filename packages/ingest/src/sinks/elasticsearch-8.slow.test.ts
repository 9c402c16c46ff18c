import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startSecuredElasticsearch } from "../../../../test/engines/elasticsearch-8.ts";
import type { SecuredElasticsearch } from "../../../../test/engines/elasticsearch-8.ts";
import { sampleDelivery } from "../sink.suite.ts";
import type { Backoff } from "../backoff.ts";
import { createElasticsearchSink } from "./elasticsearch.ts";
import type { ElasticsearchOptions } from "./elasticsearch.ts";
import { INDEX_TEMPLATE_NAME } from "./index-template.ts";
import { hostileDeliveries } from "./hostile-deliveries.suite.ts";

const STREAM = "logs-kubernetes.audit_logs-default";
const signal = new AbortController().signal;
const quick: Backoff = {
  firstMs: 50,
  mostMs: 500,
  random: Math.random,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

let engine: SecuredElasticsearch;
beforeAll(async () => {
  engine = await startSecuredElasticsearch();
}, 600_000);
afterAll(() => engine?.stop());

describe("elasticsearch 8.19 with TLS and security", () => {
  const batch = Array.from({ length: 200 }, (_, i) => sampleDelivery(i, i % 3 === 0 ? "finding" : "event", 200));

  test("puts no document aside for a template that is missing, a key that may not write, and a cluster without room for an index", async () => {
    const admin = { username: engine.username, password: engine.password };
    const apiKey = await keyFor(["create_doc", "auto_configure", "read", "view_index_metadata"]);
    const withoutTemplate = sinkFor({ auth: { apiKey }, namespace: "missing" });
    await expect(withoutTemplate.write(batch, signal)).rejects.toMatchObject({ message: /404/, hint: /template/ });
    await expect(withoutTemplate.check()).rejects.toMatchObject({ message: /404/, hint: /template/ });
    await sinkFor({ auth: admin }).check();
    expect(await withoutTemplate.write(batch, signal)).toEqual(batch.map(() => ({ status: "stored" })));
    await withoutTemplate.close();

    const mayOnlyRead = sinkFor({ auth: { apiKey: await keyFor(["read", "view_index_metadata"]) } });
    await expect(mayOnlyRead.write(batch, signal)).rejects.toMatchObject({ message: /403/, hint: /create_doc/ });
    await expect(mayOnlyRead.check()).rejects.toMatchObject({ message: /lacks create_doc, auto_configure/ });
    await mayOnlyRead.close();

    const limit = (shards: number | null): unknown => ({ persistent: { "cluster.max_shards_per_node": shards } });
    expect((await engine.ask("PUT", "/_cluster/settings", limit(1))).status).toBe(200);
    const full = sinkFor({ auth: admin, namespace: "full" });
    await expect(full.write(batch, signal)).rejects.toMatchObject({ message: /maximum/ });
    expect((await engine.ask("PUT", "/_cluster/settings", limit(null))).status).toBe(200);
    expect(await full.write(batch, signal)).toEqual(batch.map(() => ({ status: "stored" })));
    await full.close();
  });

  test("takes documents with a password, and each once over rollovers", async () => {
    const sink = sinkFor({ auth: { username: engine.username, password: engine.password } });
    await sink.check();
    expect(await sink.write(batch.slice(0, 120), signal)).toEqual(
      batch.slice(0, 120).map(() => ({ status: "stored" })),
    );
    // Three backing indices: the older two are asked together.
    await engine.ask("POST", `/${STREAM}/_rollover`);
    await engine.ask("POST", `/${STREAM}/_rollover`);
    const again = batch.map((delivery) => ({ ...delivery, mayBeStored: true }));
    expect(await sink.write(again, signal)).toEqual(batch.map(() => ({ status: "stored" })));
    await sink.close();
    expect(await count()).toBe(batch.length);
  });

  test("takes documents with an API key that may only what the documentation says", async () => {
    const apiKey = await keyFor(["create_doc", "auto_configure", "read", "view_index_metadata"]);
    const told: string[] = [];
    const sink = sinkFor({ auth: { apiKey }, onBlind: ({ message }) => told.push(message) });
    await sink.check();
    const more = Array.from({ length: 50 }, (_, i) => ({ ...sampleDelivery(1000 + i), mayBeStored: i % 2 === 0 }));
    expect(await sink.write(more, signal)).toEqual(more.map(() => ({ status: "stored" })));
    await sink.close();
    expect(told).toEqual([]);
    expect(await count()).toBe(batch.length + more.length);
  });

  test("takes a template that says how long documents are kept", async () => {
    const auth = { username: engine.username, password: engine.password };
    const sink = sinkFor({ auth, lifecycle: { retention: "90d" } });
    await sink.check();
    await sink.close();
    const { answer } = await engine.ask("GET", `/_index_template/${INDEX_TEMPLATE_NAME}`);
    expect(answer).toMatchObject({
      index_templates: [{ index_template: { template: { lifecycle: { data_retention: "90d" } } } }],
    });
  });

  test("refuses no hostile document", async () => {
    const sink = sinkFor({ auth: { username: engine.username, password: engine.password }, namespace: "hostile" });
    const results = await sink.write(hostileDeliveries(), signal);
    await sink.close();
    expect(results.filter(({ status }) => status === "refused")).toEqual([]);
  });

  test("says what is wrong with a key, and with a certificate that it does not know", async () => {
    const key = Buffer.from("nobody:nothing").toString("base64");
    await expect(sinkFor({ auth: { apiKey: key } }).check()).rejects.toMatchObject({
      message: expect.stringContaining("401") as unknown,
      hint: /apiKey/,
    });
    const stranger = createElasticsearchSink({ name: "es", node: engine.url, cluster: "test", backoff: quick });
    await expect(stranger.check()).rejects.toMatchObject({ hint: /caFile/ });
  });
});

/** An API key that may do so with the stream, and see the cluster. */
async function keyFor(privileges: readonly string[]): Promise<string> {
  const { status, answer } = await engine.ask("POST", "/_security/api_key", {
    name: "auditsieve",
    role_descriptors: {
      writer: { cluster: ["monitor"], indices: [{ names: ["logs-kubernetes.audit_logs-*"], privileges }] },
    },
  });
  expect(status).toBe(200);
  return (answer as { encoded: string }).encoded;
}

function sinkFor(more: Partial<ElasticsearchOptions>): ReturnType<typeof createElasticsearchSink> {
  return createElasticsearchSink({
    name: "es",
    node: engine.url,
    ca: engine.ca,
    cluster: "test",
    backoff: quick,
    ...more,
  });
}

async function count(): Promise<number> {
  await engine.ask("POST", `/${STREAM}/_refresh`);
  const { answer } = await engine.ask("GET", `/${STREAM}/_count`);
  return (answer as { count: number }).count;
}
