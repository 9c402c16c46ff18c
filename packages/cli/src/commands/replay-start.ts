import type { ExitCode } from "../exit-code.ts";
import { compileLater } from "../compile-later.ts";
import { isJudging, judgeThread } from "../judge-thread.ts";
import type { ReplayCommandOptions } from "./replay-options.ts";

/** Replays logs and prints findings as a timeline. The thread of the detections, if there is one, starts before all else is loaded. */
export async function startReplay(options: ReplayCommandOptions): Promise<ExitCode> {
  compileLater("replay");
  const judges = isJudging(options) ? judgeThread(options.threads, options.logs) : undefined;
  try {
    const { replay } = await import("./replay.ts");
    return await replay(options, judges);
  } finally {
    await judges?.close();
  }
}
