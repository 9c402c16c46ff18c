import { recognise } from "@auditsieve/audit/stream";
import { closeSync, openSync, readSync } from "node:fs";
import { fileError } from "../errors.ts";
import { WhileRead } from "./cut-while-read.ts";
import { isOtherArchive } from "./other-archive.ts";
import { logFormat } from "./log-format.ts";
import { readOnce } from "./pipe.ts";
import type { Pipe } from "./pipe.ts";
import { wholeLines } from "./whole-lines.ts";
import type { Lines } from "./whole-lines.ts";

/** What {@link openPlainLog} found. */
export type PlainLog =
  | { readonly isPlain: true; readonly chunks: Lines }
  /** `read`: what a pipe has given already. */
  | { readonly isPlain: false; readonly read: Buffer };

const RETRY_MS = 5;

/**
 * Reads a log of events a line that is not packed into `room`, in chunks of whole lines ({@link wholeLines}). Reading blocks the thread,
 * which costs half of what waiting for a promise does. Any other log is left as it is: `openCanonicalLog` reads it. What of the log is none of
 * lines, a part of an archive or text in UTF-16, comes as it stands: whoever meets a line that is no event looks for it (`Filter.write`).
 *
 * Throws an {@link IngestError} that names the file and the cure when it is missing, a directory or unreadable.
 *
 * @example
 * const log = openPlainLog("audit.log", "audit.log", Buffer.alloc(65_536));
 * if (log.isPlain) for (const chunk of log.chunks) process.stdout.write(chunk);
 */
export function openPlainLog(log: string | Pipe, name: string, room: Buffer): PlainLog {
  if (typeof log !== "string") {
    const read = room.subarray(0, readPipe(log.descriptor, room, name));
    return isPlain(read)
      ? {
          isPlain: true,
          chunks: wholeLines(room, read.length, (into, from) => readPipe(log.descriptor, into, name, from)),
        }
      : { isPlain: false, read };
  }
  const file = openFile(log);
  let head: number | undefined;
  try {
    const length = readFile(file, room, log);
    head = isPlain(room.subarray(0, length)) ? length : undefined;
  } finally {
    if (head === undefined) {
      closeSync(file);
    }
  }
  return head === undefined
    ? { isPlain: false, read: room.subarray(0, 0) }
    : { isPlain: true, chunks: chunksOfFile(file, room, head, log) };
}

/** Whether these first bytes say so; a log may be plain though they do not, being too few. An empty one is whatever one likes. */
export function isPlain(head: Buffer): boolean {
  return (
    head.length === 0 ||
    (logFormat(head) === "plain" && !isOtherArchive(head) && recognise(head, false)?.form === "plain")
  );
}

function chunksOfFile(file: number, room: Buffer, head: number, path: string): Lines {
  let bytes = head;
  const whileRead = new WhileRead(path);
  whileRead.add(room.subarray(0, head));
  const read = (into: Buffer, from: number): number => {
    const length = readFile(file, into, path, from);
    bytes += length;
    const failure = length === 0 ? whileRead.failure(file, bytes) : undefined;
    if (failure !== undefined) {
      throw failure;
    }
    return length;
  };
  return wholeLines(room, head, read, () => closeSync(file));
}

function readFile(file: number, into: Buffer, path: string, from = 0): number {
  try {
    return readSync(file, into, from, into.length - from, null);
  } catch (error) {
    throw fileError("read log", path, error);
  }
}

function readPipe(descriptor: number, into: Buffer, name: string, from = 0): number {
  for (;;) {
    const length = readOnce(descriptor, into, name, from);
    if (length !== undefined) {
      return length;
    }
    // Another process has made the pipe one that does not wait.
    Atomics.wait(WAITED_FOR, 0, 0, RETRY_MS);
  }
}

const WAITED_FOR = new Int32Array(new SharedArrayBuffer(4));

function openFile(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    throw fileError("read log", path, error);
  }
}
