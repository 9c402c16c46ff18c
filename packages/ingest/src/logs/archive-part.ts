import type { Transform } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import type { ArchiveFormat } from "./log-format.ts";

const OUTPUT_BYTES = 512 * 1024;

/** What one engine makes of an archive: as far as it comes. */
export class ArchivePart {
  readonly #engine: Transform & { readonly bytesWritten: number };
  readonly #wakers = new Set<() => void>();
  #fed = 0;
  #inputFailure: unknown;
  #isEnding = false;
  /** Decompressed bytes that it has given, with those that come next: all of the slices before the one that is asked for. */
  bytes = 0;

  constructor(format: ArchiveFormat) {
    // Any output counts as a full buffer, so the engine waits until it is taken: a destroyed stream forgets its buffer.
    const options = { chunkSize: OUTPUT_BYTES, readableHighWaterMark: 1 };
    this.#engine = format === "gzip" ? createGunzip(options) : createZstdDecompress(options);
    // What it is stands in `errored`; without a listener it would end the process.
    this.#engine.on("error", () => undefined);
    for (const event of ["readable", "end", "close"]) {
      this.#engine.on(event, () => this.#wake());
    }
  }

  /** Why it came no further. */
  get failure(): unknown {
    return this.#inputFailure ?? this.#engine.errored ?? undefined;
  }

  /** Whether the engine met bytes that it could not go on with. */
  get hasBroken(): boolean {
    return this.#engine.errored !== null && !this.#isEnding;
  }

  /** Compressed bytes that the engine has used. */
  get bytesRead(): number {
    return this.#engine.bytesWritten;
  }

  /**
   * The decompressed bytes of all slices, or of as many as make a part. A slice is asked for when all output of the one before has been
   * taken out of the engine; what comes of one slice and what comes of another are never in one chunk.
   */
  async *chunks(next: () => Promise<Buffer | undefined>): AsyncGenerator<Buffer, void> {
    let ready: Buffer | undefined;
    try {
      while (!this.#engine.destroyed && this.#engine.bytesWritten >= this.#fed) {
        const slice = await this.#ask(next);
        const write = this.#write(slice);
        // The engine works on the next slice meanwhile.
        if (ready !== undefined) {
          yield ready;
          ready = undefined;
        }
        for (;;) {
          const chunk = this.#engine.read() as Buffer | null;
          if (chunk !== null) {
            if (ready !== undefined) {
              yield ready;
            }
            this.bytes += chunk.length;
            ready = chunk;
          } else if (write.isDone || this.#engine.destroyed) {
            break;
          } else {
            await this.#wakening();
          }
        }
        if (slice === undefined) {
          break;
        }
      }
      if (ready !== undefined) {
        yield ready;
      }
    } finally {
      this.#engine.destroy();
    }
  }

  /** A failed input ends the engine: what it has made of the bytes before is read. */
  async #ask(next: () => Promise<Buffer | undefined>): Promise<Buffer | undefined> {
    try {
      return await next();
    } catch (error) {
      this.#inputFailure = error;
      return undefined;
    }
  }

  /** Writes a slice, or the end. */
  #write(slice: Buffer | undefined): { isDone: boolean } {
    const write = { isDone: false };
    if (slice === undefined) {
      this.#engine.once("end", () => (write.isDone = true));
      this.#isEnding = true;
      this.#engine.end();
    } else {
      this.#fed += slice.length;
      this.#engine.write(slice, () => {
        write.isDone = true;
        this.#wake();
      });
    }
    return write;
  }

  #wakening(): Promise<void> {
    return new Promise((resolve) => this.#wakers.add(resolve));
  }

  #wake(): void {
    this.#wakers.forEach((wake) => wake());
    this.#wakers.clear();
  }
}
