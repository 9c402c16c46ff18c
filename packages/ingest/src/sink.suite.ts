import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Delivery, Sink } from "./sink.ts";

/** What a sink's test gives the suite: new sinks, and a look at what they stored. */
export interface SinkHarness {
  prepare(): Promise<{
    readonly create: () => Sink;
    /** The stored documents by kind, as JSON text of the delivery's document, in any order. */
    readonly stored: () => Promise<readonly string[]>;
    /** Whether the same id written twice is stored once. */
    readonly isIdempotent: boolean;
    readonly cleanUp: () => Promise<void>;
  }>;
}

/** A delivery as the pipeline makes them. */
export function sampleDelivery(number: number, kind: Delivery["kind"] = "event", bytes = 0): Delivery {
  const time = "2026-11-24T00:13:26.471919Z";
  const document = {
    event: {
      kind: "Event",
      level: "Metadata",
      auditID: `id-${number}`,
      verb: "get",
      stageTimestamp: time,
      pad: "x".repeat(bytes),
    },
    finding: {
      id: `f-${number}`,
      detection: { id: "d", title: "t", level: "high", techniques: ["T1"] },
      time,
      summary: "s",
    },
    undecidable: { reason: "not-json", bytes: number, note: "undecidable line of 3 bytes" },
    receipt: {
      kind: "NoiseReceipt",
      sink: "s",
      source: "audit",
      input: "audit.log@0",
      from: 0,
      to: 100 + number,
      rule: 3,
      actor: "system:node:n1",
      verb: "get",
      resource: "leases.coordination.k8s.io",
      first: time,
      last: time,
      count: 7,
      bytes: 100,
    },
  }[kind];
  return {
    id: createHash("sha256").update(`${kind}${number}`).digest("hex").slice(0, 32),
    kind,
    time,
    document: Buffer.from(JSON.stringify(document)),
  };
}

/** What every sink must do, wherever it writes. */
export function testSink(name: string, harness: SinkHarness): void {
  describe(`${name} is a sink`, () => {
    const signal = new AbortController().signal;
    const mixed = Array.from({ length: 30 }, (_, i) =>
      sampleDelivery(i, (["event", "event", "finding", "undecidable", "receipt"] as const)[i % 5]),
    );

    test("has stored every kind of delivery, unchanged, when write resolves", () =>
      withSink(async ({ create, stored }) => {
        const sink = create();
        const results = await sink.write(mixed, signal);
        expect(results).toEqual(mixed.map(() => ({ status: "stored" })));
        expect((await stored()).toSorted()).toEqual(mixed.map((one) => one.document.toString()).toSorted());
        await sink.close();
      }));

    test("takes an empty batch", () =>
      withSink(async ({ create, stored }) => {
        const sink = create();
        expect(await sink.write([], signal)).toEqual([]);
        expect(await stored()).toEqual([]);
        await sink.close();
      }));

    test("takes several writes at a time", () =>
      withSink(async ({ create, stored }) => {
        const sink = create();
        await Promise.all(mixed.map((one) => sink.write([one], signal)));
        expect(await stored()).toHaveLength(mixed.length);
        await sink.close();
      }));

    test("keeps what a sink before it stored, and the same id once if it can", () =>
      withSink(async ({ create, stored, isIdempotent }) => {
        for (let run = 0; run < 2; run++) {
          const sink = create();
          expect(await sink.write(mixed, signal)).toHaveLength(mixed.length);
          await sink.close();
        }
        expect(await stored()).toHaveLength(isIdempotent ? mixed.length : 2 * mixed.length);
      }));

    test("writes nothing once it was told to stop", () =>
      withSink(async ({ create, stored }) => {
        const stop = new AbortController();
        stop.abort();
        const sink = create();
        await expect(sink.write(mixed, stop.signal)).rejects.toThrow();
        expect(await stored()).toEqual([]);
        await sink.close();
      }));

    test("leaves the deliveries as they are", () =>
      withSink(async ({ create }) => {
        const copy = structuredClone(mixed.map((one) => one.document.toString()));
        const sink = create();
        await sink.write(mixed, signal);
        expect(mixed.map((one) => one.document.toString())).toEqual(copy);
        await sink.close();
      }));
  });

  async function withSink(run: (sink: Awaited<ReturnType<SinkHarness["prepare"]>>) => Promise<void>): Promise<void> {
    const sink = await harness.prepare();
    try {
      await run(sink);
    } finally {
      await sink.cleanUp();
    }
  }
}
