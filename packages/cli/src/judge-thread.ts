import { JudgeThread } from "@auditsieve/replay/start";
import { statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { folderFiles, isFolder } from "./folder-files.ts";

/** Less is done before a thread has started. */
const LEAST_BYTES = 48 * 1024 * 1024;
/** By which audit logs shrink when they are packed, about. */
const PACKED_FACTOR = 20;

/** What is asked for in place of a timeline, and beside it. */
interface Asked {
  readonly history: string | undefined;
  readonly credential: string | undefined;
  readonly html: string | undefined;
}

/** How many threads are asked for; undefined where nobody says. */
export type Threads = 1 | 2 | undefined;

/** Whether detections are asked for: a history, or what a credential touched, rests on no finding. */
export function isJudging({ history, credential, html }: Asked): boolean {
  return (history === undefined && credential === undefined) || html !== undefined;
}

/** A thread for the detections where the machine has a core for it and the logs are worth it, or where it is asked for. */
export function judgeThread(threads: Threads, logs: readonly string[]): JudgeThread | undefined {
  const isWanted = threads === undefined ? availableParallelism() > 1 && areLarge(logs) : threads > 1;
  return isWanted ? new JudgeThread() : undefined;
}

/** Whatever cannot be looked at, and standard input, counts for nothing: nobody knows. */
function areLarge(logs: readonly string[]): boolean {
  let bytes = 0;
  return logs
    .flatMap((path) => (isFolder(path) ? folderFiles(path, () => true) : [path]))
    .some((file) => {
      bytes += sizeOf(file) * (/\.(?:gz|zst|zstd)(?:[.-]|$)/i.test(file) ? PACKED_FACTOR : 1);
      return bytes >= LEAST_BYTES;
    });
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch {
    return 0;
  }
}
