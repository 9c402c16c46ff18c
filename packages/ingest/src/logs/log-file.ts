import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import { IngestError, reasonOf } from "../errors.ts";
import { decompress } from "./decompress.ts";
import type { DecompressOptions } from "./decompress.ts";
import { fileChunks } from "./file-chunks.ts";
import { findPart, formatOfRest, partAt } from "./archive-magic.ts";
import { logFormat, MAGIC_BYTES } from "./log-format.ts";
import { refuseOtherArchive } from "./other-archive.ts";
import { readPipe } from "./pipe.ts";
import type { Pipe } from "./pipe.ts";
import { asUtf8 } from "./utf-16.ts";

/** How {@link openLog} reads. */
export interface OpenLogOptions {
  /** Where files are read into, by turns; chunks of a plain log lie in them. Own ones otherwise. */
  readonly buffers?: readonly [Buffer, Buffer] | undefined;
  /** Told that the bytes of a log which began as text in UTF-8 are not those of the input from some place on: that is packed, or in UTF-16. */
  readonly onMixed?: (() => void) | undefined;
  /** Where in the input to begin; of a pipe and a stream, where that is which they give. Default 0. */
  readonly from?: number | undefined;
}

const READ_BYTES = 512 * 1024;
/** Archives in one another, beyond the first. */
const MOST_DEPTH = 3;

/**
 * The decompressed bytes of a log file: plain, gzip (all members) or zstd (all frames), or such a one in another, recognised by its first bytes; of text in UTF-16,
 * as some Windows tools write it, those of the same text in UTF-8. All of these may follow one another. A stream (standard input) works
 * the same way.
 *
 * Contract: chunks are big and in order; each is valid until the next one is asked for. Throws an {@link IngestError}
 * that names the file and the cure when the file is missing, a directory or unreadable; of a truncated or damaged
 * archive everything readable is yielded first, the members or frames behind the damage too.
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
  const { from = 0 } = options;
  const raw =
    typeof log === "string"
      ? fileChunks(log, options.buffers ?? newBuffers(), from)
      : "descriptor" in log
        ? readPipe(log, options.buffers ?? newBuffers(), name)
        : readStream(log, name);
  const reopen =
    typeof log === "string" && (await isFile(log)) ? (offset: number) => readAgain(log, offset) : undefined;
  try {
    const head = await readHead(raw);
    refuseOtherArchive(head, name);
    const bytes = withHead(head, raw);
    const format = logFormat(head) === "plain" ? (formatOfRest(head) ?? "plain") : logFormat(head);
    const onMixed = format === "plain" ? options.onMixed : undefined;
    yield* asUtf8(
      format === "gzip" || format === "zstd"
        ? unpack(decompress(bytes, format, name, { reopen, from }), name)
        : unpackFurther(bytes, name, { reopen, from }, MOST_DEPTH, onMixed),
      onMixed,
    );
  } finally {
    await raw.return();
  }
}

/**
 * What came out of an archive, unpacked once more where it is an archive again, all of it or a part: what Firehose packs is packed when it comes, and may be so once
 * more when it is fetched.
 */
async function* unpack(
  bytes: AsyncGenerator<Buffer, void>,
  name: string,
  depth = MOST_DEPTH,
): AsyncGenerator<Buffer, void> {
  const head = await readHead(bytes);
  refuseOtherArchive(head, name);
  const format = logFormat(head);
  const all = withHead(head, bytes);
  if (depth === 0) {
    yield* all;
  } else if (format === "gzip" || format === "zstd") {
    yield* unpack(decompress(all, format, name), name, depth - 1);
  } else {
    yield* unpackFurther(all, name, {}, depth);
  }
}

/** A log that is not packed from its beginning on: as it is, and unpacked from where a part of an archive begins. */
async function* unpackFurther(
  bytes: AsyncGenerator<Buffer, void>,
  name: string,
  { reopen, from = 0 }: DecompressOptions,
  depth: number,
  onMixed?: () => void,
): AsyncGenerator<Buffer, void> {
  let offset = from;
  let held: Buffer = Buffer.alloc(0);
  for (;;) {
    const next = await bytes.next();
    if (next.done === true) {
      break;
    }
    const all = held.length === 0 ? next.value : Buffer.concat([held, next.value]);
    held = Buffer.alloc(0);
    const at = findPart(all, 0, all.length, true);
    if (at !== 0) {
      yield at === -1 ? all : all.subarray(0, at);
    }
    offset += at === -1 ? all.length : at;
    const format = at === -1 ? undefined : partAt(all, at);
    if (format !== undefined) {
      onMixed?.();
      const part = withHead(Buffer.from(all.subarray(at)), bytes);
      yield* unpack(decompress(part, format, name, { reopen, from: offset }), name, depth - 1);
      return;
    }
    // Whether one begins there, the next bytes tell.
    held = at === -1 ? held : Buffer.from(all.subarray(at));
  }
  if (held.length > 0) {
    yield held;
  }
}

function newBuffers(): readonly [Buffer, Buffer] {
  return [Buffer.allocUnsafeSlow(READ_BYTES), Buffer.allocUnsafeSlow(READ_BYTES)];
}

function nameOf(log: string | Readable | Pipe): string {
  return typeof log === "string" ? log : "standard input";
}

/** What else there is gives its bytes once. */
async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (facts) => facts.isFile(),
    () => false,
  );
}

/** The bytes of a file from an offset on. */
async function* readAgain(path: string, offset: number): AsyncGenerator<Buffer, void> {
  yield* createReadStream(path, { start: offset, highWaterMark: READ_BYTES }) as AsyncIterable<Buffer>;
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
