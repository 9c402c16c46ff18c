import { findingOfJson, findingPieces } from "@auditsieve/detect";
import type { Finding } from "@auditsieve/detect";
import { closeSync, fdatasyncSync, ftruncateSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chooseFindings } from "./choose-findings.ts";
import type { ChosenFindings } from "./choose-findings.ts";
import { FindingCounter } from "./finding-counts.ts";
import type { FindingCounts } from "./finding-counts.ts";
import { gathered, HeldLines, textOf } from "./held-lines.ts";
import type { HeldLine } from "./held-lines.ts";

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
  readonly held: readonly { readonly key: string; readonly line: string }[];
  readonly inRuns: number;
  readonly counts: FindingCounts;
}

/** A finding as its line: as objects a hundred thousand would take five times the memory. */
interface HeldFinding {
  readonly key: string;
  readonly line: HeldLine;
}

/** A stretch of the file that is in order of time. */
interface FindingRun {
  readonly from: number;
  readonly to: number;
  /** Key of its first finding. */
  readonly first: string;
}

const HELD_BYTES = 24 * 1024 * 1024;
const READ_BYTES = 128 * 1024;
const NEWLINE = 10;
const TAB = 9;

/**
 * Holds findings and gives them in order of time. What does not fit into memory is put aside in sorted runs, redacted as it
 * is; a log on whose every line something is found needs no more memory than another. While they are given none may be added.
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
  readonly #lines: HeldLines;
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
    this.#lines = new HeldLines(this.#maxHeld);
  }

  get size(): number {
    return this.#inRuns + this.#held.length;
  }

  /** Throws an error of the system when the disk cannot take what memory cannot hold. */
  add(finding: Finding): void {
    this.#chosen = undefined;
    this.#counts.add(finding);
    const key = this.#isInOrderOfAdding ? `${finding.time} ${String(this.size).padStart(12, "0")}` : keyOf(finding);
    this.#isInOrder &&= this.#held.length === 0 || (this.#held.at(-1) as HeldFinding).key <= key;
    this.#hold(key, findingPieces(finding));
    if (this.#lines.bytes > this.#maxHeld) {
      this.#putAside();
    }
  }

  *[Symbol.iterator](): Generator<Finding, void> {
    for (const { line } of this.#all()) {
      yield findingOfJson(textOf(line));
    }
  }

  *lines(): Generator<string, void> {
    for (const { line } of this.#all()) {
      yield `${textOf(line)}\n`;
    }
  }

  /** The same in UTF-8, many lines at once: each piece holds until the next one is asked for. */
  bytes(): Iterable<Uint8Array> {
    return gathered(this.#heldLines());
  }

  counts(): FindingCounts {
    return this.#counts;
  }

  chosen(): ChosenFindings {
    return (this.#chosen ??= chooseFindings(() => this.#texts(), { isSmall: this.#runs.length === 0 }));
  }

  /** The file's part is on the disk when this returns. */
  snapshot(): FindingStoreSnapshot {
    if (this.#file !== undefined) {
      fdatasyncSync(this.#file);
    }
    const held = this.#held.map(({ key, line }) => ({ key, line: textOf(line) }));
    return { runs: this.#runs, held, inRuns: this.#inRuns, counts: this.#counts.snapshot() };
  }

  /** Goes on from a snapshot with the same file; what was written behind it is cut off. */
  restore({ runs, held, inRuns, counts }: FindingStoreSnapshot): void {
    this.close();
    this.#counts = new FindingCounter(counts);
    this.#runs = [...runs];
    this.#inRuns = inRuns;
    this.#isInOrder = false;
    held.forEach(({ key, line }) => this.#hold(key, [line]));
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
    this.#letGo();
    this.#chosen = undefined;
    this.#counts = new FindingCounter();
  }

  #hold(key: string, pieces: readonly string[]): void {
    this.#held.push({ key, line: this.#lines.add(pieces) });
  }

  #letGo(): void {
    this.#held = [];
    this.#lines.clear();
    this.#isInOrder = true;
  }

  *#heldLines(): Generator<HeldLine, void> {
    for (const { line } of this.#all()) {
      yield line;
    }
  }

  *#texts(): Generator<string, void> {
    for (const { line } of this.#all()) {
      yield textOf(line);
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
    for (const piece of gathered(withKeys(held))) {
      to += writeAll(this.#file, piece, to);
    }
    this.#runs.push({ from, to, first: (held[0] as HeldFinding).key });
    this.#inRuns += held.length;
    this.#letGo();
  }

  /** Each holds until the next one is asked for. */
  *#read({ from, to }: FindingRun): Generator<HeldFinding, void> {
    // One for the whole run: V8 gives such memory back late.
    let page: Buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    let start = 0;
    let filled = 0;
    for (let at = from; at < to;) {
      page = withRoom(page, start, filled);
      filled -= start;
      start = 0;
      const bytes = readSync(this.#file as number, page, filled, Math.min(page.length - filled, to - at), at);
      if (bytes === 0) {
        throw new Error("The file of findings has been cut off while it was read");
      }
      at += bytes;
      filled += bytes;
      for (let end = newlineIn(page, start, filled); end !== -1; end = newlineIn(page, start, filled)) {
        const tab = page.indexOf(TAB, start);
        const key = JSON.parse(page.toString("utf8", start, tab)) as string;
        yield { key, line: { page, from: tab + 1, end: end + 1 } };
        start = end + 1;
      }
    }
  }
}

/** What is left of a page from `start` to `end` at the beginning of one that has room for more. */
function withRoom(page: Buffer, start: number, end: number): Buffer {
  const roomy = start > 0 || end < page.length ? page : Buffer.allocUnsafeSlow(2 * page.length);
  page.copy(roomy, 0, start, end);
  return roomy;
}

/** -1 where there is none before `end`. */
function newlineIn(page: Buffer, start: number, end: number): number {
  const at = page.indexOf(NEWLINE, start);
  return at < end ? at : -1;
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

/** Each line of a run behind its key: in JSON no tab stands as it is. */
function* withKeys(held: readonly HeldFinding[]): Generator<HeldLine, void> {
  for (const { key, line } of held) {
    const page = Buffer.from(`${JSON.stringify(key)}\t`);
    yield { page, from: 0, end: page.length };
    yield line;
  }
}

function writeAll(file: number, bytes: Uint8Array, position: number): number {
  for (let at = 0; at < bytes.length;) {
    at += writeSync(file, bytes, at, bytes.length - at, position + at);
  }
  return bytes.length;
}
