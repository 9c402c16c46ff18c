import { isUtf16 } from "./log-format.ts";

const NEWLINE = 10;
const NOTHING = Buffer.alloc(0);
/** As much as a block of deflate holds, twice. */
const RECENT_BYTES = 128 * 1024;
/** Chunks: where an archive is damaged they are of one byte. */
const MOST_RECENT = 64;

/** How a text that comes in chunks, in UTF-8 or in UTF-16 with a byte order mark, is to be gone on with on a line of its own. */
export class LineEnds {
  #head: Buffer = NOTHING;
  #last: Buffer = NOTHING;
  /** What came last, as it came: it is only looked at where an archive is damaged. */
  #recent: Buffer[] = [];
  bytes = 0;

  /** What came last, of 128 KiB at least if so much has come. */
  get recent(): Buffer {
    return Buffer.concat(this.#recent);
  }

  add(chunk: Buffer): void {
    if (this.bytes < 2) {
      this.#head = Buffer.concat([this.#head, chunk.subarray(0, 2)]);
    }
    this.bytes += chunk.length;
    this.#keepRecent(chunk);
    this.#last = chunk.length > 1 ? Buffer.from(chunk.subarray(-2)) : Buffer.concat([this.#last.subarray(-1), chunk]);
  }

  /** What ends the line in hand; nothing where it has ended. It counts as added. */
  end(): Buffer {
    const end = this.#missing();
    if (end.length > 0) {
      this.add(end);
    }
    return end;
  }

  #keepRecent(chunk: Buffer): void {
    if (chunk.length >= RECENT_BYTES) {
      this.#recent = [chunk];
    } else if (this.#recent.push(chunk) > MOST_RECENT) {
      this.#recent = [this.recent.subarray(-RECENT_BYTES)];
    }
  }

  #missing(): Buffer {
    if (!isUtf16(this.#head)) {
      return this.#last.at(-1) === NEWLINE ? NOTHING : Buffer.of(NEWLINE);
    }
    const lineEnd = this.#head[0] === 0xff ? Buffer.of(NEWLINE, 0) : Buffer.of(0, NEWLINE);
    // Half a letter is made a whole one.
    return this.bytes % 2 === 1
      ? Buffer.concat([Buffer.of(0), lineEnd])
      : this.#last.equals(lineEnd)
        ? NOTHING
        : lineEnd;
  }
}
