import type { ArchiveFormat } from "./log-format.ts";
import { beginsText, findPart, mayBeginWith, partAt, TEXT_HEAD_BYTES } from "./archive-magic.ts";
import { findLog, isLogAt, TELLING_BYTES } from "./text-start.ts";

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
  #failure: { readonly error: unknown } | undefined;

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
    return partAt(this.#chunk, this.#last) ?? (isLogAt(this.#chunk, this.#last) ? "plain" : undefined);
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
      this.#throwFailure();
      return undefined;
    }
    this.#last = this.#at;
    const end = Math.min(this.#chunk.length, this.#last + most);
    this.#at = this.#findBeginning(this.#last + 1, isPlain ? end : this.#findLog(this.#last + 1, end));
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
   * Goes on to where the next part of an archive may begin, or a log that is not packed, at or behind `from`, and tells what.
   * `isPadding`: nothing but NUL stands before it.
   */
  async seek(from: number): Promise<{ readonly found?: ArchiveFormat | "plain"; readonly isPadding: boolean }> {
    let isPadding = true;
    for (;;) {
      const begin = Math.max(this.#at, Math.min(this.#chunk.length, from - this.#before));
      const found = this.#findNext(begin);
      // What stands at the end of the chunk may turn out to be one when more bytes are there.
      const open = this.#isEnded ? 0 : TELLING_BYTES;
      const end = found === -1 ? Math.max(begin, this.#chunk.length - open) : found;
      isPadding &&= isNul(this.#chunk.subarray(this.#at, end));
      this.#at = end;
      this.#last = end;
      if (found !== -1 && (this.#isEnded || !mayBeginWith(this.#chunk, end))) {
        return { found: partAt(this.#chunk, end) ?? "plain", isPadding };
      }
      if (!(await this.#read(end)) && end === this.#chunk.length) {
        this.#throwFailure();
        return { isPadding };
      }
    }
  }

  /** Where in `[from, end)` of the chunk a part may begin, as far as its bytes are there; `end` where none does. */
  #findBeginning(from: number, end: number): number {
    const at = findPart(this.#chunk, from, end, !this.#isEnded);
    return at === -1 ? end : at;
  }

  /** Where in `[from, end)` of the chunk a log begins that is not packed, as far as its bytes are there; `end` where none does. */
  #findLog(from: number, end: number): number {
    const at = findLog(this.#chunk, from, end);
    // What stands at the end of the chunk may turn out to be one when more bytes are there.
    const least = this.#isEnded ? end : Math.max(from, this.#chunk.length - TELLING_BYTES);
    return at === -1 ? Math.min(end, least) : at;
  }

  /**
   * Where in the chunk from `from` on a part may begin, or a log, or in the midst of one a line: behind what is damaged letters may stand that
   * are not packed in truth. -1 where nothing does.
   */
  #findNext(from: number): number {
    const { length } = this.#chunk;
    const line = this.#chunk.indexOf(LINE, from);
    const log = findLog(this.#chunk, from, line === -1 ? length : line + 1);
    const text = log === -1 && line !== -1 ? line + 1 : log;
    const part = findPart(this.#chunk, from, text === -1 ? length : text, !this.#isEnded);
    return part === -1 ? text : part;
  }

  /** Reads a chunk behind what is still needed, from `from` on. */
  async #read(from: number): Promise<boolean> {
    const needed = Math.min(from - BEHIND_BYTES, this.#last - BEHIND_BYTES, this.#keptFrom - this.#before);
    const start = Math.max(0, needed);
    const kept = Buffer.from(this.#chunk.subarray(start));
    for (;;) {
      const next = await this.#source.next().catch((error: unknown) => this.#fail(error));
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

  /** What has been read before is given first: it ends there, as an input that ends well does. */
  #fail(error: unknown): { readonly done: true } {
    this.#failure = { error };
    return { done: true };
  }

  /** At the end, once. */
  #throwFailure(): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) {
      throw failure.error;
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
