/** The last bytes that were read of something that cannot be read twice: as much as is kept of it can. */
export class KeptBytes {
  /** Bytes that are kept. */
  readonly most: number;
  /** Where the first chunk begins. */
  #offset: number;
  #length = 0;
  readonly #chunks: Buffer[] = [];

  /** Keeps `most` bytes, and those of one chunk, of what begins at `offset`. */
  constructor(most: number, offset = 0) {
    this.most = most;
    this.#offset = offset;
  }

  /** What comes through is kept. */
  async *keep(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
    for await (const chunk of bytes) {
      this.#chunks.push(Buffer.from(chunk));
      this.#length += chunk.length;
      this.forgetBefore(this.#offset + this.#length - this.most);
      yield chunk;
    }
  }

  /** What stands before `offset` will not be asked for. */
  forgetBefore(offset: number): void {
    for (
      let [first] = this.#chunks;
      first !== undefined && this.#offset + first.length <= offset;
      [first] = this.#chunks
    ) {
      this.#chunks.shift();
      this.#offset += first.length;
      this.#length -= first.length;
    }
  }

  /** What has come from `offset` on; nothing where not all of it is kept. */
  async *from(offset: number): AsyncGenerator<Buffer, void> {
    let skip = offset - this.#offset;
    for (const chunk of skip < 0 ? [] : [...this.#chunks]) {
      if (skip < chunk.length) {
        yield chunk.subarray(skip);
      }
      skip = Math.max(0, skip - chunk.length);
    }
  }
}
