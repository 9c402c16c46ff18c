import type { Transform } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { IngestError, reasonOf } from "../errors.ts";
import { ArchiveInput } from "./archive-input.ts";
import type { ArchiveFormat } from "./log-format.ts";
import { ZstdFrames } from "./zstd-frames.ts";

const LINE_END = Buffer.from("\n");
const OUTPUT_BYTES = 512 * 1024;
/** Parts that turn out to be none, one after the other: what looks like the beginning of one hardly ever is none by chance. */
const MOST_FRUITLESS = 100;

/**
 * The decompressed bytes of an archive: all members of a gzip one, all frames of a zstd one. Where it is damaged, reading goes on with the
 * next one that begins behind; NUL between members is padding. Throws at the end what was wrong first.
 */
export async function* decompress(
  compressed: AsyncGenerator<Buffer, void>,
  format: ArchiveFormat,
  name: string,
): AsyncGenerator<Buffer, void> {
  const input = new ArchiveInput(compressed);
  let failure: unknown;
  let bytes = 0;
  for (let fruitless = 0; fruitless < MOST_FRUITLESS;) {
    const start = input.offset;
    const part = new ArchivePart(input, format, name);
    const before = bytes;
    for await (const chunk of part.chunks()) {
      bytes += chunk.length;
      yield chunk;
    }
    fruitless = bytes > before ? 0 : fruitless + 1;
    const behind = start + part.bytesRead;
    if (part.failure !== undefined) {
      failure ??= archiveError(format, name, bytes, part.failure);
    }
    input.goBack(behind);
    const { isFound, isPadding } = await input.seek(format, Math.max(behind, start + 1));
    if (!isPadding) {
      failure ??= damaged(name, `no ${format} member begins at compressed offset ${behind}`);
    }
    if (!isFound) {
      break;
    }
    if (part.failure !== undefined && bytes > before) {
      // A torn line must not cost the first one behind the damage.
      bytes++;
      yield LINE_END;
    }
  }
  if (failure !== undefined) {
    throw failure;
  }
}

/** What one engine makes of an archive: as far as it comes. */
class ArchivePart {
  readonly #input: ArchiveInput;
  readonly #format: ArchiveFormat;
  readonly #name: string;
  readonly #engine: Transform & { readonly bytesWritten: number };
  /** Why it came no further. */
  failure: unknown;

  constructor(input: ArchiveInput, format: ArchiveFormat, name: string) {
    this.#input = input;
    this.#format = format;
    this.#name = name;
    // Any output counts as a full buffer, so the engine waits until it is taken: a destroyed stream forgets its buffer.
    const options = { chunkSize: OUTPUT_BYTES, readableHighWaterMark: 1 };
    this.#engine = format === "gzip" ? createGunzip(options) : createZstdDecompress(options);
  }

  /** Compressed bytes that the engine has used. */
  get bytesRead(): number {
    return this.#engine.bytesWritten;
  }

  async *chunks(): AsyncGenerator<Buffer, void> {
    const feeding = this.#feed();
    let failure: unknown;
    try {
      for await (const chunk of this.#engine) {
        yield chunk as Buffer;
      }
    } catch (error) {
      failure = error;
    } finally {
      this.#engine.destroy();
    }
    this.failure = (await feeding) ?? failure;
  }

  /** Gives back what failed, if anything did; a failed input ends the engine first, so that its output is still read. */
  async #feed(): Promise<unknown> {
    const engine = this.#engine;
    let failure: unknown;
    let fed = 0;
    try {
      for await (const piece of this.#format === "gzip" ? this.#slices() : this.#frameSlices()) {
        await new Promise<void>((resolve) => {
          const done = (): void => {
            engine.off("close", done);
            resolve();
          };
          engine.once("close", done);
          engine.write(piece, done);
        });
        fed += piece.length;
        if (engine.destroyed) {
          return undefined;
        }
        if (engine.bytesWritten < fed) {
          // It has ended with a member, and would let go what follows.
          break;
        }
      }
    } catch (error) {
      failure = error;
    }
    engine.end();
    return failure;
  }

  async *#slices(): AsyncGenerator<Buffer, void> {
    for (let slice = await this.#input.next(); slice !== undefined; slice = await this.#input.next()) {
      yield slice;
    }
  }

  async *#frameSlices(): AsyncGenerator<Buffer, void> {
    const frames = new ZstdFrames();
    let { offset } = this.#input;
    for await (const slice of this.#slices()) {
      for (let start = 0; start < slice.length;) {
        const end = frames.next(slice, start);
        if (frames.isDamaged) {
          throw damaged(this.#name, `no zstd frame begins at compressed offset ${offset + start}`);
        }
        yield slice.subarray(start, end);
        start = end;
      }
      offset += slice.length;
    }
    if (frames.isInFrame) {
      throw truncated("zstd", this.#name, offset);
    }
  }
}

function archiveError(format: string, name: string, bytes: number, cause: unknown): unknown {
  if (cause instanceof IngestError) {
    return cause;
  }
  const isCut = cause instanceof Error && "code" in cause && cause.code === "Z_BUF_ERROR";
  return isCut
    ? truncated(format, name, undefined, bytes)
    : damaged(name, `${reasonOf(cause)} (after ${bytes} decompressed bytes)`, cause);
}

function truncated(format: string, name: string, compressedBytes?: number, bytes?: number): IngestError {
  const where = bytes === undefined ? `${compressedBytes} compressed bytes` : `${bytes} decompressed bytes`;
  return new IngestError(
    "truncated-archive",
    `Cannot read "${name}" to its end: the ${format} archive is cut off after ${where}`,
    {
      path: name,
      hint: "What stands before was read; copy the file again for the rest",
    },
  );
}

function damaged(name: string, what: string, cause?: unknown): IngestError {
  return new IngestError("damaged-archive", `Cannot read "${name}" to its end: ${what}`, {
    path: name,
    cause,
    hint: "What stands before was read; test the archive with its own tool (gzip -t, zstd -t) and copy it again",
  });
}
