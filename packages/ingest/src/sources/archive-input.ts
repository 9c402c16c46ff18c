import type { ArchiveFormat } from "./log-format.ts";

/** An engine that meets damaged bytes throws away the output of that one write: small writes keep that small. */
const ENGINE_WRITE_BYTES = 16 * 1024;
const MAGIC: Readonly<Record<ArchiveFormat, Buffer>> = {
  gzip: Buffer.from([0x1f, 0x8b, 0x08]),
  zstd: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
};

/** The bytes of an archive, slice by slice, in which the beginning of a further part can be looked for. */
export class ArchiveInput {
  readonly #source: AsyncIterator<Buffer>;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Where the last slice begins in the chunk. */
  #last = 0;
  /** Bytes before the chunk. */
  #before = 0;

  constructor(source: AsyncIterator<Buffer>) {
    this.#source = source;
  }

  /** Where the next slice begins. */
  get offset(): number {
    return this.#before + this.#at;
  }

  /** The next slice; undefined at the end. Valid until the next one is asked for. */
  async next(): Promise<Buffer | undefined> {
    if (this.#at === this.#chunk.length && !(await this.#read(Buffer.alloc(0)))) {
      return undefined;
    }
    this.#last = this.#at;
    this.#at = Math.min(this.#chunk.length, this.#at + ENGINE_WRITE_BYTES);
    return this.#chunk.subarray(this.#last, this.#at);
  }

  /** Goes back to `offset`, or to the beginning of the last slice if that is later. */
  goBack(offset: number): void {
    this.#at = Math.min(this.#at, Math.max(this.#last, offset - this.#before));
  }

  /**
   * Goes on to where the next part of the archive may begin, at or behind `from`; `isFound`: there is one. `isPadding`: nothing but NUL
   * stands before it.
   */
  async seek(format: ArchiveFormat, from: number): Promise<{ readonly isFound: boolean; readonly isPadding: boolean }> {
    const magic = MAGIC[format];
    let isPadding = true;
    for (;;) {
      const begin = Math.max(this.#at, Math.min(this.#chunk.length, from - this.#before));
      const found = this.#chunk.indexOf(magic, begin);
      // It may begin in this chunk and end in the next one.
      const end = found === -1 ? Math.max(begin, this.#chunk.length - magic.length + 1) : found;
      isPadding &&= isNul(this.#chunk.subarray(this.#at, end));
      this.#at = end;
      this.#last = end;
      if (found !== -1) {
        return { isFound: true, isPadding };
      }
      const tail = Buffer.from(this.#chunk.subarray(end));
      if (!(await this.#read(tail))) {
        return { isFound: false, isPadding: isPadding && isNul(tail) };
      }
    }
  }

  /** Reads a chunk behind `tail`, the end of the last one. */
  async #read(tail: Buffer): Promise<boolean> {
    const next = await this.#source.next();
    if (next.done === true) {
      return false;
    }
    this.#before += this.#chunk.length - tail.length;
    this.#chunk = tail.length === 0 ? next.value : Buffer.concat([tail, next.value]);
    this.#at = 0;
    this.#last = 0;
    return this.#chunk.length > tail.length || this.#read(tail);
  }
}

function isNul(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}
