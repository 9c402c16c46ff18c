import type { ExitCode } from "../exit-code.ts";
import { judgeThread } from "../judge-thread.ts";
import { isJudging } from "./replay-options.ts";
import type { ReplayCommandOptions } from "./replay-options.ts";

export { replayOptions } from "./replay-options.ts";

/** Replays logs and prints findings as a timeline. The thread of the detections, if there is one, starts before all else is loaded. */
export async function startReplay(options: ReplayCommandOptions): Promise<ExitCode> {
  const judges = isJudging(options) ? judgeThread(options.threads, options.logs) : undefined;
  try {
    const { replay } = await import("./replay.ts");
    return await replay(options, judges);
  } finally {
    await judges?.close();
  }
}
