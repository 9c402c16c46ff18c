import { open, readdir, rm } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { isJsonObject } from "@auditsieve/audit";
import type { JsonValue } from "@auditsieve/audit";
import { fileError } from "../errors.ts";
import { NdjsonFile, repair } from "../logs/ndjson-file.ts";
import type { SourceChunk } from "../source.ts";
import { makeFolder } from "../state/make-folder.ts";

export interface SpoolOptions {
  readonly folder: string;
  /** Most bytes in it; what does not fit is refused. */
  readonly maxBytes: number;
  readonly chunkBytes?: number;
  /** Lines that are released are gone from the disk after this time at the latest. Default 10 min. */
  readonly maxAgeMs?: number;
}

/** A place in a spool: `offset` bytes of the segment `number`. */
export interface SpoolPosition {
  readonly number: number;
  readonly offset: number;
}

interface Segment {
  readonly number: number;
  readonly path: string;
  /** Undefined for one that an earlier process wrote. */
  readonly file: NdjsonFile | undefined;
  /** Synced bytes, all of whole lines. */
  bytes: number;
  /** Bytes on their way. */
  pending: number;
  isFull: boolean;
  timer?: NodeJS.Timeout;
}

const SEGMENT = /^(\d{8,12})\.ndjson$/;
/** A part of the spool that is given back at once. */
const SEGMENTS = 16;
const LEAST_SEGMENT_BYTES = 64 * 1024;
const MAX_AGE_MS = 10 * 60_000;

/**
 * A bounded queue of lines on the disk: what was appended is there after a crash, what was released is gone. Kept in
 * segments; a segment is removed once all of it is released and no more is appended to it.
 */
export class Spool {
  readonly #options: SpoolOptions;
  readonly #segments: Segment[];
  readonly #segmentBytes: number;
  #next: number;
  #released: SpoolPosition | undefined;
  /** One after the other: each removes the segments that it finds first. */
  #releasing: Promise<void> = Promise.resolve();
  #hasCaughtUp = false;
  #wake: (() => void) | undefined;

  private constructor(options: SpoolOptions, segments: Segment[], next: number) {
    this.#options = options;
    this.#segments = segments;
    this.#segmentBytes = Math.max(LEAST_SEGMENT_BYTES, Math.floor(options.maxBytes / SEGMENTS));
    this.#next = next;
  }

  /** Opens the spool; a torn line is cut off, its sender was never told that it is safe. `acked` is the released position. */
  static async open(options: SpoolOptions, acked: SpoolPosition | undefined): Promise<Spool> {
    const { folder } = options;
    try {
      await makeFolder(folder);
      const found = await spoolSegments(folder);
      const numbers = found.map(({ number }) => number);
      const segments: Segment[] = [];
      for (const { number, path } of found) {
        const handle = await open(path, "r+");
        try {
          const bytes = await repair(handle);
          segments.push({ number, path, file: undefined, bytes, pending: 0, isFull: true });
        } finally {
          await handle.close();
        }
      }
      const spool = new Spool(options, segments, Math.max(0, acked?.number ?? 0, ...numbers) + 1);
      await spool.release(acked);
      return spool;
    } catch (error) {
      throw fileError("open spool", folder, error);
    }
  }

  /** Bytes in it, and on their way into it. */
  get bytes(): number {
    return this.#segments.reduce((sum, { bytes, pending }) => sum + bytes + pending, 0);
  }

  hasRoom(bytes: number): boolean {
    return this.bytes + bytes <= this.#options.maxBytes;
  }

  /** Resolves when the lines (without the last newline) are synced; rejects when they are not in the spool. */
  async append(lines: Buffer): Promise<void> {
    const size = lines.length + 1;
    let segment = this.#segments.at(-1);
    if (segment?.file === undefined || segment.isFull || segment.bytes + segment.pending >= this.#segmentBytes) {
      if (segment !== undefined) {
        this.#fill(segment);
      }
      segment = this.#begin();
    }
    segment.pending += size;
    try {
      await segment.file?.append([lines]);
      segment.bytes += size;
    } finally {
      segment.pending -= size;
      this.#fill(undefined);
    }
  }

  /** Whether a reader has waited for more. */
  get hasCaughtUp(): boolean {
    return this.#hasCaughtUp;
  }

  /** The lines from `from` on, and what is appended, until `signal` aborts. */
  async *read(from: SpoolPosition | undefined, signal: AbortSignal): AsyncGenerator<SourceChunk, void> {
    const buffer = Buffer.allocUnsafeSlow(this.#options.chunkBytes ?? 512 * 1024);
    const wake = (): void => this.#wake?.();
    signal.addEventListener("abort", wake);
    let number = from?.number ?? 0;
    let offset = from?.offset ?? 0;
    let handle: FileHandle | undefined;
    try {
      while (!signal.aborted) {
        const segment = this.#segments.find((one) => one.number >= number);
        if (segment === undefined) {
          this.#hasCaughtUp = true;
          await this.#change(signal);
          continue;
        }
        if (segment.number !== number) {
          if (handle !== undefined) {
            // All of it was released before its end could be told.
            yield { input: inputOf(number), offset, bytes: Buffer.alloc(0), isLast: true };
            await handle.close();
            handle = undefined;
          }
          number = segment.number;
          offset = 0;
        }
        const input = inputOf(segment.number);
        const length = Math.min(buffer.length, segment.bytes - offset);
        if (length > 0) {
          handle ??= await open(segment.path, "r");
          const { bytesRead } = await handle.read(buffer, 0, length, offset);
          yield { input, offset, bytes: buffer.subarray(0, bytesRead), isLast: false };
          offset += bytesRead;
        } else if (segment.isFull && segment.pending === 0) {
          yield { input, offset, bytes: Buffer.alloc(0), isLast: true };
          await handle?.close();
          handle = undefined;
          number = segment.number + 1;
          offset = 0;
        } else {
          this.#hasCaughtUp ||= segment === this.#segments.at(-1);
          await this.#change(signal);
        }
      }
    } finally {
      signal.removeEventListener("abort", wake);
      await handle?.close();
    }
  }

  /** Everything before this position may go. */
  release(position: SpoolPosition | undefined): Promise<void> {
    this.#released = position ?? this.#released;
    const removed = this.#releasing.catch(() => undefined).then(() => this.#remove(position));
    this.#releasing = removed;
    return removed;
  }

  async #remove(position: SpoolPosition | undefined): Promise<void> {
    if (position === undefined) {
      return;
    }
    const isDone = ({ number, bytes, pending, isFull }: Segment): boolean =>
      number < position.number || (number === position.number && isFull && pending === 0 && bytes <= position.offset);
    for (let first = this.#segments[0]; first !== undefined && isDone(first); first = this.#segments[0]) {
      clearTimeout(first.timer);
      await first.file?.close();
      await rm(first.path, { force: true });
      this.#segments.shift();
    }
  }

  async close(): Promise<void> {
    this.#segments.forEach(({ timer }) => clearTimeout(timer));
    await Promise.all(this.#segments.map(({ file }) => file?.close() ?? Promise.resolve()));
  }

  #begin(): Segment {
    const number = this.#next++;
    const path = pathOf(this.#options.folder, number);
    const segment: Segment = { number, path, file: new NdjsonFile({ path }), bytes: 0, pending: 0, isFull: false };
    segment.timer = setTimeout(() => {
      this.#fill(segment);
      // What cannot be removed now is with the next position, or at the next start.
      this.release(this.#released).catch(() => undefined);
    }, this.#options.maxAgeMs ?? MAX_AGE_MS).unref();
    this.#segments.push(segment);
    return segment;
  }

  #fill(segment: Segment | undefined): void {
    if (segment !== undefined) {
      segment.isFull = true;
    }
    this.#wake?.();
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (signal.aborted) {
        resolve();
      }
    });
  }
}

/** The segments that lie in the folder of a spool, oldest first. */
export async function spoolSegments(
  folder: string,
): Promise<readonly { readonly number: number; readonly path: string }[]> {
  const numbers = (await readdir(folder)).flatMap((name) => SEGMENT.exec(name)?.[1] ?? []).map(Number);
  return numbers.sort((a, b) => a - b).map((number) => ({ number, path: pathOf(folder, number) }));
}

function pathOf(folder: string, number: number): string {
  return join(folder, `${String(number).padStart(8, "0")}.ndjson`);
}

/** What a segment is called as an input. */
export function inputOf(number: number): string {
  return `spool@${number}`;
}

export function numberOf(input: string): number {
  return Number(input.slice(input.lastIndexOf("@") + 1));
}

/** Up to where a spool is released, as the section of a checkpoint says. */
export function decodeSpoolPosition(section: JsonValue | undefined): SpoolPosition | undefined {
  if (!isJsonObject(section)) {
    return undefined;
  }
  const { number, offset } = section;
  return typeof number === "number" && typeof offset === "number" ? { number, offset } : undefined;
}
