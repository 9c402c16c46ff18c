import { findLogs, JudgeThread } from "@auditsieve/replay";
import { stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import type { DetectionSetTexts } from "./detection-set.ts";
import { STANDARD_INPUT } from "./standard-input.ts";

/** Less is done before a thread has started. */
const LEAST_BYTES = 48 * 1024 * 1024;
/** By which audit logs shrink when they are packed, about. */
const PACKED_FACTOR = 20;

/** How many threads are asked for; undefined where nobody says. */
export type Threads = 1 | 2 | undefined;

/** A thread for the detections where the machine has a core for it and the logs are worth it, or where it is asked for. */
export async function judgeThread(
  threads: Threads,
  logs: readonly string[],
  texts: DetectionSetTexts,
): Promise<JudgeThread | undefined> {
  const isWanted = threads === undefined ? availableParallelism() > 1 && (await areLarge(logs)) : threads > 1;
  return isWanted ? new JudgeThread(texts) : undefined;
}

/** Standard input counts for nothing: nobody knows. */
async function areLarge(logs: readonly string[]): Promise<boolean> {
  const { files } = await findLogs(logs.filter((path) => path !== STANDARD_INPUT));
  let bytes = 0;
  for (const file of files) {
    const info = await stat(file).catch(() => undefined);
    bytes += (info?.size ?? 0) * (/\.(?:gz|zst|zstd)(?:[.-]|$)/i.test(file) ? PACKED_FACTOR : 1);
    if (bytes >= LEAST_BYTES) {
      return true;
    }
  }
  return false;
}
