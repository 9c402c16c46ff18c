import { bytesFrom } from "./bytes-from.ts";
import type { ReadFrom } from "./bytes-from.ts";
import { isLogAt, TELLING_BYTES } from "./text-start.ts";

const NEWLINE = 10;
/** With it a line of JSON begins behind another one. */
const BEGINNING = Buffer.from('\n{"');
/** So far back a line is looked for that was given. */
const MOST_BACK_BYTES = 256 * 1024;

/**
 * What of the lines before `end` of an archive was not given yet, though it is not packed; empty where all was, undefined where it is packed. A member of
 * gzip that packs nothing may have been cut off: an engine gives the log that was written behind it as its own, up to where a block was to end, in the
 * midst of a line, and fails some lines behind. `given` is what it gave last: of a line that it gave whole the next one is the first that may be missing.
 */
export async function notGiven(readFrom: ReadFrom, end: number, given: Buffer): Promise<Buffer | undefined> {
  const from = Math.max(0, end - MOST_BACK_BYTES);
  // The last line is told by what stands behind, too.
  const bytes = await bytesFrom(readFrom, from, end + TELLING_BYTES);
  const stop = end - from;
  let start = stop;
  for (let at = bytes.lastIndexOf(BEGINNING, stop - 1); at > 0; at = bytes.lastIndexOf(BEGINNING, at - 1)) {
    const behind = bytes.indexOf(NEWLINE, at + 1) + 1;
    if (!isLogAt(bytes, at + 1)) {
      return undefined;
    }
    if (behind === 0 || behind > stop) {
      const open = bytes.subarray(at + 1, stop);
      if (given.subarray(-open.length).equals(open)) {
        return Buffer.alloc(0);
      }
    } else if (given.includes(bytes.subarray(at + 1, behind))) {
      return bytes.subarray(start, stop);
    }
    start = at + 1;
  }
  return undefined;
}
