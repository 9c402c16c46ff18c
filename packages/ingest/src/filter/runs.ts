/** Shorter runs of kept bytes are gathered, so that many small ones cost one write. */
const GATHER_BYTES = 64 * 1024;
/** More than is kept of a chunk: where it is full another one is made, and the collector sees to the old one. */
const GATHERED_BYTES = 1024 * 1024;

/** Gathers what is to be written: long runs as views of the input, short ones copied together. */
export class Runs {
  #runs: Buffer[] = [];
  #gathered = Buffer.allocUnsafeSlow(GATHERED_BYTES);
  #from = 0;
  #to = 0;
  #bytes: Buffer | undefined;
  #start = 0;
  #end = 0;

  clear(): void {
    this.#runs = [];
    this.#from = 0;
    this.#to = 0;
  }

  /** Adds bytes that stay valid until {@link take}; neighbours become one run. */
  add(bytes: Buffer, start: number, end: number): void {
    if (this.#bytes === bytes && this.#end === start) {
      this.#end = end;
      return;
    }
    this.#close();
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
  }

  /** Adds bytes that may change right afterwards. */
  copy(bytes: Uint8Array, start: number, end: number): void {
    this.#close();
    let at = start;
    while (at < end) {
      if (this.#to === this.#gathered.length) {
        this.#flush();
        // The old buffer's contents are still in `runs`.
        this.#gathered = Buffer.allocUnsafeSlow(this.#gathered.length);
        this.#from = 0;
        this.#to = 0;
      }
      const behind = Math.min(end, at + this.#gathered.length - this.#to);
      this.#gathered.set(bytes.subarray(at, behind), this.#to);
      this.#to += behind - at;
      at = behind;
    }
  }

  take(): readonly Buffer[] {
    const bytes = this.#bytes;
    if (bytes !== undefined && this.#to === this.#from) {
      // Nothing waits that it would be written with: mostly all that is kept of a chunk is one run.
      this.#bytes = undefined;
      this.#runs.push(bytes.subarray(this.#start, this.#end));
    } else {
      this.#close();
      this.#flush();
    }
    return this.#runs;
  }

  #close(): void {
    const bytes = this.#bytes;
    if (bytes === undefined) {
      return;
    }
    this.#bytes = undefined;
    if (this.#end - this.#start < GATHER_BYTES) {
      this.copy(bytes, this.#start, this.#end);
    } else {
      this.#flush();
      this.#runs.push(bytes.subarray(this.#start, this.#end));
    }
  }

  #flush(): void {
    if (this.#to > this.#from) {
      this.#runs.push(this.#gathered.subarray(this.#from, this.#to));
      this.#from = this.#to;
    }
  }
}
