import { fstatSync, readSync } from "node:fs";
import { isForeignByte } from "./text-bytes.ts";
import { findUtf16 } from "./utf-16-run.ts";

const MOST_LOOKS = 256;
const LOOK_BYTES = 512;

/**
 * Whether something else than lines in UTF-8 is seen to stand in a file, which is looked at in a few hundred places and at its end: a part of
 * an archive, text in UTF-16. NUL, as a crash leaves it, is not. Throws an error of the system.
 */
export function looksMixed(file: number): boolean {
  const { size } = fstatSync(file);
  const window = Buffer.allocUnsafe(LOOK_BYTES);
  const step = Math.max(LOOK_BYTES, Math.ceil(size / MOST_LOOKS));
  for (let at = 0; at < size; at += step) {
    if (isForeign(window.subarray(0, readSync(file, window, 0, LOOK_BYTES, at)))) {
      return true;
    }
  }
  return isForeign(window.subarray(0, readSync(file, window, 0, LOOK_BYTES, Math.max(0, size - LOOK_BYTES))));
}

function isForeign(bytes: Buffer): boolean {
  return bytes.some((byte) => byte !== 0 && isForeignByte(byte)) || findUtf16(bytes) !== undefined;
}
