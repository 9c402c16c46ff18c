import { createHash, hash } from "node:crypto";
import { IngestError } from "../errors.ts";
import { openLog } from "../logs/log-file.ts";
import { extendSpan, NO_TIME, timeOfLine } from "../logs/store-format.ts";
import type { TimeSpan } from "../logs/store-format.ts";

/** What a segment holds, read from it. */
export interface SegmentFacts {
  readonly lines: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly span: TimeSpan;
}

const LINE = 10;

export async function factsOf(path: string): Promise<SegmentFacts> {
  const whole = createHash("sha256");
  let lines = 0;
  let bytes = 0;
  let span = NO_TIME;
  for await (const line of linesOf(path)) {
    whole.update(line).update("\n");
    lines++;
    bytes += line.length + 1;
    span = extendSpan(span, timeOfLine(line.toString("utf8")));
  }
  return { lines, bytes, sha256: whole.digest("hex"), span };
}

/** Documents that were stored before a start, so that what a source gives again is not stored again. */
export class KnownDocuments {
  readonly #counts = new Map<string, number>();

  /** Remembers the documents of a segment; gives how many. What is readable of a damaged one counts. */
  async read(path: string): Promise<number> {
    let count = 0;
    try {
      for await (const line of linesOf(path)) {
        const key = keyOf(line);
        this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
        count++;
      }
    } catch (error) {
      if (!(error instanceof IngestError)) {
        throw error;
      }
    }
    return count;
  }

  /** Whether the document is stored; each stored line answers for one delivery, so that a second one alike is stored. */
  take(document: Buffer): boolean {
    const key = keyOf(document);
    const count = this.#counts.get(key) ?? 0;
    if (count > 0) {
      this.#counts.set(key, count - 1);
    }
    return count > 0;
  }
}

function keyOf(document: Buffer): string {
  return hash("sha256", document, "base64url").slice(0, 22);
}

/** Whole lines without their newline; what a crash tore off at the end is none. */
export async function* linesOf(path: string): AsyncGenerator<Buffer, void> {
  let carry: Buffer = Buffer.alloc(0);
  for await (const chunk of openLog(path)) {
    const bytes = carry.length === 0 ? chunk : Buffer.concat([carry, chunk]);
    let start = 0;
    for (let end = bytes.indexOf(LINE); end !== -1; end = bytes.indexOf(LINE, start)) {
      yield bytes.subarray(start, end);
      start = end + 1;
    }
    carry = Buffer.from(bytes.subarray(start));
  }
}
