import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { expect } from "vitest";
import { Child } from "./chaos-child.suite.ts";
import type { NoiseReceipt } from "../receipts/receipt-book.ts";
import { MockElasticsearch } from "../sinks/mock-elasticsearch.suite.ts";
import type { Behaviour } from "../sinks/mock-elasticsearch.suite.ts";

/** What a sink may do; mostly it works. */
export const FAULTS: readonly Behaviour[] = [
  "ok",
  "ok",
  "ok",
  "slow",
  "reset-after-accept",
  "http-503",
  "http-429",
  { everyThird: 503 },
  "invalid-answer",
  "cut-answer",
];

/**
 * Kills a daemon with SIGKILL at random moments while its log is written, rotated and compressed and its sink misbehaves;
 * then lets it finish. Every line must be there once, byte for byte.
 */
export async function killRepeatedly(kills: number): Promise<{ readonly lines: number; readonly conflicts: number }> {
  const folder = mkdtempSync(join(tmpdir(), "daemon-chaos-"));
  const mock = await MockElasticsearch.start();
  mock.slowMs = 10;
  mock.behave = () => FAULTS[Math.floor(Math.random() * FAULTS.length)] ?? "ok";
  const world = new LogWriter(folder);
  let child: Child | undefined;
  try {
    world.append(50);
    child = await Child.start({ node: mock.url, folder });
    // The first look decides what counts as new: a file rotated away before it is not the daemon's business.
    await world.until(() => mock.documents.size > 0 && existsSync(join(folder, "state", "checkpoint.json")));
    for (let kill = 0; kill < kills; kill++) {
      if (Math.random() < 0.3) {
        mock.rollover();
      }
      const running = world.live(20 + Math.random() * 120);
      await sleep(Math.random() * 120);
      await child.end("SIGKILL");
      await running;
      world.append(20);
      child = await Child.start({ node: mock.url, folder });
    }
    mock.behave = () => "ok";
    world.finish();
    await world.untilArrived(() => eventsOf(mock));
    expect(await child.end("SIGTERM")).toBe(0);
    expect(mock.duplicates).toBe(0);
    expect(eventsOf(mock).toSorted()).toEqual(world.kept.toSorted());
    const dropped = world.lines.size - world.kept.length;
    expect(receiptsOf(mock).reduce((sum, { count }) => sum + count, 0)).toBe(dropped);
    expect(countersOf(join(folder, "state"))).toMatchObject({
      lines: world.lines.size,
      "elasticsearch/lines": world.lines.size,
      "elasticsearch/delivered": world.kept.length,
      "elasticsearch/dropped/0": dropped,
    });
    expect(existsSync(join(folder, "state", "dead-letter.ndjson"))).toBe(false);
    return { lines: world.lines.size, conflicts: mock.conflicts };
  } finally {
    await child?.end("SIGKILL");
    await mock.stop();
    rmSync(folder, { recursive: true });
  }
}

/** The stored events, each as its line. */
export function eventsOf(mock: MockElasticsearch): readonly string[] {
  return originalsOf(mock, "event");
}

/** The stored receipts. */
export function receiptsOf(mock: MockElasticsearch): readonly NoiseReceipt[] {
  return originalsOf(mock, "metric").map((text) => JSON.parse(text) as NoiseReceipt);
}

function originalsOf(mock: MockElasticsearch, kind: string): readonly string[] {
  return [...mock.documents.values()]
    .map(({ event }) => event as { readonly kind: string; readonly original: string })
    .flatMap((event) => (event.kind === kind ? [event.original] : []));
}

/** The counters in the checkpoint. */
export function countersOf(stateFolder: string): Readonly<Record<string, number>> {
  const { sections } = JSON.parse(readFileSync(join(stateFolder, "checkpoint.json"), "utf8")) as {
    sections: Record<string, { readonly counters?: Record<string, number> }>;
  };
  return sections["pipeline/audit"]?.counters ?? {};
}

/** Writes an audit log the way the apiserver does. */
export class LogWriter {
  readonly lines = new Set<string>();
  readonly kept: string[] = [];
  readonly #log: string;
  readonly #folder: string;
  #rotations = 0;
  #copies = 0;

  /** The file that the daemon follows. */
  get path(): string {
    return this.#log;
  }

  constructor(folder: string) {
    this.#folder = folder;
    this.#log = join(folder, "audit.log");
  }

  append(count: number): void {
    let text = "";
    for (let i = 0; i < count; i++) {
      text += this.#line(Math.random() < 0.3);
    }
    // Cut at a random place: the daemon sees half lines too.
    const cut = Math.floor(Math.random() * text.length);
    appendFileSync(this.#log, text.slice(0, cut));
    appendFileSync(this.#log, text.slice(cut));
  }

  /** The last line, which is no noise: who has stored it has read everything before. */
  finish(): void {
    appendFileSync(this.#log, this.#line(false));
  }

  #line(isNoise: boolean): string {
    const line = JSON.stringify({
      kind: "Event",
      apiVersion: "audit.k8s.io/v1",
      level: "Metadata",
      auditID: `id-${this.lines.size}`,
      stage: "ResponseComplete",
      requestURI: "/api/v1/pods",
      verb: "list",
      user: { username: isNoise ? "noise" : "jane" },
      objectRef: { resource: "pods" },
      // A minute passes every 200 lines.
      stageTimestamp: new Date(Date.UTC(2026, 10, 24) + 300 * this.lines.size).toISOString(),
    });
    this.lines.add(line);
    if (!isNoise) {
      this.kept.push(line);
    }
    return `${line}\n`;
  }

  async live(ms: number): Promise<void> {
    for (const end = performance.now() + ms; performance.now() < end;) {
      this.append(1 + Math.floor(Math.random() * 20));
      if (Math.random() < 0.15) {
        this.rotate();
      }
      await sleep(3);
    }
  }

  async until(isDone: () => boolean): Promise<void> {
    const end = performance.now() + 180_000;
    for (let looked = performance.now(); !isDone(); looked = performance.now()) {
      if (performance.now() > end) {
        expect.fail("the daemon did not get everything to the sink in three minutes");
      }
      // A look at very much must not keep the sink, which lives in this process, from working.
      await sleep(Math.max(5, 5 * (performance.now() - looked)));
    }
  }

  /** Waits until everything that is no noise has arrived, as long as something more does. */
  async untilArrived(arrived: () => Iterable<string>): Promise<void> {
    let [most, since] = [-1, performance.now()];
    for (;;) {
      const looked = performance.now();
      const known = new Set(arrived());
      const missing = this.kept.filter((line) => !known.has(line));
      if (missing.length === 0) {
        return;
      }
      [most, since] = known.size > most ? [known.size, performance.now()] : [most, since];
      if (performance.now() - since > 180_000) {
        expect.fail(
          `${missing.length} of ${this.kept.length} lines are missing, and nothing has come for three minutes; the first and the last: ${missing[0]} ${missing.at(-1)}`,
        );
      }
      await sleep(Math.max(20, 5 * (performance.now() - looked)));
    }
  }

  /**
   * Copies the log and cuts it in place, as logrotate's copytruncate does. Nothing is written between copy and cut: that would be
   * lost by the rotator itself. `isStored` says whether a line has arrived: a file is known by what was read of it, so a line
   * of it comes before the cut and one of the next before another can follow; what stands unread is in the copy. That stays:
   * stored is not acknowledged yet, and a daemon that is killed before it has acknowledged must read the copy again.
   */
  async copyTruncate(isStored: (line: string) => boolean): Promise<void> {
    const mark = async (): Promise<void> => {
      const line = this.#line(false);
      appendFileSync(this.#log, line);
      await this.until(() => isStored(line.trimEnd()));
    };
    await mark();
    this.append(30);
    const copy = `${this.#log}.${++this.#copies}`;
    copyFileSync(this.#log, copy);
    truncateSync(this.#log, 0);
    if (Math.random() < 0.5) {
      writeFileSync(`${copy}.gz`, gzipSync(readFileSync(copy)));
      unlinkSync(copy);
    }
    await mark();
  }

  /** Renames the log away, begins a new one with a line, and perhaps packs the old one. `day`: what the clock says. */
  rotate(day = "2026-11-24"): void {
    // A rotator writes three digits of a second, never more: a name with four is none that a daemon knows.
    const time = new Date(this.#rotations++).toISOString().slice(11, 23).replaceAll(":", "-");
    const name = join(this.#folder, `audit-${day}T${time}.log`);
    renameSync(this.#log, name);
    this.append(1);
    if (Math.random() < 0.5) {
      writeFileSync(`${name}.gz`, gzipSync(readFileSync(name)));
      unlinkSync(name);
    }
  }
}
