import { LineTail } from "../detections/reduced-event.ts";
import type { SealedLine } from "../sinks/quarantine.ts";

/** What is kept of a line over the limit while it passes. */
export interface LongLine {
  readonly tail: LineTail;
  /** Takes its raw bytes, where they are kept. */
  readonly sealed?: SealedLine;
}

/** Lines over the limit whose end has not come yet, by input. */
export class LongLines {
  readonly #sealLine: (() => SealedLine) | undefined;
  readonly #lines = new Map<string, LongLine>();

  constructor(sealLine: (() => SealedLine) | undefined) {
    this.#sealLine = sealLine;
  }

  push(input: string, bytes: Buffer, start: number, end: number): void {
    let long = this.#lines.get(input);
    if (long === undefined) {
      const sealed = this.#sealLine?.();
      long = { tail: new LineTail(), ...(sealed && { sealed }) };
      this.#lines.set(input, long);
    }
    long.tail.push(bytes, start, end);
    long.sealed?.push(bytes, start, end);
  }

  /** What was kept of the line of an input that has come to its end. */
  take(input: string): LongLine {
    const long = this.#lines.get(input) ?? { tail: new LineTail() };
    this.#lines.delete(input);
    return long;
  }
}
