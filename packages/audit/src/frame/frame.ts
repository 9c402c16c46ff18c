import { holdsLines } from "../recognise.ts";
import { DocumentJoint } from "./document-joint.ts";
import { behindNul, HEAD_BYTES, LongLine } from "./long-line.ts";
import type { OversizeLine } from "./long-line.ts";

const NEWLINE = 10;
const DEFAULT_MAX_LINE_BYTES = 16 * 1024 * 1024;
const MOST_SPARE_BYTES = 64 * 1024 * 1024;

/** Takes a document that is too long to be held, as its bytes come: a {@link LongDocument}. */
export interface LongDocumentReader {
  /** Takes bytes until the document has ended; gives where what is no part of it begins. */
  write(chunk: Buffer, from: number): number;
  /** The input has ended. */
  end(): void;
  readonly isDone: boolean;
  /** Bytes taken so far. */
  readonly bytes: number;
}

/** What a {@link LineFramer} calls, in input order. */
export interface LineVisitor {
  /**
   * One line: `bytes[start, end)`, and at `end` a newline, though for a rest at the end of the input (`terminated` is false) it
   * was not in the input. `offset` is where the line starts in the input. Valid during the call only. True says, where `mayBegin` is, that
   * it was not taken: a document begins with it that goes on behind it, and is to be tried to be had as a whole.
   */
  line(
    bytes: Buffer,
    start: number,
    end: number,
    offset: number,
    terminated: boolean,
    mayBegin: boolean,
  ): boolean | void;
  /**
   * Whole lines at once, `bytes[start, end)`, each with its newline; without it they come one by one. Valid during the call only. Gives the
   * beginning of a line with which a document begins, as above, if the lines from there on were not taken.
   */
  lines?(bytes: Buffer, start: number, end: number, offset: number): number | void;
  /**
   * Lines that are one JSON document, `bytes[start, end)`, with the line breaks in it. False says that it was not taken: then they come one
   * by one. Without it no document is gathered. Valid during the call only.
   */
  document?(bytes: Buffer, start: number, end: number, offset: number, terminated: boolean): boolean;
  /**
   * A document begins at `offset` that is longer than a line may be, on one line or over some: gives who takes it. Without it, or where that
   * is undefined, it is an oversize line, or lines.
   */
  longDocument?(offset: number): LongDocumentReader | undefined;
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
 * const framer = new LineFramer({ line: (b, s, e) => void lines.push(b.toString("utf8", s, e)), oversize: () => {} });
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
  /** Lines that may be a document. */
  #joint: DocumentJoint | undefined;
  /** Takes what comes. */
  #document: LongDocumentReader | undefined;
  /** Bytes that may be read again to look for documents: about as many as were read, so that no input makes it slow. */
  #spareBytes = MOST_SPARE_BYTES;
  /** Whether lines come one by one that are none. */
  #isAlone = false;
  #long: LongLine | undefined;

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
    this.#spareBytes = Math.min(MOST_SPARE_BYTES, this.#spareBytes + chunk.length);
    this.#write(chunk);
  }

  #write(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      at =
        this.#document !== undefined
          ? this.#unpack(this.#document, chunk, at)
          : this.#joint === undefined
            ? this.#frame(chunk, at)
            : this.#join(this.#joint, chunk, at);
    }
  }

  /** Whether a document is in hand, or what may be one: it may go on with the next line. */
  get isInDocument(): boolean {
    return this.#document !== undefined || this.#joint !== undefined;
  }

  /** Bytes of a line, or of what may be a document, whose end has not come. */
  get heldBytes(): number {
    return this.#joint?.bytes.length ?? this.#carryLength;
  }

  #unpack(document: LongDocumentReader, chunk: Buffer, from: number): number {
    const behind = document.write(chunk, from);
    if (document.isDone) {
      this.#document = undefined;
      this.#lineOffset += document.bytes;
    }
    return behind;
  }

  /** Whether the line that begins with `head` (and is too long), or what follows on what is carried, is taken as a document. */
  #opensDocument(chunk: Buffer, start: number, stop: number): boolean {
    if (this.#visitor.longDocument === undefined || this.#long !== undefined) {
      return false;
    }
    const carried = this.#carry.subarray(0, this.#carryLength);
    const head =
      carried.length >= HEAD_BYTES
        ? carried
        : Buffer.concat([carried, chunk.subarray(start, Math.min(stop, start + this.#maxLineBytes))]);
    this.#document = holdsLines(head) ? this.#visitor.longDocument(this.#lineOffset) : undefined;
    if (this.#document === undefined) {
      return false;
    }
    this.#carryLength = 0;
    this.#unpack(this.#document, carried, 0);
    return true;
  }

  /** Gives where a document begins, or goes on. */
  #frame(chunk: Buffer, from: number): number {
    if (this.#long?.isNul === true) {
      const behind = behindNul(chunk, from, chunk.length);
      if (behind < chunk.length && chunk[behind] !== NEWLINE) {
        this.#lengthen(chunk, from, behind);
        this.#finish(chunk, behind, behind, false);
        return this.#frame(chunk, behind);
      }
    }
    let start = from;
    if (this.#carryLength > 0 || this.#long !== undefined) {
      const newline = chunk.indexOf(NEWLINE, start);
      const stop = newline === -1 ? chunk.length : newline;
      if (this.#carryLength + stop - start > this.#maxLineBytes && this.#opensDocument(chunk, start, stop)) {
        return start;
      }
      this.#extend(chunk, start, stop, newline !== -1);
      if (newline === -1) {
        return chunk.length;
      }
      start = newline + 1;
      if (this.#joint !== undefined) {
        return start;
      }
    }
    const visitor = this.#visitor;
    if (visitor.lines !== undefined && !this.#isAlone && chunk.length <= this.#maxLineBytes) {
      const behind = behindLines(chunk);
      if (behind > start) {
        const offset = this.#lineOffset;
        this.#lineOffset = offset + behind - start;
        const stop = visitor.lines(chunk, start, behind, offset);
        if (typeof stop === "number" && stop < behind) {
          this.#beginJoint(offset + stop - start);
          return stop;
        }
        start = behind;
      }
    }
    let newline = start < chunk.length ? chunk.indexOf(NEWLINE, start) : -1;
    while (newline !== -1) {
      if (newline - start > this.#maxLineBytes) {
        if (this.#opensDocument(chunk, start, newline)) {
          return start;
        }
        this.#begin(chunk, start, newline);
        this.#finish(chunk, newline, newline + 1, true);
      } else {
        const offset = this.#lineOffset;
        this.#lineOffset = offset + newline - start + 1;
        if (visitor.line(chunk, start, newline, offset, true, this.#mayBegin) === true) {
          this.#beginJoint(offset);
          return start;
        }
      }
      start = newline + 1;
      newline = chunk.indexOf(NEWLINE, start);
    }
    if (chunk.length - start > this.#maxLineBytes && this.#opensDocument(chunk, start, chunk.length)) {
      return start;
    }
    if (start < chunk.length) {
      this.#keep(chunk, start, chunk.length);
    }
    return chunk.length;
  }

  get #mayBegin(): boolean {
    return !this.#isAlone && this.#visitor.document !== undefined;
  }

  #beginJoint(offset: number): DocumentJoint {
    this.#lineOffset = offset;
    this.#joint = new DocumentJoint(offset, this.#maxLineBytes);
    return this.#joint;
  }

  #join(joint: DocumentJoint, chunk: Buffer, from: number): number {
    const behind = joint.write(chunk, from);
    if (joint.state !== "open") {
      this.#endJoint(joint, true);
    }
    return behind;
  }

  /** What was gathered is taken as a document, or else line by line. */
  #endJoint(joint: DocumentJoint, terminated: boolean): void {
    this.#joint = undefined;
    const { bytes } = joint;
    const end = terminated ? bytes.length - 1 : bytes.length;
    if (joint.state === "long" && this.#visitor.longDocument !== undefined) {
      this.#document = this.#visitor.longDocument(joint.offset);
      if (this.#document !== undefined) {
        this.#lineOffset = joint.offset;
        this.#write(bytes);
        return;
      }
    }
    if (joint.state === "whole" && this.#visitor.document?.(bytes, 0, end, joint.offset, terminated) === true) {
      this.#lineOffset = joint.offset + bytes.length;
      return;
    }
    const behind = bytes.indexOf(NEWLINE) + 1;
    this.#spareBytes -= bytes.length;
    // The first line is none with which a document begins; of those behind it, that is to be found out.
    this.#isAlone = true;
    this.#frame(bytes.subarray(0, this.#spareBytes < 0 ? bytes.length : behind), 0);
    this.#isAlone = false;
    if (this.#spareBytes >= 0) {
      this.#write(bytes.subarray(behind));
    }
  }

  /** The input has ended: an unterminated rest is a line of its own. */
  end(): void {
    while (this.#joint !== undefined) {
      this.#joint.end();
      this.#endJoint(this.#joint, false);
    }
    if (this.#document !== undefined) {
      this.#document.end();
      this.#lineOffset += this.#document.bytes;
      this.#document = undefined;
    }
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
    this.#joint = undefined;
    this.#document = undefined;
    this.#lineOffset = offset;
  }

  /** Adds `chunk[from, stop)` to the line in hand and closes it when its newline was found. */
  #extend(chunk: Buffer, from: number, stop: number, closed: boolean): void {
    if (this.#long === undefined && this.#carryLength + stop - from <= this.#maxLineBytes) {
      this.#keep(chunk, from, stop);
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
    this.#lengthen(chunk, from, stop);
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
    const isBegun =
      terminated && this.#visitor.lines !== undefined && !this.#isAlone
        ? typeof this.#visitor.lines(this.#carry, 0, length + 1, offset) === "number"
        : this.#visitor.line(this.#carry, 0, length, offset, terminated, terminated && this.#mayBegin) === true;
    if (isBegun) {
      this.#join(this.#beginJoint(offset), this.#carry.subarray(0, length + 1), 0);
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
    this.#long = new LongLine();
    this.#lengthen(bytes, start, end);
  }

  #lengthen(bytes: Buffer, start: number, end: number): void {
    const long = this.#long;
    if (long === undefined || start === end) {
      return;
    }
    long.add(bytes, start, end);
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
    const line = long.end(this.#lineOffset, terminated);
    this.#lineOffset += line.bytes + (terminated ? 1 : 0);
    this.#visitor.oversize(line);
  }
}

/** Where the last whole line of these bytes ends, 0 where none does. Mostly they end with one. */
function behindLines(chunk: Buffer): number {
  return chunk[chunk.length - 1] === NEWLINE ? chunk.length : chunk.lastIndexOf(NEWLINE) + 1;
}
