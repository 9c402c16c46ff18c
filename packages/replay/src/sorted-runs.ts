import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LogLine } from "./log-line.ts";

/** Lines that were put aside in order. */
export interface SortedRun {
  /** The lines, once: the file is removed behind the last one. */
  lines(): AsyncGenerator<LogLine, void>;
}

/** A folder for runs. */
export interface RunFolder {
  write(batches: Iterable<readonly LogLine[]> | AsyncIterable<readonly LogLine[]>): Promise<SortedRun>;
  remove(): Promise<void>;
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

interface RunFile {
  readonly path: string;
  readonly key: Buffer;
  readonly iv: Buffer;
}

async function writeRun(
  { path, key, iv }: RunFile,
  batches: Iterable<readonly LogLine[]> | AsyncIterable<readonly LogLine[]>,
): Promise<void> {
  const file = await open(path, "wx", 0o600);
  const cipher = createCipheriv(CIPHER, key, iv);
  try {
    let parts: Buffer[] = [];
    let bytes = 0;
    const flush = async (): Promise<void> => {
      await file.writeFile(cipher.update(Buffer.concat(parts, bytes)));
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

async function* readRun({ path, key, iv }: RunFile): AsyncGenerator<LogLine, void> {
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
    await rm(path, { force: true });
  }
}
