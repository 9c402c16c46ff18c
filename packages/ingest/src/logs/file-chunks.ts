import { readSync } from "node:fs";
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { setImmediate as othersSpoke } from "node:timers/promises";
import { fileError } from "../errors.ts";
import { WhileRead } from "./cut-while-read.ts";

/** A read that takes longer has waited for the disk. */
const SLOW_MS = 1;
/** Chunks that are read ahead once one was slow, and chunks after which others have their turn. */
const AHEAD = 64;
const TURNS = 4;

/**
 * The bytes of a file from `from` on, into two buffers by turns. What the system has in memory is read at once: to ask another thread for it
 * costs more than the reading. Where the disk is waited for, and of a pipe, the next chunk is read while the one before is worked on.
 */
export async function* fileChunks(
  path: string,
  buffers: readonly [Buffer, Buffer],
  from = 0,
): AsyncGenerator<Buffer, void> {
  const file = await openFile(path);
  let ahead: Promise<Buffer> | undefined;
  try {
    const isFile = (await file.stat()).isFile();
    // A pipe has no places, and may have nothing to read for hours.
    let at = isFile ? from : null;
    let readAhead = isFile ? 0 : Infinity;
    let bytes = from;
    const whileRead = new WhileRead(path, from);
    for (let turn = 0; ; turn++) {
      const room = buffers[(turn % 2) as 0 | 1];
      const begun = performance.now();
      const chunk =
        ahead === undefined && isFile ? readNow(file, room, path, at) : await (ahead ?? read(file, room, path, at));
      readAhead = ahead === undefined && isFile && performance.now() - begun > SLOW_MS ? AHEAD : readAhead - 1;
      if (chunk.length === 0) {
        const failure = isFile ? whileRead.failure(file.fd, bytes) : undefined;
        if (failure !== undefined) {
          throw failure;
        }
        return;
      }
      whileRead.add(chunk);
      bytes += chunk.length;
      at = at === null ? null : at + chunk.length;
      ahead = readAhead > 0 ? read(file, buffers[((turn + 1) % 2) as 0 | 1], path, at) : undefined;
      yield chunk;
      if (ahead === undefined && turn % TURNS === TURNS - 1) {
        await othersSpoke();
      }
    }
  } finally {
    await ahead?.catch(() => undefined);
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

function readNow(file: FileHandle, buffer: Buffer, path: string, at: number | null): Buffer {
  try {
    return buffer.subarray(0, readSync(file.fd, buffer, 0, buffer.length, at));
  } catch (error) {
    throw fileError("read log", path, error);
  }
}

function read(file: FileHandle, buffer: Buffer, path: string, at: number | null): Promise<Buffer> {
  const reading = file.read(buffer, 0, buffer.length, at).then(
    ({ bytesRead }) => buffer.subarray(0, bytesRead),
    (error: unknown) => {
      throw fileError("read log", path, error);
    },
  );
  // It is awaited one turn later: until then a rejection is not unhandled.
  reading.catch(() => undefined);
  return reading;
}
