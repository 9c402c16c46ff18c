import { findingJson, findingOfJson } from "@auditsieve/detect";
import type { Finding } from "@auditsieve/detect";
import { closeSync, fdatasyncSync, ftruncateSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chooseFindings } from "./choose-findings.ts";
import type { ChosenFindings } from "./choose-findings.ts";
import { FindingCounter } from "./finding-counts.ts";
import type { FindingCounts } from "./finding-counts.ts";

/** Findings in order of time, as often as they are asked for: the timeline. */
export interface FindingList extends Iterable<Finding> {
  readonly size: number;
  /** What may be looked at as a whole: all of them where they are few. */
  chosen(): ChosenFindings;
  /** How many there are of what. */
  counts(): FindingCounts;
  /** The same findings, each as its line of JSON with a newline. */
  lines(): Iterable<string>;
}

/** How a {@link FindingStore} holds what it is given. */
export interface FindingStoreOptions {
  /** Bytes of findings as JSON that are held in memory. Default 24 MiB. */
  readonly heldBytes?: number;
  /** File for what does not fit, which stays; without it one of the temporary files, which is gone with the process. */
  readonly file?: string;
  /** Findings of one time come in the order in which they were added; by default in that of their ids, which does not depend on it. */
  readonly isInOrderOfAdding?: boolean;
}

/** What {@link FindingStore.restore} goes on from; the file holds the rest. */
export interface FindingStoreSnapshot {
  readonly runs: readonly FindingRun[];
  readonly held: readonly HeldFinding[];
  readonly inRuns: number;
  readonly counts: FindingCounts;
}

/** A finding as its line: as objects a hundred thousand would take five times the memory. */
interface HeldFinding {
  readonly key: string;
  readonly line: string;
}

/** A stretch of the file that is in order of time. */
interface FindingRun {
  readonly from: number;
  readonly to: number;
  /** Key of its first finding. */
  readonly first: string;
}

const HELD_BYTES = 24 * 1024 * 1024;
const WRITE_BYTES = 1024 * 1024;
const READ_BYTES = 128 * 1024;
const NEWLINE = 10;
const TAB = 9;

/**
 * Holds findings and gives them in order of time. What does not fit into memory is put aside in sorted runs, redacted as it
 * is; a log on whose every line something is found needs no more memory than another.
 *
 * @example
 * const store = new FindingStore();
 * store.add(finding);
 * for (const each of store) console.log(each.summary);
 * store.close();
 */
export class FindingStore implements FindingList {
  readonly #maxHeld: number;
  readonly #path: string | undefined;
  readonly #isInOrderOfAdding: boolean;
  #held: HeldFinding[] = [];
  #heldBytes = 0;
  #isInOrder = true;
  #runs: FindingRun[] = [];
  #inRuns = 0;
  #file: number | undefined;
  #chosen: ChosenFindings | undefined;
  #counts = new FindingCounter();

  constructor(options: FindingStoreOptions = {}) {
    this.#maxHeld = options.heldBytes ?? HELD_BYTES;
    this.#path = options.file;
    this.#isInOrderOfAdding = options.isInOrderOfAdding ?? false;
  }

  get size(): number {
    return this.#inRuns + this.#held.length;
  }

  /** Throws an error of the system when the disk cannot take what memory cannot hold. */
  add(finding: Finding): void {
    this.#chosen = undefined;
    this.#counts.add(finding);
    const key = this.#isInOrderOfAdding ? `${finding.time} ${String(this.size).padStart(12, "0")}` : keyOf(finding);
    const held = { key, line: findingJson(finding) };
    this.#isInOrder &&= this.#held.length === 0 || (this.#held.at(-1) as HeldFinding).key <= held.key;
    this.#held.push(held);
    this.#heldBytes += held.line.length;
    if (this.#heldBytes > this.#maxHeld) {
      this.#putAside();
    }
  }

  *[Symbol.iterator](): Generator<Finding, void> {
    for (const { line } of this.#all()) {
      yield findingOfJson(line);
    }
  }

  *lines(): Generator<string, void> {
    for (const { line } of this.#all()) {
      yield `${line}\n`;
    }
  }

  counts(): FindingCounts {
    return this.#counts;
  }

  chosen(): ChosenFindings {
    return (this.#chosen ??= chooseFindings(() => this.#lines(), { isSmall: this.#runs.length === 0 }));
  }

  /** The file's part is on the disk when this returns. */
  snapshot(): FindingStoreSnapshot {
    if (this.#file !== undefined) {
      fdatasyncSync(this.#file);
    }
    return { runs: this.#runs, held: this.#held, inRuns: this.#inRuns, counts: this.#counts.snapshot() };
  }

  /** Goes on from a snapshot with the same file; what was written behind it is cut off. */
  restore({ runs, held, inRuns, counts }: FindingStoreSnapshot): void {
    this.close();
    this.#counts = new FindingCounter(counts);
    this.#runs = [...runs];
    this.#inRuns = inRuns;
    this.#isInOrder = false;
    this.#held = [...held];
    this.#heldBytes = held.reduce((sum, { line }) => sum + line.length, 0);
    if (runs.length > 0 && this.#path !== undefined) {
      this.#file = openSync(this.#path, "r+");
      ftruncateSync(this.#file, runs.at(-1)?.to ?? 0);
    }
  }

  /** Forgets everything; a file of its own is gone. */
  close(): void {
    if (this.#file !== undefined) {
      closeSync(this.#file);
      this.#file = undefined;
    }
    this.#runs = [];
    this.#inRuns = 0;
    this.#held = [];
    this.#heldBytes = 0;
    this.#isInOrder = true;
    this.#chosen = undefined;
    this.#counts = new FindingCounter();
  }

  *#lines(): Generator<string, void> {
    for (const { line } of this.#all()) {
      yield line;
    }
  }

  /** In order of time. */
  #all(): Iterable<HeldFinding> {
    const waiting: WaitingRun[] = this.#runs.map((run) => ({ first: run.first, open: () => this.#read(run) }));
    const held = this.#inOrder();
    const [first] = held;
    return merge(first === undefined ? waiting : [...waiting, { first: first.key, open: () => held.values() }]);
  }

  #inOrder(): readonly HeldFinding[] {
    if (!this.#isInOrder) {
      this.#held.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
      this.#isInOrder = true;
    }
    return this.#held;
  }

  #putAside(): void {
    const held = this.#inOrder();
    this.#file ??= this.#path === undefined ? openTemporary() : openSync(this.#path, "w+", OWNER_ONLY);
    const from = this.#runs.at(-1)?.to ?? 0;
    let to = from;
    let lines: string[] = [];
    let bytes = 0;
    const flush = (): void => {
      to += writeAll(this.#file as number, Buffer.from(lines.join("")), to);
      lines = [];
      bytes = 0;
    };
    for (const { key, line } of held) {
      // In JSON no tab stands as it is.
      lines.push(JSON.stringify(key), "\t", line, "\n");
      bytes += line.length;
      if (bytes >= WRITE_BYTES) {
        flush();
      }
    }
    flush();
    this.#runs.push({ from, to, first: (held[0] as HeldFinding).key });
    this.#inRuns += held.length;
    this.#held = [];
    this.#heldBytes = 0;
    this.#isInOrder = true;
  }

  *#read({ from, to }: FindingRun): Generator<HeldFinding, void> {
    let rest: Buffer = Buffer.alloc(0);
    for (let at = from; at < to;) {
      const chunk = Buffer.allocUnsafe(Math.min(READ_BYTES, to - at));
      const bytes = readSync(this.#file as number, chunk, 0, chunk.length, at);
      if (bytes === 0) {
        throw new Error("The file of findings has been cut off while it was read");
      }
      at += bytes;
      const text = rest.length === 0 ? chunk.subarray(0, bytes) : Buffer.concat([rest, chunk.subarray(0, bytes)]);
      let start = 0;
      for (let end = text.indexOf(NEWLINE); end !== -1; end = text.indexOf(NEWLINE, start)) {
        const tab = text.indexOf(TAB, start);
        yield {
          key: JSON.parse(text.toString("utf8", start, tab)) as string,
          line: text.toString("utf8", tab + 1, end),
        };
        start = end + 1;
      }
      rest = text.subarray(start);
    }
  }
}

/** Order of time; the id keeps equal times in one order. */
export function byTime(a: Finding, b: Finding): number {
  const [x, y] = [keyOf(a), keyOf(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Times all have the same form, so that the order of texts is the order of time. */
function keyOf({ time, id }: Finding): string {
  return `${time} ${id}`;
}

interface WaitingRun {
  readonly first: string;
  readonly open: () => Iterator<HeldFinding>;
}

/** Merges what is in order, each opened when its time has come. */
function* merge(parts: readonly WaitingRun[]): Generator<HeldFinding, void> {
  const waiting = parts.toSorted((a, b) => (a.first < b.first ? -1 : 1));
  let open: { held: HeldFinding; readonly rest: Iterator<HeldFinding> }[] = [];
  for (;;) {
    let next = open[0];
    for (const each of open) {
      next = next === undefined || each.held.key < next.held.key ? each : next;
    }
    const [soonest] = waiting;
    if (soonest !== undefined && (next === undefined || soonest.first <= next.held.key)) {
      waiting.shift();
      const rest = soonest.open();
      const first = rest.next();
      if (first.done !== true) {
        open.push({ held: first.value, rest });
      }
      continue;
    }
    if (next === undefined) {
      return;
    }
    yield next.held;
    const following = next.rest.next();
    if (following.done === true) {
      open = open.filter((each) => each !== next);
    } else {
      next.held = following.value;
    }
  }
}

const OWNER_ONLY = 0o600;

/** Has no name any more: it is gone with the process, however that ends. */
function openTemporary(): number {
  const folder = mkdtempSync(join(tmpdir(), "auditsieve-findings-"));
  try {
    return openSync(join(folder, "findings"), "wx+", OWNER_ONLY);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function writeAll(file: number, bytes: Buffer, position: number): number {
  for (let at = 0; at < bytes.length;) {
    at += writeSync(file, bytes, at, bytes.length - at, position + at);
  }
  return bytes.length;
}
