import type { JsonValue } from "@auditsieve/audit";
import { StreamPolicy } from "@auditsieve/policy";
import { describe, expect, test } from "vitest";
import type { SinkConfig } from "./config-sinks.ts";
import { Checkpoint } from "../state/checkpoint.ts";
import { markPartition, markSinks, sinkMark } from "./sink-marks.ts";

const SINK: SinkConfig = { type: "file", name: "archive", folder: "/archive", feed: "all" };
const LATE: SinkConfig = {
  type: "kafka",
  name: "late",
  topic: "t",
  feed: "kept",
  compression: "none",
  connection: { brokers: ["k:9092"], clientId: "c" },
};
const sources = [{ name: "audit" }, { name: "hook" }];
const place = (offset: number): JsonValue => ({ offset });

describe("markSinks", () => {
  test("a sink is there from the beginning of a source that is new, and else from where each source stands", () => {
    const checkpoint = begun();
    markSinks(checkpoint, { sources: [{ name: "audit" }], sinks: [SINK] });
    checkpoint.put("pipeline/audit", {});
    checkpoint.put("source/audit//var/log/a.log", place(7));
    checkpoint.put("source/audit-2", place(8));
    markSinks(checkpoint, { sources, sinks: [SINK, LATE] });
    expect(sinkMark(checkpoint, "audit", SINK)).toEqual({ kind: "beginning" });
    expect([SINK, LATE].map((sink) => sinkMark(checkpoint, "hook", sink).kind)).toEqual(["beginning", "beginning"]);
    checkpoint.put("source/audit//var/log/a.log", place(9));
    markSinks(checkpoint, { sources, sinks: [SINK, LATE] });
    expect(positionsOf(checkpoint, LATE)).toEqual({ "source/audit//var/log/a.log": place(7) });
  });

  test.each<[string, readonly SinkConfig[], SinkConfig]>([
    ["was away", [], SINK],
    ["is called something else", [SINK], { ...SINK, name: "renamed" }],
    ["is somewhere else", [SINK], { ...SINK, folder: "/elsewhere" }],
    ["gets another feed", [SINK], { ...SINK, feed: "findings" }],
    ["gets another policy", [SINK], { ...SINK, feed: "kept", policy: policy("None") }],
  ])("a sink that %s begins anew", (_why, between, sink) => {
    const checkpoint = begun();
    markSinks(checkpoint, { sources, sinks: [SINK] });
    checkpoint.put("source/audit", place(3));
    markSinks(checkpoint, { sources, sinks: between });
    expect(sinkMark(checkpoint, "audit", sink)).toEqual({ kind: "never" });
    markSinks(checkpoint, { sources, sinks: [sink] });
    expect(positionsOf(checkpoint, sink)).toEqual({ "source/audit": place(3) });
  });

  test("a sink that is only reached in another way, or packs its files, goes on", () => {
    const checkpoint = begun();
    markSinks(checkpoint, { sources, sinks: [SINK, LATE] });
    const connection = { brokers: ["other:9093"], clientId: "d" };
    const sinks: readonly SinkConfig[] = [
      { ...SINK, compress: "zstd" },
      { ...LATE, connection },
    ];
    markSinks(checkpoint, { sources, sinks });
    expect(sinks.map((sink) => sinkMark(checkpoint, "audit", sink).kind)).toEqual(["beginning", "beginning"]);
  });

  test("of a checkpoint without marks the counters say who was there, and who was not", () => {
    const counters = { lines: 5, "archive/lines": 5, "late/lines": 2 };
    const checkpoint = begun({ "pipeline/audit": { counters }, "source/audit": place(4) });
    const other: SinkConfig = { ...SINK, name: "other" };
    const sinks = [SINK, LATE, other];
    const kinds = (): readonly string[] => sinks.map((sink) => sinkMark(checkpoint, "audit", sink).kind);
    expect(kinds()).toEqual(["beginning", "unknown", "never"]);
    markSinks(checkpoint, { sources, sinks });
    expect(kinds()).toEqual(["beginning", "unknown", "position"]);
    // It stays unknown however many lines follow.
    checkpoint.put("pipeline/audit", { counters: { lines: 9, "archive/lines": 9, "late/lines": 9 } });
    markSinks(checkpoint, { sources, sinks });
    expect(kinds()).toEqual(["beginning", "unknown", "position"]);
  });
});

test("markPartition notes where a partition stood when this daemon first read it for a sink that was added, once", () => {
  const checkpoint = begun();
  markSinks(checkpoint, { sources, sinks: [SINK] });
  checkpoint.put("pipeline/audit", {});
  markSinks(checkpoint, { sources, sinks: [SINK, LATE] });
  markPartition(checkpoint, "audit", "t/0@10", 512);
  markPartition(checkpoint, "audit", "t/0@10", 4096);
  markPartition(checkpoint, "audit", "t/1@0", 0);
  markPartition(checkpoint, "unknown", "t/1@0", 0);
  expect(sinkMark(checkpoint, "audit", SINK)).toEqual({ kind: "beginning" });
  expect(sinkMark(checkpoint, "audit", LATE)).toMatchObject({
    partitions: new Map([
      ["t/0@10", 512],
      ["t/1@0", 0],
    ]),
  });
});

function begun(sections: Readonly<Record<string, JsonValue>> = {}): Checkpoint {
  return new Checkpoint("", new Map(Object.entries(sections)));
}

function policy(level: "None" | "Metadata"): StreamPolicy {
  return new StreamPolicy({ policy: { rules: [{ level }] }, keep: [], conditions: [] });
}

function positionsOf(checkpoint: Checkpoint, sink: SinkConfig): Readonly<Record<string, JsonValue>> {
  const mark = sinkMark(checkpoint, "audit", sink);
  return mark.kind === "position" ? mark.checkpoint.under("source/audit") : expect.fail(mark.kind);
}
