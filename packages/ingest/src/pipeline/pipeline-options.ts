import type { DetectionState } from "../state/detection-state.ts";
import type { IngestError } from "../errors.ts";
import type { LineHandlerOptions } from "./line-handler-options.ts";
import type { SinkFeed } from "./outlet.ts";
import type { PipelineLimits } from "./pipeline-limits.ts";
import type { StateSection } from "../lines/pipeline-state.ts";
import type { Backoff } from "../backoff.ts";
import type { SideLogs } from "../sinks/dead-letter.ts";
import type { Source } from "../source.ts";

/** What a {@link Pipeline} runs between. */
export interface PipelineOptions extends Omit<
  LineHandlerOptions,
  | "source"
  | "outlets"
  | "window"
  | "ledger"
  | "cutAfter"
  | "countedUntil"
  | "onCounted"
  | "quarantine"
  | "lookBackBytes"
  | "remembered"
  | "skipsRemembered"
  | "states"
> {
  readonly source: Source;
  readonly feeds: readonly SinkFeed[];
  readonly sideLogs: SideLogs;
  /** Where counters and cuts are kept over restarts; saved together with the source's position. */
  readonly state?: StateSection;
  /** Where it is kept over restarts what the detections remember; needs `state`. Without it, they flush at every stop. */
  readonly detectionState?: DetectionState;
  /** No other daemon reads this source: where `state` is empty, nothing of it was delivered before. Default false. */
  readonly readsAlone?: boolean;
  readonly limits?: Partial<PipelineLimits>;
  readonly backoff?: Backoff;
  /** Told of failures that are tried again: a sink that is away, a checkpoint that cannot be written. */
  readonly onFailure?: (error: IngestError) => void;
}
