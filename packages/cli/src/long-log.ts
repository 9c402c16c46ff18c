import { statSync } from "node:fs";

const LONG_BYTES = 4 * 1024 * 1024;

/** Whether the file holds so much that what is done once for it is worth doing. Whoever reads a log that cannot be looked at says so. */
export function isLong(log: string): boolean {
  try {
    return statSync(log).size >= LONG_BYTES;
  } catch {
    return false;
  }
}
