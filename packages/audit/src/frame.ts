import type * as Crypto from "node:crypto";
import type { Hash } from "node:crypto";
import { createRequire } from "node:module";

const NEWLINE = 10;
const DEFAULT_MAX_LINE_BYTES = 16 * 1024 * 1024;
const HEAD_BYTES = 64 * 1024;

/** A line longer than the limit: its first bytes, and what identifies the rest. */
export interface OversizeLine {
  /** Where the line starts in the input. */
  readonly offset: number;
  /** Length of the line in bytes, without its newline. */
  readonly bytes: number;
  /** SHA-256 over the whole line, hex. */
  readonly sha256: string;
  /** The first 64 KiB of the line: enough for every field that stands before the bodies. */
  readonly head: Buffer;
  /** False for a rest at the end of the input. */
  readonly terminated: boolean;
}

/** What a {@link LineFramer} calls, in input order. */
export interface LineVisitor {
  /**
   * One line: `bytes[start, end)`, and at `end` a newline, though for a rest at the end of the input (`terminated` is false) it
   * was not in the input. `offset` is where the line starts in the input. Valid during the call only.
   */
  line(bytes: Buffer, start: number, end: number, offset: number, terminated: boolean): void;
  /** Whole lines at once, `bytes[start, end)`, each with its newline; without it they come one by one. Valid during the call only. */
  lines?(bytes: Buffer, start: number, end: number, offset: number): void;
  /** A line over the limit, once its end is known. */
  oversize(line: OversizeLine): void;
  /** The bytes of an oversize line (with its newline), as they pass; for those who copy the input. */
  oversizePart?(bytes: Buffer, start: number, end: number): void;
}

/**
 * Cuts a stream of bytes into lines. Bounded: it holds at most one line up to `maxLineBytes` (default 16 MiB); a longer
 * one costs its head and a hash, never the lines after it.
 *
 * @example
 * const lines: string[] = [];
 * const framer = new LineFramer({ line: (b, s, e) => lines.push(b.toString("utf8", s, e)), oversize: () => {} });
 * framer.write(Buffer.from("a\nb"));
 * framer.write(Buffer.from("c\n"));
 * framer.end();
 * assert.deepEqual(lines, ["a", "bc"]);
 */
export class LineFramer {
  readonly #visitor: LineVisitor;
  readonly #maxLineBytes: number;
  /** Start of a line whose newline has not come yet. */
  #carry: Buffer = Buffer.alloc(0);
  #carryLength = 0;
  #lineOffset = 0;
  #long: { readonly hash: Hash; readonly head: Buffer; bytes: number } | undefined;

  constructor(visitor: LineVisitor, options: { readonly maxLineBytes?: number } = {}) {
    this.#visitor = visitor;
    this.#maxLineBytes = options.maxLineBytes ?? DEFAULT_MAX_LINE_BYTES;
  }

  /** Input offset at which the line in hand starts: everything before it has been given to the visitor. */
  get offset(): number {
    return this.#lineOffset;
  }

  /** Takes the next bytes of the input. Lines that they complete are given to the visitor before this returns. */
  write(chunk: Buffer): void {
    let start = 0;
    let newline = chunk.indexOf(NEWLINE);
    if (this.#carryLength > 0 || this.#long !== undefined) {
      const stop = newline === -1 ? chunk.length : newline;
      this.#extend(chunk, stop, newline !== -1);
      if (newline === -1) {
        return;
      }
      start = newline + 1;
      newline = chunk.indexOf(NEWLINE, start);
    }
    const visitor = this.#visitor;
    if (visitor.lines !== undefined && newline !== -1 && chunk.length <= this.#maxLineBytes) {
      const behind = chunk.lastIndexOf(NEWLINE) + 1;
      const offset = this.#lineOffset;
      this.#lineOffset = offset + behind - start;
      visitor.lines(chunk, start, behind, offset);
      start = behind;
      newline = -1;
    }
    while (newline !== -1) {
      if (newline - start > this.#maxLineBytes) {
        this.#begin(chunk, start, newline);
        this.#finish(chunk, newline, newline + 1, true);
      } else {
        const offset = this.#lineOffset;
        this.#lineOffset = offset + newline - start + 1;
        visitor.line(chunk, start, newline, offset, true);
      }
      start = newline + 1;
      newline = chunk.indexOf(NEWLINE, start);
    }
    if (start < chunk.length) {
      this.#keep(chunk, start, chunk.length);
    }
  }

  /** The input has ended: an unterminated rest is a line of its own. */
  end(): void {
    if (this.#long !== undefined) {
      this.#finish(this.#carry, 0, 0, false);
    } else if (this.#carryLength > 0) {
      this.#closeCarry(false);
    }
  }

  /** Forgets the line in hand; the next byte written is the one at `offset` of a new input. */
  reset(offset: number): void {
    this.#carryLength = 0;
    this.#long = undefined;
    this.#lineOffset = offset;
  }

  /** Adds `chunk[0, stop)` to the line in hand and closes it when its newline was found. */
  #extend(chunk: Buffer, stop: number, closed: boolean): void {
    if (this.#long === undefined && this.#carryLength + stop <= this.#maxLineBytes) {
      this.#keep(chunk, 0, stop);
      if (closed) {
        this.#closeCarry(true);
      }
      return;
    }
    if (this.#long === undefined) {
      const carried = this.#carryLength;
      this.#carryLength = 0;
      this.#begin(this.#carry, 0, carried);
    }
    this.#lengthen(chunk, 0, stop);
    if (closed) {
      this.#finish(chunk, stop, stop + 1, true);
    }
  }

  #closeCarry(terminated: boolean): void {
    const length = this.#carryLength;
    const offset = this.#lineOffset;
    this.#carry[length] = NEWLINE;
    this.#carryLength = 0;
    this.#lineOffset = offset + length + (terminated ? 1 : 0);
    if (terminated && this.#visitor.lines !== undefined) {
      this.#visitor.lines(this.#carry, 0, length + 1, offset);
    } else {
      this.#visitor.line(this.#carry, 0, length, offset, terminated);
    }
  }

  #keep(chunk: Buffer, start: number, end: number): void {
    const length = this.#carryLength + end - start;
    if (length > this.#maxLineBytes) {
      this.#begin(this.#carry, 0, this.#carryLength);
      this.#carryLength = 0;
      this.#lengthen(chunk, start, end);
      return;
    }
    if (length >= this.#carry.length) {
      // One byte more than the line: for its newline.
      const room = Math.min(this.#maxLineBytes, Math.max(length, 2 * this.#carry.length, 65_536)) + 1;
      const grown = Buffer.allocUnsafeSlow(room);
      this.#carry.copy(grown, 0, 0, this.#carryLength);
      this.#carry = grown;
    }
    chunk.copy(this.#carry, this.#carryLength, start, end);
    this.#carryLength = length;
  }

  #begin(bytes: Buffer, start: number, end: number): void {
    // Loaded for the first long line only: it takes longer than all else that a short log needs.
    const { createHash } = createRequire(import.meta.url)("node:crypto") as typeof Crypto;
    this.#long = { hash: createHash("sha256"), head: Buffer.alloc(HEAD_BYTES), bytes: 0 };
    this.#lengthen(bytes, start, end);
  }

  #lengthen(bytes: Buffer, start: number, end: number): void {
    const long = this.#long;
    if (long === undefined || start === end) {
      return;
    }
    long.hash.update(bytes.subarray(start, end));
    if (long.bytes < HEAD_BYTES) {
      bytes.copy(long.head, long.bytes, start, end);
    }
    long.bytes += end - start;
    this.#visitor.oversizePart?.(bytes, start, end);
  }

  #finish(bytes: Buffer, start: number, end: number, terminated: boolean): void {
    const long = this.#long;
    if (long === undefined) {
      return;
    }
    this.#long = undefined;
    if (end > start) {
      this.#visitor.oversizePart?.(bytes, start, end);
    }
    const offset = this.#lineOffset;
    this.#lineOffset = offset + long.bytes + (terminated ? 1 : 0);
    this.#visitor.oversize({
      offset,
      bytes: long.bytes,
      sha256: long.hash.digest("hex"),
      head: long.head.subarray(0, Math.min(HEAD_BYTES, long.bytes)),
      terminated,
    });
  }
}
