import * as nodeFiles from "node:fs/promises";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createRedactor, isJsonObject } from "@auditsieve/audit";
import type { AuditEvent } from "@auditsieve/audit";
import { DetectionEngine, loadDetections } from "@auditsieve/detect";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AUDIT_ID_REPEATED } from "../alarms/audit-id-watch.ts";
import { openCheckpoint } from "../state/checkpoint.ts";
import type { StateFiles } from "../state/checkpoint.ts";
import { openDetectionState } from "../state/detection-state.ts";
import { chanceOf, detectionRules, eventLines, findingsOf } from "./detection-restart.suite.ts";
import { Pipeline } from "../pipeline/pipeline.ts";
import { STORED } from "../sink.ts";
import type { Delivery } from "../sink.ts";
import { openWatchMemory } from "../alarms/watch-memory.ts";

const NO_SIDE_LOGS = {
  deadLetter: () => Promise.reject(new Error("nothing is refused")),
  quarantine: () => Promise.reject(new Error("nothing is too long")),
  close: () => Promise.resolve(),
};
const REDACTOR = createRedactor({ key: Buffer.alloc(32, 1) });
const ID_KEY = Buffer.alloc(32, 2);
const engine = engineOf(detectionRules());

describe("what detections remember", () => {
  test("over any crashes the same findings come out, each with the same content, and the events that they rest on", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 3 }),
        async (seed, lives) => {
          const lines = eventLines(50, chanceOf(seed));
          const world = new World(lines);
          try {
            for (const operations of lives) {
              await world.live(operations);
            }
            await world.live(Infinity);
            expect(world.findings()).toEqual(findingsOf(lines, engine));
            expect(world.alarms.filter(({ kind }) => kind !== "audit-id-used-again")).toEqual([]);
            expect(world.accounted(), "lines that are neither stored nor in a receipt, or in both").toBe(lines.length);
          } finally {
            world.end();
          }
        },
      ),
      { numRuns: 3 },
    );
  });

  test("an Audit-ID that is used again after a restart is found, once", async () => {
    const lines = eventLines(30, chanceOf(3));
    const first = lines.find((line) => line.includes('"ResponseComplete"')) ?? "";
    const again = { ...(JSON.parse(first) as AuditEvent), requestReceivedTimestamp: "2026-11-24T01:00:00.000000Z" };
    const stamped = (at: string): string =>
      JSON.stringify({ ...again, stageTimestamp: `2026-11-24T01:00:0${at}.000000Z` });
    const world = new World(lines);
    try {
      await world.live(Infinity);
      world.append([stamped("1")]);
      await world.live(Infinity);
      world.append([stamped("2")]);
      await world.live(Infinity);
      const used = world.findings().filter((finding) => finding.includes(AUDIT_ID_REPEATED));
      const before = findingsOf(lines, engine).filter((finding) => finding.includes(AUDIT_ID_REPEATED));
      expect(used.length).toBe(before.length + 1);
    } finally {
      world.end();
    }
  });

  test("an unreadable state is told, and the detections begin anew", async () => {
    const world = new World(eventLines(40, chanceOf(1)));
    try {
      await world.live(Infinity);
      rmSync(join(world.folder, "detections-audit.0.zst"), { force: true });
      rmSync(join(world.folder, "detections-audit.1.zst"), { force: true });
      await world.live(Infinity);
      expect(world.alarms).toMatchObject([
        { kind: "state-refused", message: expect.stringContaining("begin anew") as string },
      ]);
    } finally {
      world.end();
    }
  });
});

function engineOf(text: string): DetectionEngine {
  const { detections, problems } = loadDetections(text, "restart.yml");
  expect(problems).toEqual([]);
  return new DetectionEngine(detections);
}

/** A log, a state folder and a sink that knows ids again. */
class World {
  readonly folder: string = mkdtempSync(join(tmpdir(), "detection-restart-"));
  readonly alarms: { readonly kind: string; readonly message: string }[] = [];
  #bytes: Buffer;
  readonly #stored = new Map<string, Delivery>();

  constructor(lines: readonly string[]) {
    this.#bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
  }

  append(lines: readonly string[]): void {
    this.#bytes = Buffer.concat([this.#bytes, ...lines.map((line) => Buffer.from(`${line}\n`))]);
  }

  /** One life: after so many operations on its files the process is as good as dead. */
  async live(operations: number): Promise<void> {
    const stop = new AbortController();
    const files = mortal(operations, () => stop.abort());
    const checkpoint = await openCheckpoint(join(this.folder, "checkpoint.json"), files);
    const saved = checkpoint.get("pipeline/audit");
    const { detections, watched } = isJsonObject(saved) ? saved : {};
    const bytes = this.#bytes;
    let isRead = false;
    const pipeline = new Pipeline({
      source: {
        name: "audit",
        get hasCaughtUp() {
          return isRead;
        },
        async *open(signal) {
          const from = Number(checkpoint.get("source") ?? 0);
          for (let at = from; at < bytes.length && !signal.aborted; at += 700) {
            yield { input: "audit.log", offset: at, bytes: bytes.subarray(at, at + 700), isLast: false };
            await delay(1);
          }
          isRead = !signal.aborted;
          stop.abort();
        },
        ack: async (_, offset) => {
          checkpoint.put("source", offset);
          await checkpoint.save();
        },
        close: () => Promise.resolve(),
      },
      feeds: [
        {
          feed: "findings",
          sink: {
            name: "sink",
            write: async (batch) => {
              for (const delivery of batch) {
                const before = this.#stored.get(delivery.id);
                expect(before?.document.toString() ?? delivery.document.toString()).toBe(delivery.document.toString());
                expect(before === undefined || delivery.mayBeStored === true, "sent again unmarked").toBe(true);
                this.#stored.set(delivery.id, { ...delivery });
              }
              return batch.map(() => STORED);
            },
            close: () => Promise.resolve(),
          },
        },
      ],
      sideLogs: NO_SIDE_LOGS,
      receipts: true,
      state: checkpoint.section("pipeline/audit"),
      detectionState: await openDetectionState(this.folder, "audit", detections, files),
      watched: await openWatchMemory(this.folder, "audit", watched, { keepsAuditIds: true, files }),
      cluster: "test",
      idKey: ID_KEY,
      redactor: REDACTOR,
      detections: engine,
      limits: { maxBatchAgeMs: 1, maxBatchItems: 3, ackIntervalMs: 1, drainMs: operations === Infinity ? 20_000 : 5 },
      backoff: { firstMs: 1, mostMs: 1, random: () => 1, sleep: (ms, signal) => delay(ms, undefined, { signal }) },
      onAlarm: (alarm) => this.alarms.push(alarm),
    });
    await pipeline.run(stop.signal);
  }

  findings(): ReturnType<typeof findingsOf> {
    return [...this.#stored.values()]
      .flatMap(({ kind, document }) => (kind === "finding" ? [document.toString("utf8")] : []))
      .toSorted();
  }

  /** Events that are stored, and lines that receipts count. */
  accounted(): number {
    const count = ({ kind, document }: Delivery): number =>
      kind === "event"
        ? 1
        : kind === "receipt"
          ? (JSON.parse(document.toString("utf8")) as { readonly count: number }).count
          : 0;
    return [...this.#stored.values()].reduce((sum, delivery) => sum + count(delivery), 0);
  }

  end(): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** Files on which nothing works any more after so many operations. */
function mortal(operations: number, onDeath: () => void): StateFiles {
  let left = operations;
  const alive = (): void => {
    if (left-- <= 0) {
      onDeath();
      throw new Error("dead");
    }
  };
  return {
    readFile: nodeFiles.readFile,
    open: async (...args) => {
      alive();
      return nodeFiles.open(...args);
    },
    rename: async (...args) => {
      alive();
      return nodeFiles.rename(...args);
    },
  };
}
