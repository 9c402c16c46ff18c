import { readEventLines } from "@auditsieve/audit";
import { archiveSource, openCanonicalLog, Pipeline } from "@auditsieve/ingest";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { REDACTOR, sample } from "./replay-fixtures.suite.ts";
import { replayLogs } from "./replay-logs.ts";

/** Lines of the recorded attack, each once. */
const LINES: readonly string[] = [
  ...new Set(
    sample("attack.log.zst")
      .toString()
      .split("\n")
      .filter((line) => line !== "" && line.length < 8000),
  ),
];

/** A damaged log, and the events that stand on lines of their own in it. */
interface Damaged {
  readonly bytes: Buffer;
  readonly whole: readonly string[];
}

let state = 20_261_126;

function below(count: number): number {
  state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
  return Math.floor((state / 2_147_483_648) * count);
}

/** So many lines from a place at random, none of them twice. */
function some(count: number): readonly string[] {
  const first = below(LINES.length - count);
  return LINES.slice(first, first + count);
}

function textOf(lines: readonly string[], end = "\n"): Buffer {
  return Buffer.from(lines.map((line) => line + end).join(""));
}

function damaged(bytes: Buffer, lines: readonly string[]): Damaged {
  const standing = new Set(bytes.toString("latin1").split(/\r?\n/));
  return { bytes, whole: lines.filter((line) => standing.has(Buffer.from(line).toString("latin1"))) };
}

function eventList(lines: readonly string[]): string {
  return `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[${lines.join(",")}]}`;
}

const KINDS: readonly (readonly [string, () => Damaged])[] = [
  ["its front cut off", () => cutFront(some(30))],
  ["its end cut off", () => cutEnd(some(30))],
  ["lines that are torn, at their ends or fronts", () => tear(some(40))],
  ["NUL over it", () => overwrite(some(40))],
  [
    "NUL before lines",
    () => ({ bytes: Buffer.concat([textOf(some(3)), Buffer.alloc(below(9000)), textOf(some(9))]), whole: [] }),
  ],
  ["blocks of two writers in turn", () => interleave(some(40), some(40))],
  ["a block twice", () => double(some(40))],
  ["byte order marks and carriage returns in the middle", () => marks(some(10), some(10))],
  ["lists between lines, one of them torn", () => lists(some(30))],
];

function cutFront(lines: readonly string[]): Damaged {
  return damaged(textOf(lines).subarray(below(Buffer.byteLength(lines[0] ?? ""))), lines);
}

function cutEnd(lines: readonly string[]): Damaged {
  const bytes = textOf(lines);
  return damaged(bytes.subarray(0, below(bytes.length)), lines);
}

function tear(lines: readonly string[]): Damaged {
  const parts = lines.map((line) => {
    const at = below(line.length);
    return [line, line.slice(0, at), line.slice(at), line][below(4)] ?? line;
  });
  return damaged(textOf(parts), lines);
}

function overwrite(lines: readonly string[]): Damaged {
  const bytes = textOf(lines);
  const at = below(bytes.length);
  return damaged(bytes.fill(0, at, Math.min(bytes.length, at + 1 + below(4096))), lines);
}

function interleave(a: readonly string[], b: readonly string[]): Damaged {
  const [first, second] = [textOf(a), textOf(b)];
  const parts: Buffer[] = [];
  for (let at = 0; at < Math.max(first.length, second.length); at += 4096) {
    parts.push(first.subarray(at, at + 4096), second.subarray(at, at + 4096));
  }
  return damaged(Buffer.concat(parts), [...a, ...b]);
}

function double(lines: readonly string[]): Damaged {
  const bytes = textOf(lines);
  const at = below(bytes.length);
  return damaged(Buffer.concat([bytes.subarray(0, at + below(8000)), bytes.subarray(at)]), lines);
}

function marks(a: readonly string[], b: readonly string[]): Damaged {
  return damaged(Buffer.concat([textOf(a), Buffer.from("\ufeff\n"), textOf(b, "\r\n")]), [...a, ...b]);
}

function lists(lines: readonly string[]): Damaged {
  const [a, b, c, d] = [lines.slice(0, 5), lines.slice(5, 10), lines.slice(10, 15), lines.slice(15)];
  const torn = eventList(b);
  const bytes = textOf([...a, torn.slice(0, below(torn.length)), eventList(c), ...d]);
  return { bytes, whole: [...a, ...c, ...d] };
}

interface Read {
  /** Each event once, in the order of their texts. */
  readonly events: readonly string[];
  readonly undecidable: number;
}

/** As `filter`, `explain` and `simulate` read it. */
async function byLines(bytes: Buffer): Promise<Read> {
  const events = new Set<string>();
  let undecidable = 0;
  const add = (): void => {
    const { scan } = lines;
    events.add(scan.bytes.toString("utf8", scan.start, scan.end).trim());
  };
  const lines = readEventLines({
    event: add,
    salvaged: add,
    undecidable: () => void undecidable++,
    oversize: () => void undecidable++,
  });
  for await (const chunk of openCanonicalLog(Readable.from([bytes]))) {
    lines.write(chunk);
  }
  lines.end();
  return { events: [...events].sort(), undecidable };
}

async function byReplay(bytes: Buffer): Promise<Read> {
  let events = new Set<string>();
  const replay = await replayLogs({
    logs: [{ name: "damaged", open: () => openCanonicalLog(Readable.from([bytes])) }],
    detections: [],
    redactor: REDACTOR,
    visitors: [
      { begin: () => (events = new Set()), event: (event) => void events.add(event.line().toString().trim()) },
    ],
  });
  replay.close();
  return { events: [...events].sort(), undecidable: replay.summary.undecidable };
}

async function byPipeline(bytes: Buffer): Promise<Read> {
  const events = new Set<string>();
  const pipeline = new Pipeline({
    source: archiveSource({ logs: [{ name: "damaged", open: () => openCanonicalLog(Readable.from([bytes])) }] }),
    feeds: [],
    onEvent: (scan) => void events.add(scan.bytes.toString("utf8", scan.start, scan.end).trim()),
    sideLogs: {
      deadLetter: () => Promise.resolve(),
      quarantine: () => Promise.resolve(),
      close: () => Promise.resolve(),
    },
    cluster: "test",
    idKey: Buffer.alloc(32, 1),
    redactor: REDACTOR,
  });
  await pipeline.run(new AbortController().signal);
  return { events: [...events].sort(), undecidable: pipeline.tally().undecidable };
}

describe("a damaged log", () => {
  test.each(KINDS)(
    "a log with %s: every whole line is read, and filter, replay and the daemon read the same",
    async (_kind, make) => {
      let whole = 0;
      for (let i = 0; i < 20; i++) {
        const log = make();
        const { events, undecidable } = await byLines(log.bytes);
        expect(log.whole.filter((line) => !events.includes(line))).toEqual([]);
        whole += events.length;
        const packed = gzipSync(log.bytes, { level: 1 });
        expect(await byReplay(log.bytes)).toEqual({ events, undecidable });
        expect(await byReplay(packed)).toEqual({ events, undecidable });
        expect(await byPipeline(log.bytes)).toEqual({ events, undecidable });
      }
      expect(whole).toBeGreaterThan(150);
    },
    300_000,
  );
});
