import { DetectionEngine } from "@auditsieve/detect";
import type { FindingList } from "./findings/finding-store.ts";
import { SelectedFindings } from "./findings/selected-findings.ts";
import { readInTimeOrder } from "./read-in-time-order.ts";
import type { ReplayOptions } from "./replay-options.ts";
import { summarise } from "./replay-summary.ts";
import type { ReplaySummary } from "./replay-summary.ts";

/** What a replay gives. */
export interface Replayed {
  /** The findings asked for, in order of time: the timeline. */
  readonly findings: FindingList;
  readonly summary: ReplaySummary;
  /** Lets go of findings that were put aside on the disk. */
  close(): void;
}

/**
 * Leads logs through the same detections as the daemon, in order of time over all of them: live and replay find the same.
 *
 * Logs that are nearly in order are merged as they are read. Where one is not, it is first looked which times stand where, and the
 * logs are then read from there. What cannot be read in any order (packed logs, standard input), or whose lines of one time do not fit
 * into memory, is sorted through temporary files.
 *
 * @example
 * const logs = [{ name: "audit.log", open: () => openCanonicalLog("audit.log") }];
 * const { findings, summary } = await replayLogs({ logs, detections, redactor: createRedactor({ key }) });
 */
export async function replayLogs(options: ReplayOptions): Promise<Replayed> {
  const engine = options.thread === undefined ? new DetectionEngine(options.detections) : undefined;
  const findings = new SelectedFindings(options.selection ?? {}, {
    ...options.findings,
    ...(options.state && { file: options.state.path("findings") }),
  });
  try {
    const run = await readInTimeOrder({ options, engine, findings });
    const { store, notSelected } = findings;
    return {
      findings: store,
      summary: summarise(store, notSelected, run, options.detections),
      close: () => store.close(),
    };
  } catch (error) {
    findings.clear();
    throw error;
  }
}
