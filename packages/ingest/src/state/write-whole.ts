import { writeSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";

const RETRY_MS = 2;
const WAITED_FOR = new Int32Array(new SharedArrayBuffer(4));

/** Writes all of it, however little is taken at once; blocks the thread meanwhile. */
export function writeWhole(descriptor: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(descriptor, bytes, at);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) {
        throw error;
      }
      // Another process has made the pipe one that does not wait, and its reader is slow.
      Atomics.wait(WAITED_FOR, 0, 0, RETRY_MS);
    }
  }
}

/** Writes all of it from `position` on: a disk that is nearly full takes a part of it and says nothing. */
export async function writeWholeAt(file: Pick<FileHandle, "write">, bytes: Buffer, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, position + at);
    at += bytesWritten;
  }
}
