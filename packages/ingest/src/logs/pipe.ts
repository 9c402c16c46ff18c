import { readSync } from "node:fs";
import { IngestError, reasonOf } from "../errors.ts";

const RETRY_MS = 5;

/** A pipe that this process holds open; reading it blocks the thread while nothing comes. */
export interface Pipe {
  readonly descriptor: number;
  /** What has been read from it already. */
  readonly read?: Buffer;
}

/**
 * The bytes of a pipe that this process holds open, read into two buffers by turns. A stream would make a buffer of every read,
 * faster than the collector sees to them: 10 GB cost it 280 MB. Waiting for the writer blocks the thread, as it does in `cat`.
 */
export async function* readPipe(
  { descriptor, read }: Pipe,
  buffers: readonly [Buffer, Buffer],
  name: string,
): AsyncGenerator<Buffer, void> {
  if (read !== undefined && read.length > 0) {
    // It may lie in the first of the buffers.
    yield read;
  }
  for (let turn = read === undefined ? 0 : 1; ;) {
    const buffer = buffers[(turn % 2) as 0 | 1];
    const length = readOnce(descriptor, buffer, name);
    if (length === 0) {
      return;
    }
    if (length === undefined) {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      continue;
    }
    turn++;
    yield buffer.subarray(0, length);
  }
}

/** Bytes read behind the first `from` of `buffer`, 0 at the end. Undefined: nothing has come yet, and the pipe does not wait. */
export function readOnce(descriptor: number, buffer: Buffer, name: string, from = 0): number | undefined {
  try {
    return readSync(descriptor, buffer, from, buffer.length - from, null);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EAGAIN") {
      return undefined;
    }
    if (code === "EOF") {
      return 0;
    }
    throw new IngestError("unreadable", `Cannot read log from ${name}: ${reasonOf(error)}`, {
      cause: error,
      hint: "Check the command that writes into the pipe",
    });
  }
}
