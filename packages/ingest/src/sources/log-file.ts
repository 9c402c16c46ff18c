import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import type { Readable, Transform } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { fileError, IngestError, reasonOf } from "../errors.ts";
import { logFormat, MAGIC_BYTES } from "./log-format.ts";
import { readPipe } from "./pipe.ts";
import type { Pipe } from "./pipe.ts";
import { ZstdFrames } from "./zstd-frames.ts";

/** How {@link openLog} reads. */
export interface OpenLogOptions {
  /** Where files are read into, by turns; chunks of a plain log lie in them. Own ones otherwise. */
  readonly buffers?: readonly [Buffer, Buffer] | undefined;
}

const READ_BYTES = 512 * 1024;
const OUTPUT_BYTES = 512 * 1024;
/** An engine that meets damaged bytes throws away the output of that one write: small writes keep that small. */
const ENGINE_WRITE_BYTES = 16 * 1024;

/**
 * The decompressed bytes of a log file: plain, gzip (all members) or zstd (all frames), recognised by its first bytes.
 * A stream (standard input) works the same way.
 *
 * Contract: chunks are big and in order; each is valid until the next one is asked for. Throws an {@link IngestError}
 * that names the file and the cure when the file is missing, a directory or unreadable; of a truncated archive, and of
 * a damaged one up to the damage, everything readable is yielded first.
 *
 * @example
 * let bytes = 0;
 * for await (const chunk of openLog(Readable.from([gzipSync("one\ntwo\n")]))) bytes += chunk.length;
 * assert.equal(bytes, 8);
 */
export async function* openLog(
  log: string | Readable | Pipe,
  name: string = nameOf(log),
  options: OpenLogOptions = {},
): AsyncGenerator<Buffer, void> {
  const raw =
    typeof log === "string"
      ? readFile(log, options.buffers)
      : "descriptor" in log
        ? readPipe(log, options.buffers ?? newBuffers(), name)
        : readStream(log, name);
  try {
    const head = await readHead(raw);
    const bytes = withHead(head, raw);
    const format = logFormat(head);
    if (format === "plain") {
      yield* bytes;
    } else {
      yield* decompress(bytes, format, name);
    }
  } finally {
    await raw.return();
  }
}

function newBuffers(): readonly [Buffer, Buffer] {
  return [Buffer.allocUnsafeSlow(READ_BYTES), Buffer.allocUnsafeSlow(READ_BYTES)];
}

function nameOf(log: string | Readable | Pipe): string {
  return typeof log === "string" ? log : "standard input";
}

/** Reads one chunk ahead into the other of two buffers. */
async function* readFile(
  path: string,
  buffers: readonly [Buffer, Buffer] = newBuffers(),
): AsyncGenerator<Buffer, void> {
  const file = await openFile(path);
  let reading = read(file, buffers[0], path);
  try {
    for (let turn = 1; ; turn++) {
      const chunk = await reading;
      if (chunk.length === 0) {
        return;
      }
      reading = read(file, buffers[(turn % 2) as 0 | 1], path);
      yield chunk;
    }
  } finally {
    await reading.catch(() => undefined);
    await file.close();
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (error) {
    throw fileError("read log", path, error);
  }
}

function read(file: FileHandle, buffer: Buffer, path: string): Promise<Buffer> {
  const reading = file.read(buffer, 0, buffer.length, null).then(
    ({ bytesRead }) => buffer.subarray(0, bytesRead),
    (error: unknown) => {
      throw fileError("read log", path, error);
    },
  );
  // It is awaited one turn later: until then a rejection is not unhandled.
  reading.catch(() => undefined);
  return reading;
}

async function* readStream(stream: Readable, name: string): AsyncGenerator<Buffer, void> {
  try {
    for await (const chunk of stream) {
      yield typeof chunk === "string" ? Buffer.from(chunk) : (chunk as Buffer);
    }
  } catch (error) {
    throw new IngestError("unreadable", `Cannot read log from ${name}: ${reasonOf(error)}`, {
      cause: error,
      hint: "Check the command that writes into the pipe",
    });
  }
}

/** At least the magic bytes if the input has as many: a pipe may hand them over one at a time. */
async function readHead(raw: AsyncGenerator<Buffer, void>): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < MAGIC_BYTES) {
    const next = await raw.next();
    if (next.done === true) {
      break;
    }
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  return head;
}

async function* withHead(head: Buffer, rest: AsyncGenerator<Buffer, void>): AsyncGenerator<Buffer, void> {
  if (head.length > 0) {
    yield head;
  }
  yield* rest;
}

async function* decompress(
  compressed: AsyncGenerator<Buffer, void>,
  format: "gzip" | "zstd",
  name: string,
): AsyncGenerator<Buffer, void> {
  // Any output counts as a full buffer, so the engine waits until it is taken: a destroyed stream forgets its buffer.
  const options = { chunkSize: OUTPUT_BYTES, readableHighWaterMark: 1 };
  const engine: Transform = format === "gzip" ? createGunzip(options) : createZstdDecompress(options);
  const pieces = format === "gzip" ? slices(compressed) : frameSlices(compressed, name);
  const feeding = feed(engine, pieces);
  let bytes = 0;
  let failure: unknown;
  try {
    for await (const chunk of engine) {
      bytes += (chunk as Buffer).length;
      yield chunk as Buffer;
    }
  } catch (error) {
    failure = error;
  } finally {
    engine.destroy();
  }
  failure = (await feeding) ?? failure;
  if (failure !== undefined) {
    throw archiveError(format, name, bytes, failure);
  }
}

/** Gives back what failed, if anything did; a failed input ends the engine first, so that its output is still read. */
async function feed(engine: Transform, pieces: AsyncIterable<Buffer>): Promise<unknown> {
  let failure: unknown;
  try {
    for await (const piece of pieces) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          engine.off("close", done);
          resolve();
        };
        engine.once("close", done);
        engine.write(piece, done);
      });
      if (engine.destroyed) {
        return undefined;
      }
    }
  } catch (error) {
    failure = error;
  }
  engine.end();
  return failure;
}

async function* slices(compressed: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  for await (const chunk of compressed) {
    for (let at = 0; at < chunk.length; at += ENGINE_WRITE_BYTES) {
      yield chunk.subarray(at, at + ENGINE_WRITE_BYTES);
    }
  }
}

async function* frameSlices(compressed: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer, void> {
  const frames = new ZstdFrames();
  let offset = 0;
  for await (const slice of slices(compressed)) {
    for (let start = 0; start < slice.length;) {
      const end = frames.next(slice, start);
      if (frames.isDamaged) {
        throw damaged(name, `no zstd frame begins at compressed offset ${offset + start}`);
      }
      yield slice.subarray(start, end);
      start = end;
    }
    offset += slice.length;
  }
  if (frames.isInFrame) {
    throw truncated("zstd", name, offset);
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
