import type { LinesAt } from "@auditsieve/ingest/logs";
import { guessLineMicros, NO_TIME } from "../lines/event-time.ts";
import type { ReplayLog } from "../lines/log-reader.ts";

const NEWLINE = 10;
const LOOK_BYTES = 8 * 1024;
/** The first time it looks at so many places of a log, then at more and more between them: a slow disk needs a while for each. */
const FIRST_LOOKS = 16;
const MORE = 4;
const MOST_LOOKS = 256;
/** Places that are nearer to one another are not looked at: what is read in vain without having looked is little. */
const NEAREST_BYTES = 256 * 1024;

/**
 * Whether a log is seen to be out of order by more than `windowMicros`, by looking at a few places of it: then it need not be read in
 * vain. False where nothing is seen, or a log cannot be looked at.
 */
export async function looksOutOfOrder(logs: readonly ReplayLog[], windowMicros: number): Promise<boolean> {
  const buffer = Buffer.allocUnsafeSlow(LOOK_BYTES);
  for (const log of logs) {
    const lines = await log.openLines?.();
    try {
      if (lines !== undefined && isOutOfOrder(lines, windowMicros, buffer)) {
        return true;
      }
    } catch {
      // Reading it says why.
    } finally {
      lines?.close();
    }
  }
  return false;
}

function isOutOfOrder(lines: LinesAt, windowMicros: number, buffer: Buffer): boolean {
  const { size } = lines;
  for (let looks = FIRST_LOOKS; looks <= MOST_LOOKS && size / looks >= NEAREST_BYTES; looks *= MORE) {
    let latest = 0;
    for (let i = 0; i <= looks; i++) {
      const at = Math.floor((Math.max(0, size - LOOK_BYTES) * i) / looks);
      const micros = timeIn(buffer, lines.readAt(buffer, at));
      if (micros !== NO_TIME && micros < latest - windowMicros) {
        return true;
      }
      latest = Math.max(latest, micros);
    }
  }
  return false;
}

/** The time of the last line that ends there. */
function timeIn(buffer: Buffer, length: number): number {
  const end = buffer.lastIndexOf(NEWLINE, length - 1);
  return length === 0 || end === -1 ? NO_TIME : guessLineMicros(buffer, 0, end);
}
