import { beginsDocument, EventScan, salvageEvents, unwrapLine } from "@auditsieve/audit";
import { NO_TIME, textMicros } from "./event-time.ts";
import type { LogReaderOptions } from "./log-reader.ts";

const NONE: ReturnType<typeof salvageEvents> = [];

/**
 * For a {@link LogReader}: the time that the event itself says, never one that stands in a body; the lines inside one that is an envelope,
 * and the whole events of damaged lines, each with a time of its own.
 */
export function scannedTimes(): Required<Pick<LogReaderOptions, "micros" | "begins" | "unwrap" | "salvage">> {
  const scan = new EventScan();
  return {
    micros: (bytes, start, end) => {
      if (!scan.scan(bytes, start, end)) {
        return NO_TIME;
      }
      const field = scan.has("stageTimestamp") ? "stageTimestamp" : "requestReceivedTimestamp";
      return scan.has(field) ? textMicros(bytes, scan.valueStart(field) + 1, end) : NO_TIME;
    },
    begins: () => beginsDocument(scan),
    unwrap: () => unwrapLine(scan),
    salvage: () => (scan.reason === undefined ? NONE : salvageEvents(scan)),
  };
}
