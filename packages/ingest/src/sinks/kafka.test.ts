import { describe, expect, test } from "vitest";
import type { Delivery } from "../sink.ts";
import { sampleDelivery, testSink } from "../sink.suite.ts";
import { FakeKafka } from "../kafka/kafka-fake.suite.ts";
import { createKafkaSink } from "./kafka.ts";

testSink("Kafka", {
  prepare: async () => {
    const kafka = new FakeKafka();
    return {
      create: () => createKafkaSink({ name: "kafka", createProducer: async () => kafka.producer() }),
      stored: async () => kafka.sent.map(({ value }) => value.toString()),
      isIdempotent: false,
      cleanUp: async () => undefined,
    };
  },
});

const signal = new AbortController().signal;

describe("Kafka sink", () => {
  test.each([
    ["the user", "event", '"user":{"username":"jane"},"sourceIPs":["192.0.2.1"]', "jane"],
    [
      "the user that authenticated, not the impersonated one",
      "event",
      '"user":{"username":"jane"},"impersonatedUser":{"username":"root"}',
      "jane",
    ],
    [
      "the last source IP where no user is known",
      "event",
      '"user":{},"sourceIPs":["203.0.113.9","192.0.2.1"]',
      "192.0.2.1",
    ],
    ["nothing where neither is known", "event", '"user":{}', undefined],
    ["the actor of a finding", "finding", '"actor":"jane"', "jane"],
    [
      "the last source IP of a finding's event",
      "finding",
      '"events":[{"sourceIPs":["203.0.113.9","192.0.2.1"]}]',
      "192.0.2.1",
    ],
    ["nothing for an undecidable line", "undecidable", '"actor":"x"', undefined],
  ] as const)("keys by %s", async (_name, kind, fields, key) => {
    const kafka = new FakeKafka();
    const sink = createKafkaSink({ name: "kafka", createProducer: async () => kafka.producer() });
    const head = '"level":"Metadata","auditID":"a","stage":"ResponseComplete","requestURI":"/","verb":"get"';
    const delivery: Delivery = {
      ...sampleDelivery(1, kind),
      document: Buffer.from(`{${kind === "event" ? `${head},` : ""}${fields}}`),
    };
    await sink.write([delivery], signal);
    expect(kafka.sent[0]?.key?.toString()).toBe(key);
    expect(kafka.sent[0]?.headers).toEqual({ "auditsieve-id": delivery.id, "auditsieve-kind": kind });
  });

  test("refuses what is too large by itself, and finds it when only the broker knows", async () => {
    const kafka = new FakeKafka();
    kafka.maxSendBytes = 1000;
    const sink = createKafkaSink({
      name: "kafka",
      createProducer: async () => kafka.producer(),
      maxDocumentBytes: 5000,
    });
    const batch = [0, 3000, 0, 9000, 0].map((bytes, i) => sampleDelivery(i, "event", bytes));
    const results = await sink.write(batch, signal);
    expect(results.map(({ status }) => status)).toEqual(["stored", "refused", "stored", "refused", "stored"]);
    expect(kafka.sent).toHaveLength(3);
  });

  test("keeps the order of what is written at once, and connects again after a failure", async () => {
    const kafka = new FakeKafka();
    let attempts = 0;
    const sink = createKafkaSink({
      name: "kafka",
      createProducer: async () => {
        if (attempts++ === 0) {
          throw new Error("no broker");
        }
        return kafka.producer();
      },
    });
    await expect(sink.write([sampleDelivery(0)], signal)).rejects.toThrow("no broker");
    kafka.failsToSend = 1;
    await expect(sink.write([sampleDelivery(0)], signal)).rejects.toThrow("away");
    await Promise.all(Array.from({ length: 20 }, (_, i) => sink.write([sampleDelivery(i)], signal)));
    expect(kafka.sent.map(({ value }) => (JSON.parse(value.toString()) as { auditID: string }).auditID)).toEqual(
      Array.from({ length: 20 }, (_, i) => `id-${i}`),
    );
    await sink.close();
  });
});

test("a Kafka sink is closed within a bound though its broker never answers", async () => {
  const silent = (): Promise<never> => new Promise(() => undefined);
  const sink = createKafkaSink({ name: "kafka", createProducer: silent, closeLimitMs: 10 });
  void sink.write([sampleDelivery(0, "event", 100)], new AbortController().signal);
  await sink.close();
});
