import type { Detection } from "@auditsieve/detect";
import type { BlockOptions } from "./blocks/log-blocks.ts";
import type { FindingStoreOptions } from "./findings/finding-store.ts";
import type { JudgeThread } from "./judge/judge-thread.ts";
import type { MergeOptions } from "./time-order/merge-logs.ts";
import type { RunOptions } from "./replay-run.ts";
import type { Selection } from "./selection/selection.ts";
import type { SortOptions } from "./time-order/sort-logs.ts";
import type { ReplayState } from "./state/replay-state.ts";

/** What is replayed, through what, and which findings are asked for. */
export interface ReplayOptions extends RunOptions {
  readonly detections: readonly Detection[];
  /** A thread that has loaded the same detections, to run them in; and the key of the redactor. Without it all is done in this one. */
  readonly thread?: { readonly judges: JudgeThread; readonly redactionKey: Uint8Array } | undefined;
  readonly selection?: Selection;
  /** Told that the logs are not in order: all is read again in another way, and what was told before is told again. */
  readonly onSort?: () => void;
  /** Told that a replay that is gone on with had sorted the logs, and nothing of that is left: it is done again, and only the lines that were taken are left out. */
  readonly onSortAgain?: () => void;
  readonly signal?: AbortSignal;
  /** Where it is remembered how far the logs are read; goes on from there. Every visitor must be able to. */
  readonly state?: ReplayState;
  /** Least time between two savings of the state. Default 10 s. */
  readonly saveEveryMs?: number;
  /** Bounds of the merge; the defaults fit what apiservers write. */
  readonly merge?: Omit<MergeOptions, "onUnreadable">;
  /** Bounds of the reading of logs that are not in order. */
  readonly blocks?: Pick<BlockOptions, "blockBytes">;
  /** Bounds of the findings that are held in memory. */
  readonly findings?: FindingStoreOptions;
  /** Bounds of the sorting of logs that are not in order and cannot be read in any order. */
  readonly sort?: Omit<SortOptions, "onUnreadable">;
}
