import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { zstdDecompressSync } from "node:zlib";
import { EventScan } from "@auditsieve/audit";
import type { AuditEvent } from "@auditsieve/audit";
import { DetectionEngine, FindingStream, loadDetections, ShownEvent } from "@auditsieve/detect";
import type { Finding } from "@auditsieve/detect";
import { describe, expect, test } from "vitest";
import { AuditIdMemory } from "./audit-id-memory.ts";
import { NoiseWatch } from "./alarm-noise.ts";
import type { StoppedNoise } from "./alarm-noise.ts";
import { AlarmWatch } from "./alarm-watch.ts";
import { AuditIdWatch } from "./audit-id-watch.ts";
import type { NoiseReceipt } from "../receipts/receipt-book.ts";

const REPEATED = loadDetections(
  readFileSync(
    fileURLToPath(new URL("../../../../profiles/detections/stealth/audit-id-repeated.yml", import.meta.url)),
    "utf8",
  ),
  "audit-id-repeated.yml",
).detections;

describe("AuditIdMemory", () => {
  test.each([
    ["another request with the same auditID", { requestReceivedTimestamp: "2026-11-24T00:00:09.000000Z" }, true],
    ["another user", { user: { username: "eve" } }, true],
    ["another object", { requestURI: "/api/v1/namespaces/y/secrets" }, true],
    ["the same line, read twice", {}, false],
    ["another stage of the same request", { stage: "ResponseStarted" }, false],
    ["another auditID", { auditID: "b" }, false],
  ])("%s", (_what, change, isUsedAgain) => {
    const memory = new AuditIdMemory();
    expect(memory.isUsedAgain(scanOf(event()))).toBe(false);
    expect(memory.isUsedAgain(scanOf(event(change)))).toBe(isUsedAgain);
  });

  test.each([
    ["/api?a=1&b=<é>", String.raw`/api?a=1\u0026b=\u003c\u00e9\u003E`, false],
    ["/api?a=1&b=<é>", String.raw`\/api?a=1\u0026b=<é>`, false],
    ["/api?a=1&b=<é>", String.raw`/api?a=1\u0026b=\u003cé>x`, true],
    ["/api?a=1&b=2", String.raw`/api?a=1u0026b=2`, true],
    ["/api?a=" + "&".repeat(5000), "/api?a=" + String.raw`\u0026`.repeat(5000), false],
  ])("another writer's spelling is no other request: %#", (uri, spelled, isUsedAgain) => {
    const memory = new AuditIdMemory();
    const line = event({ requestURI: "PLACE" });
    expect(memory.isUsedAgain(scanOf(line.replace("PLACE", uri)))).toBe(false);
    expect(memory.isUsedAgain(scanOf(line.replace("PLACE", spelled)))).toBe(isUsedAgain);
  });

  test("forgets, and takes nobody for another, when there are more than it holds", () => {
    const memory = new AuditIdMemory(16);
    const scan = new EventScan();
    for (let i = 0; i < 2000; i++) {
      expect(memory.isUsedAgain(scanOf(event({ auditID: `id-${i}` }), scan))).toBe(false);
    }
  });

  test("finds the replayed Audit-ID of the recorded attack, and nothing else in it", () => {
    const found: string[] = [];
    const watch = new AlarmWatch({ detections: new DetectionEngine(REPEATED) });
    for (const line of linesOf("attack")) {
      const scan = scanOf(line);
      if (watch.isSuspicious(scan)) {
        const event = JSON.parse(line) as AuditEvent;
        found.push(...watch.findings(event, () => ShownEvent.of(event)).map(({ summary }) => summary));
      }
    }
    expect(found).toEqual([expect.stringContaining("/api/v1/namespaces/payments/secrets/card-vault") as string]);
  });
});

describe("AuditIdWatch", () => {
  test("watches only where the detection is loaded, and takes the place of its correlation", () => {
    expect(AuditIdWatch.of([])).toBeUndefined();
    const watch = AuditIdWatch.of(REPEATED);
    const stream = new FindingStream(new DetectionEngine(REPEATED));
    const events = [1, 2].map((second) =>
      JSON.parse(
        event({ objectRef: { resource: "secrets" }, requestReceivedTimestamp: `2026-11-24T00:00:0${second}.000000Z` }),
      ),
    ) as readonly AuditEvent[];
    const counted = [...events.flatMap((one) => stream.push(one)), ...stream.flush()];
    expect(counted.map((finding) => watch?.replaces(finding))).toEqual([true]);
    const [again] = events.filter((one) => watch?.isUsedAgain(scanOf(JSON.stringify(one))));
    const found = watch?.findings(again as AuditEvent, () => ShownEvent.of(again as AuditEvent)) ?? [];
    expect(found.map(({ detection }) => detection)).toEqual(counted.map(({ detection }) => detection));
    expect(watch?.replaces(found[0] as Finding)).toBe(false);
    expect(
      watch?.findings(again as AuditEvent, () => ShownEvent.of(again as AuditEvent)),
      "another stage of it",
    ).toEqual([]);
  });

  test("goes on from a snapshot", () => {
    const [watch, next] = [AuditIdWatch.of(REPEATED), AuditIdWatch.of(REPEATED)];
    expect(watch?.isUsedAgain(scanOf(event()))).toBe(false);
    next?.restore(structuredClone(watch?.snapshot()));
    expect(next?.isUsedAgain(scanOf(event({ verb: "get" })))).toBe(true);
  });
});

describe("AlarmWatch", () => {
  test("says that an apiserver has started, once for each start", () => {
    for (const [log, starts] of [
      ["attack", 1],
      ["quiet", 0],
    ] as const) {
      const alarms: string[] = [];
      const watch = new AlarmWatch({ onAlarm: ({ kind }) => alarms.push(kind) });
      for (const line of linesOf(log)) {
        watch.isSuspicious(scanOf(line));
      }
      expect(alarms, log).toEqual(Array.from({ length: starts }, () => "apiserver-start"));
    }
  });
});

describe("NoiseWatch", () => {
  test("tells of noise that was steady and stops while the log goes on, once", () => {
    const watch = new NoiseWatch();
    const stopped = Array.from({ length: 30 }, (_, minute) =>
      watch.note([receipt("node-1", minute), ...(minute < 15 ? [receipt("node-2", minute)] : [])]),
    );
    expect(stopped.flat()).toEqual([
      { actor: "node-2", verb: "update", resource: "leases", minutes: 15, last: "2026-11-24T00:14:30.000000Z" },
    ]);
    expect(stopped.findIndex((one) => one.length > 0)).toBe(18);
  });

  test("begins anew where a clock that was ahead is set back, and tells of what stops after that", () => {
    const clock = { minute: 600 };
    const watch = new NoiseWatch(undefined, () => clockAt(clock.minute));
    const nodes = ["node-1", "node-2"];
    const live = (who: readonly string[], minutes: number): readonly StoppedNoise[] =>
      Array.from({ length: minutes }, () => {
        clock.minute++;
        return watch.note(who.map((node) => receipt(node, clock.minute)));
      }).flat();
    expect(live(nodes, 15)).toEqual([]);
    clock.minute = 30;
    expect(live(nodes, 15)).toEqual([]);
    expect(live(["node-1"], 5)).toMatchObject([{ actor: "node-2", last: "2026-11-24T00:45:30.000000Z" }]);
  });

  test("begins not anew where older logs are read beside the newest", () => {
    const watch = new NoiseWatch(undefined, () => clockAt(620));
    const note = (minutes: readonly number[], ...nodes: readonly string[]): readonly StoppedNoise[] =>
      minutes.flatMap((minute) => watch.note(nodes.map((node) => receipt(node, minute))));
    const [before, later] = [0, 15].map((from) => Array.from({ length: 15 }, (_, i) => 600 + from + i)) as [
      number[],
      number[],
    ];
    note(before, "node-1", "node-2");
    expect(note([20, 21, 22], "node-1")).toEqual([]);
    expect(note(later, "node-1")).toMatchObject([{ actor: "node-2", minutes: 15 }]);
  });

  test("is quiet about what was rare, and when the whole log rests", () => {
    const watch = new NoiseWatch();
    const stopped = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 500, 501].map((minute) =>
      watch.note([receipt("node-1", minute), ...(minute % 7 === 0 ? [receipt("rare", minute)] : [])]),
    );
    expect(stopped.flat().filter(({ actor }) => actor !== "node-1")).toEqual([]);
  });
});

function clockAt(minute: number): Date {
  return new Date(Date.UTC(2026, 10, 24, 0, minute));
}

function receipt(actor: string, minute: number): NoiseReceipt {
  const time = (second: number): string =>
    `${new Date(Date.UTC(2026, 10, 24, 0, minute, second)).toISOString().slice(0, 19)}.000000Z`;
  return {
    kind: "NoiseReceipt",
    sink: "s",
    source: "audit",
    input: "audit.log@0",
    from: 0,
    to: 1,
    rule: 0,
    actor,
    verb: "update",
    resource: "leases",
    first: time(5),
    last: time(30),
    count: 6,
    bytes: 6000,
  };
}

function event(change: object = {}): string {
  return JSON.stringify({
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "Metadata",
    auditID: "a",
    stage: "ResponseComplete",
    requestURI: "/api/v1/namespaces/x/secrets",
    verb: "list",
    user: { username: "jane" },
    requestReceivedTimestamp: "2026-11-24T00:00:01.000000Z",
    stageTimestamp: "2026-11-24T00:00:02.000000Z",
    ...change,
  });
}

function scanOf(line: string, scan: EventScan = new EventScan()): EventScan {
  const bytes = Buffer.from(line);
  expect(scan.scan(bytes, 0, bytes.length)).toBe(true);
  return scan;
}

function linesOf(sample: string): readonly string[] {
  const path = fileURLToPath(new URL(`../../../../samples/${sample}.log.zst`, import.meta.url));
  return zstdDecompressSync(readFileSync(path)).toString("utf8").split("\n").slice(0, -1);
}
