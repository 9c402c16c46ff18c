import type { ArchiveFormat } from "./log-format.ts";
import { beginsText, findPart, mayBeginWith, partAt, TEXT_HEAD_BYTES } from "./archive-magic.ts";
import { EVENT, isEventAt } from "./event-start.ts";

/** An engine that meets damaged bytes throws away the output of that one write: small writes keep that small. */
export const ENGINE_WRITE_BYTES: number = 16 * 1024;
/** Kept before the next slice: of a gzip member the length of what it holds. */
const BEHIND_BYTES = 4;

/** How {@link ArchiveInput} gives a slice. */
interface SliceOptions {
  readonly isPlain?: boolean;
  /** Bytes. */
  readonly most?: number;
}

/** The bytes of an archive, slice by slice, in which the beginning of a further part can be looked for. */
export class ArchiveInput {
  readonly #source: AsyncIterator<Buffer>;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Where the last slice begins in the chunk. */
  #last = 0;
  /** Bytes before the chunk. */
  #before = 0;
  #keptFrom = Infinity;
  #isEnded = false;

  /** `offset`: where the source begins. */
  constructor(source: AsyncIterator<Buffer>, offset = 0) {
    this.#source = source;
    this.#before = offset;
  }

  /** Where the next slice begins. */
  get offset(): number {
    return this.#before + this.#at;
  }

  /** Where the last slice begins. */
  get lastOffset(): number {
    return this.#before + this.#last;
  }

  /** The four bytes before the last slice as a number, little end first; undefined where there are fewer. */
  get wordBefore(): number | undefined {
    return this.#last < BEHIND_BYTES ? undefined : this.#chunk.readUInt32LE(this.#last - BEHIND_BYTES);
  }

  /** What may begin with the last slice, a part of an archive or a log that is not packed: a slice ends before the place where one may. */
  get beginning(): ArchiveFormat | "plain" | undefined {
    return partAt(this.#chunk, this.#last) ?? (isEventAt(this.#chunk, this.#last) ? "plain" : undefined);
  }

  /** The first bytes from the beginning of the last slice on. */
  get head(): Buffer {
    return this.#chunk.subarray(this.#last, this.#last + TEXT_HEAD_BYTES);
  }

  /** The next slice of something that is packed, or with `isPlain` is not; undefined at the end. Valid until the next one is asked for. */
  async next({ isPlain = false, most = ENGINE_WRITE_BYTES }: SliceOptions = {}): Promise<Buffer | undefined> {
    while (this.#chunk.length - this.#at < TEXT_HEAD_BYTES && !this.#isEnded) {
      if (!(await this.#read(this.#at))) {
        break;
      }
    }
    if (this.#at === this.#chunk.length) {
      return undefined;
    }
    this.#last = this.#at;
    const end = Math.min(this.#chunk.length, this.#last + most);
    this.#at = this.#findBeginning(this.#last + 1, isPlain ? end : this.#findEvent(this.#last + 1, end));
    return this.#chunk.subarray(this.#last, this.#at);
  }

  /** Whether a text begins there, at or behind where the next slice does. */
  async isText(offset: number): Promise<boolean> {
    while (this.#before + this.#chunk.length < offset + TEXT_HEAD_BYTES && (await this.#read(this.#at))) {
      // There may be more.
    }
    return offset >= this.#before && beginsText(this.#chunk.subarray(offset - this.#before));
  }

  /** {@link goBack} may be given this offset, of the last slice or before, from now on; `Infinity` for none. */
  keepFrom(offset: number): void {
    this.#keptFrom = offset;
  }

  /** Goes back to `offset`, or to what is kept or the beginning of the last slice if that is later. */
  goBack(offset: number): void {
    const least = Math.min(this.#last, Math.max(0, this.#keptFrom - this.#before));
    this.#at = Math.min(this.#at, Math.max(least, offset - this.#before));
    this.#last = Math.min(this.#last, this.#at);
  }

  /**
   * Goes on to where the next part of an archive may begin, at or behind `from`, and tells what; of a log of lines in UTF-8 too with `orLine`.
   * `isPadding`: nothing but NUL stands before it.
   */
  async seek(
    from: number,
    { orLine }: { readonly orLine: boolean },
  ): Promise<{ readonly found?: ArchiveFormat | "plain"; readonly isPadding: boolean }> {
    let isPadding = true;
    for (;;) {
      const begin = Math.max(this.#at, Math.min(this.#chunk.length, from - this.#before));
      const line = orLine ? this.#chunk.indexOf(LINE, begin) : -1;
      const last = line === -1 ? this.#chunk.length : line + 1;
      const end = this.#findBeginning(begin, last);
      isPadding &&= isNul(this.#chunk.subarray(this.#at, end));
      this.#at = end;
      this.#last = end;
      if (end < this.#chunk.length && (this.#isEnded || !mayBeginWith(this.#chunk, end))) {
        return { found: partAt(this.#chunk, end) ?? "plain", isPadding };
      }
      if (!(await this.#read(end)) && end === this.#chunk.length) {
        return { isPadding };
      }
    }
  }

  /** Where in `[from, end)` of the chunk a part may begin, as far as its bytes are there; `end` where none does. */
  #findBeginning(from: number, end: number): number {
    const at = findPart(this.#chunk, from, end, !this.#isEnded);
    return at === -1 ? end : at;
  }

  /** Where in `[from, end)` of the chunk a line of a log begins, as far as its bytes are there; `end` where none does. */
  #findEvent(from: number, end: number): number {
    const at = this.#chunk.subarray(0, end + EVENT.length - 1).indexOf(EVENT, from);
    // What stands at the end of the chunk may turn out to be one when more bytes are there.
    const least = this.#isEnded ? end : Math.max(from, this.#chunk.length - EVENT.length);
    return at === -1 ? Math.min(end, least) : at;
  }

  /** Reads a chunk behind what is still needed, from `from` on. */
  async #read(from: number): Promise<boolean> {
    const needed = Math.min(from - BEHIND_BYTES, this.#last - BEHIND_BYTES, this.#keptFrom - this.#before);
    const start = Math.max(0, needed);
    const kept = Buffer.from(this.#chunk.subarray(start));
    for (;;) {
      const next = await this.#source.next();
      if (next.done === true) {
        this.#isEnded = true;
        this.#move(start, kept);
        return false;
      }
      if (next.value.length > 0) {
        this.#move(start, Buffer.concat([kept, next.value]));
        return true;
      }
    }
  }

  #move(start: number, chunk: Buffer): void {
    this.#before += start;
    this.#chunk = chunk;
    this.#at -= start;
    this.#last = Math.max(0, this.#last - start);
  }
}

/** With it a line begins behind another one. */
const LINE = Buffer.from('\n{"kind":"Event","apiVersion":"audit.k8s.io/');

function isNul(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}
