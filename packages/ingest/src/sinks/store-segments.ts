import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Delivery } from "../sink.ts";
import { compressFile } from "./compress-file.ts";
import { NdjsonFile } from "../logs/ndjson-file.ts";
import { factsOf, KnownDocuments } from "./segment-facts.ts";
import type { SegmentFacts } from "./segment-facts.ts";
import { extendSpan, NO_TIME, parseSegmentName, segmentName } from "../logs/store-format.ts";
import type { IndexEntry, TimeSpan } from "../logs/store-format.ts";

export interface StoreSegmentsOptions {
  readonly folder: string;
  readonly kind: string;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  /** A segment was compressed; resolves when the index holds it durably. */
  readonly onClosed: (entry: IndexEntry) => Promise<void>;
  /** Whether the index holds a segment of this name. */
  readonly isIndexed: (segment: string) => boolean;
}

/** How many documents before a start are known again: more than can be unacknowledged with the default limits. */
const KNOWN_DOCUMENTS = 65_536;

/**
 * The segments of one kind: one that is written, the closed ones compressed. A crash leaves nothing that the next start does not
 * put right: a torn line is cut off, a segment that was not yet compressed is, one that was not yet in the index gets there.
 */
export class StoreSegments {
  readonly #options: StoreSegmentsOptions;
  #writing: Promise<unknown> = Promise.resolve();
  #file: NdjsonFile | undefined;
  #number = 0;
  #bytes = 0;
  #span: TimeSpan = NO_TIME;
  #begunAt = 0;
  #before: KnownDocuments | undefined;
  #written = 0;
  /** Ids of this run, in two generations. */
  #recent = new Set<string>();
  #older = new Set<string>();
  /** Full segments that are not compressed yet. */
  readonly #full: { readonly name: string; readonly span: TimeSpan }[] = [];
  #closing: Promise<void> = Promise.resolve();

  constructor(options: StoreSegmentsOptions) {
    this.#options = options;
  }

  /** Resolves when every delivery is on the disk, each id once. */
  write(batch: readonly Delivery[]): Promise<void> {
    // One at a time: an id must not count as stored while another write of it may still fail.
    const writing = this.#writing.then(() => this.#write(batch));
    this.#writing = writing.catch(() => undefined);
    return writing;
  }

  /** Closes the segment in hand when it is old enough, though nothing is written to it any more. */
  tick(): void {
    this.#writing = this.#writing.then(() => this.#rotateIfDue()).catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#file?.close();
    this.#file = undefined;
    await this.#closing;
  }

  async #write(batch: readonly Delivery[]): Promise<void> {
    const file = this.#file ?? (await this.#open());
    const fresh = new Map<string, Delivery>();
    for (const delivery of batch) {
      if (!fresh.has(delivery.id) && !this.#isKnown(delivery)) {
        fresh.set(delivery.id, delivery);
      }
    }
    await file.append([...fresh.values()].map(({ document }) => document));
    for (const { id, document, time } of fresh.values()) {
      this.#recent.add(id);
      this.#bytes += document.length + 1;
      this.#span = extendSpan(this.#span, time);
    }
    this.#forget(fresh.size);
    await this.#rotateIfDue();
  }

  #isKnown({ id, document }: Delivery): boolean {
    if (this.#recent.has(id) || this.#older.has(id)) {
      return true;
    }
    const isStored = this.#before?.take(document) === true;
    if (isStored) {
      this.#recent.add(id);
    }
    return isStored;
  }

  #forget(written: number): void {
    this.#written += written;
    if (this.#written > KNOWN_DOCUMENTS) {
      this.#before = undefined;
    }
    if (this.#recent.size > KNOWN_DOCUMENTS) {
      this.#older = this.#recent;
      this.#recent = new Set();
    }
  }

  async #rotateIfDue(): Promise<void> {
    const isOld = performance.now() - this.#begunAt >= this.#options.maxAgeMs;
    if (this.#file === undefined || this.#bytes === 0 || (this.#bytes < this.#options.maxBytes && !isOld)) {
      return;
    }
    this.#full.push({ name: segmentName(this.#options.kind, this.#number), span: this.#span });
    await this.#file.close();
    this.#begin(this.#number + 1);
    // The lines are safe in the plain file: compressing holds nobody up, and what fails is tried again with the next one.
    this.#closing = this.#closing.then(() => this.#compressFull()).catch(() => undefined);
  }

  async #compressFull(): Promise<void> {
    for (let next = this.#full[0]; next !== undefined; next = this.#full[0]) {
      await this.#compress(next.name, next.span);
      this.#full.shift();
    }
  }

  async #compress(name: string, span: TimeSpan): Promise<void> {
    const path = join(this.#options.folder, name);
    await this.#index(name, { ...(await compressFile(path)), span });
    await rm(path, { force: true });
  }

  async #index(name: string, { lines, bytes, sha256, span }: SegmentFacts): Promise<void> {
    const segment = `${name}.zst`;
    const { size: compressedBytes } = await stat(join(this.#options.folder, segment));
    const { from, to, isKnown } = span;
    const times = isKnown && from !== undefined && to !== undefined ? { from, to } : {};
    await this.#options.onClosed({
      segment,
      kind: this.#options.kind,
      lines,
      bytes,
      compressedBytes,
      sha256,
      ...times,
    });
  }

  async #open(): Promise<NdjsonFile> {
    const { folder, kind } = this.#options;
    const own = (await readdir(folder)).flatMap((name) => {
      const parsed = parseSegmentName(name);
      return parsed?.kind === kind ? [parsed] : [];
    });
    const closed = new Set(own.filter(({ isCompressed }) => isCompressed).map(({ number }) => number));
    const numbers = [...new Set(own.map(({ number }) => number))].sort((a, b) => a - b);
    const last = numbers.at(-1) ?? 0;
    const isLastOpen = numbers.length > 0 && !closed.has(last);
    for (const number of numbers) {
      if (number !== last || !isLastOpen) {
        await this.#putRight(segmentName(kind, number), closed.has(number));
      }
    }
    const before = new KnownDocuments();
    for (let known = 0, at = numbers.length - 1; at >= 0 && known < KNOWN_DOCUMENTS; at--) {
      const number = numbers[at] as number;
      const name = segmentName(kind, number);
      known += await before.read(join(folder, number === last && isLastOpen ? name : `${name}.zst`));
    }
    this.#before = before;
    const file = this.#begin(isLastOpen ? last : last + 1);
    if (isLastOpen) {
      const { bytes, span } = await factsOf(join(folder, segmentName(kind, last)));
      this.#bytes = bytes;
      this.#span = span;
    }
    return file;
  }

  /** Does what a crash left undone of closing a segment. */
  async #putRight(name: string, isCompressed: boolean): Promise<void> {
    const path = join(this.#options.folder, name);
    if (!isCompressed) {
      await this.#compress(name, (await factsOf(path)).span);
      return;
    }
    if (!this.#options.isIndexed(`${name}.zst`)) {
      await this.#index(name, await factsOf(`${path}.zst`));
    }
    await rm(path, { force: true });
  }

  #begin(number: number): NdjsonFile {
    const { folder, kind } = this.#options;
    this.#number = number;
    this.#bytes = 0;
    this.#span = NO_TIME;
    this.#begunAt = performance.now();
    this.#file = new NdjsonFile({ path: join(folder, segmentName(kind, number)) });
    return this.#file;
  }
}
