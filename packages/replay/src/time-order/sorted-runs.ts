import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { Hash } from "node:crypto";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LogLine } from "../lines/log-line.ts";
import type { LogStart } from "../lines/log-reader.ts";
import type { SavedFailure } from "../state/failed-log.ts";

/** Lines that were put aside in order. */
export interface SortedRun {
  /** The lines, once: the file is removed behind the last one. */
  lines(): AsyncGenerator<LogLine, void>;
}

/** Lines in order. */
export type LineBatches = Iterable<readonly LogLine[]> | AsyncIterable<readonly LogLine[]>;

/** A folder for runs. */
export interface RunFolder {
  write(batches: LineBatches): Promise<SortedRun>;
  /** The lines of all logs before `standing`, and no others, are in these runs. */
  commit?(runs: readonly SortedRun[], standing: SortStanding): Promise<void>;
  remove(): Promise<void>;
}

/** How far logs have been read that are being sorted. */
export interface SortStanding {
  /** Index of the log that comes next, and where it is gone on with; behind the last one where all are read. */
  readonly log: number;
  readonly start: LogStart;
  readonly failures: readonly SavedFailure[];
}

const CIPHER = "aes-256-ctr";
/** micros, log, offset, oversize bytes or one of the below, length. */
const HEAD_BYTES = 8 + 4 + 8 + 8 + 4;
const ORDINARY = -1;
const SALVAGED = -2;
const WRITE_BYTES = 1024 * 1024;
const READ_BYTES = 256 * 1024;

/** A fresh folder that only this user can read, for lines that hold secrets: each run is encrypted under a key that is never written. */
export async function openRunFolder(): Promise<RunFolder> {
  let path: string | undefined;
  let count = 0;
  return {
    async write(batches) {
      path ??= await mkdtemp(join(tmpdir(), "auditsieve-sort-"));
      const run = { path: join(path, `${count++}.run`), key: randomBytes(32), iv: randomBytes(16) };
      await writeRun(run, batches);
      return { lines: () => readRun(run) };
    },
    async remove() {
      if (path !== undefined) {
        await rm(path, { recursive: true, force: true });
      }
    },
  };
}

/** A run that is encrypted. */
export interface RunFile {
  readonly path: string;
  readonly key: Buffer;
  readonly iv: Buffer;
  /** Whether it is to last: it is on the disk when it is written, and not removed when it is read. */
  readonly isKept?: boolean;
  /** Given all that is written. */
  readonly hash?: Hash;
}

export async function writeRun({ path, key, iv, isKept, hash }: RunFile, batches: LineBatches): Promise<void> {
  const file = await open(path, "wx", 0o600);
  const cipher = createCipheriv(CIPHER, key, iv);
  try {
    let parts: Buffer[] = [];
    let bytes = 0;
    const flush = async (): Promise<void> => {
      const written = cipher.update(Buffer.concat(parts, bytes));
      hash?.update(written);
      await file.writeFile(written);
      parts = [];
      bytes = 0;
    };
    for await (const batch of batches) {
      for (const line of batch) {
        parts.push(headOf(line), line.bytes.subarray(line.start, line.end));
        bytes += HEAD_BYTES + line.end - line.start;
        if (bytes >= WRITE_BYTES) {
          await flush();
        }
      }
    }
    await flush();
    if (isKept === true) {
      await file.datasync();
    }
  } finally {
    await file.close();
  }
}

function headOf({ micros, log, offset, oversizeBytes, isSalvaged, start, end }: LogLine): Buffer {
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  head.writeDoubleLE(micros, 0);
  head.writeUInt32LE(log, 8);
  head.writeDoubleLE(offset, 12);
  head.writeDoubleLE(oversizeBytes ?? (isSalvaged === true ? SALVAGED : ORDINARY), 20);
  head.writeUInt32LE(end - start, 28);
  return head;
}

export async function* readRun({ path, key, iv, isKept }: RunFile): AsyncGenerator<LogLine, void> {
  const file = await open(path, "r");
  const decipher = createDecipheriv(CIPHER, key, iv);
  try {
    let held: Buffer = Buffer.alloc(0);
    for (;;) {
      const chunk = Buffer.allocUnsafe(READ_BYTES);
      const { bytesRead } = await file.read(chunk, 0, READ_BYTES, null);
      if (bytesRead === 0) {
        return;
      }
      const plain = decipher.update(chunk.subarray(0, bytesRead));
      held = held.length === 0 ? plain : Buffer.concat([held, plain]);
      let at = 0;
      while (at + HEAD_BYTES <= held.length) {
        const start = at + HEAD_BYTES;
        const end = start + held.readUInt32LE(at + 28);
        if (end > held.length) {
          break;
        }
        const oversizeBytes = held.readDoubleLE(at + 20);
        yield {
          micros: held.readDoubleLE(at),
          log: held.readUInt32LE(at + 8),
          offset: held.readDoubleLE(at + 12),
          bytes: held,
          start,
          end,
          ...(oversizeBytes >= 0 && { oversizeBytes }),
          ...(oversizeBytes === SALVAGED && { isSalvaged: true }),
        };
        at = end;
      }
      held = held.subarray(at);
    }
  } finally {
    await file.close();
    if (isKept !== true) {
      await rm(path, { force: true });
    }
  }
}
