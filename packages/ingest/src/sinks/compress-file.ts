import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createZstdCompress } from "node:zlib";
import { syncFolder } from "../state/checkpoint.ts";

/** What a file held when it was compressed. */
export interface Compressed {
  readonly path: string;
  readonly lines: number;
  /** Of the file before and after. */
  readonly bytes: number;
  readonly compressedBytes: number;
  /** SHA-256 over the file before, hex. */
  readonly sha256: string;
}

const NEWLINE = 10;

/**
 * Puts `<path>.zst` (one zstd frame with a checksum) beside a file that nobody writes to any more. It has its final name only
 * once it is complete and durable; the caller removes the plain file after that.
 */
export async function compressFile(path: string): Promise<Compressed> {
  const final = `${path}.zst`;
  const aside = `${final}.tmp`;
  const hash = createHash("sha256");
  let lines = 0;
  let bytes = 0;
  const look = new PassThrough();
  look.on("data", (chunk: Buffer) => {
    hash.update(chunk);
    bytes += chunk.length;
    lines += newlines(chunk);
  });
  try {
    const engine = createZstdCompress({ params: { [ZSTD_CHECKSUM_FLAG]: 1 } });
    // What a crash or somebody else has left under this name is not written to.
    await rm(aside, { force: true });
    await pipeline(createReadStream(path), look, engine, createWriteStream(aside, { mode: 0o600, flags: "wx" }));
    await syncFile(aside);
    await rename(aside, final);
    await syncFolder(dirname(final));
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
  const { size: compressedBytes } = await stat(final);
  return { path: final, lines, bytes, compressedBytes, sha256: hash.digest("hex") };
}

/** ZSTD_c_checksumFlag: a damaged archive is told from a whole one. */
const ZSTD_CHECKSUM_FLAG = 201;

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, "r+");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function newlines(chunk: Buffer): number {
  let count = 0;
  for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, at + 1)) {
    count++;
  }
  return count;
}
