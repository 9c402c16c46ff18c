import type { EventScan } from "@auditsieve/audit";
import type { DetectionEngine } from "@auditsieve/detect";
import type { AckWindow } from "../lines/ack-window.ts";
import type { RememberedState } from "../state/detection-state.ts";
import type { LineDeliveriesOptions } from "../lines/line-deliveries.ts";
import type { ForDelivery, SinkFeed } from "./outlet.ts";
import type { CountedRange } from "../lines/pipeline-state.ts";
import type { QuarantinedLine } from "../sinks/dead-letter.ts";
import type { SealedLine } from "../sinks/quarantine.ts";
import type { InputStates } from "../source.ts";
import type { Ledger } from "../lines/tally-ledger.ts";
import type { SinkCounter } from "../lines/tally.ts";
import type { WatchMemory } from "../alarms/watch-memory.ts";

export interface LineHandlerOptions extends LineDeliveriesOptions {
  readonly outlets: readonly {
    readonly to: SinkFeed;
    readonly counter: SinkCounter;
    /** Whether it takes deliveries whose document is the bytes that the scan holds, which is given with them. */
    readonly prepares?: boolean;
    readonly add: (delivery: ForDelivery, scan?: EventScan) => void;
  }[];
  readonly window: AckWindow;
  readonly ledger: Ledger;
  /** Whether sinks get receipts of what is dropped for them. Default false. */
  readonly receipts?: boolean;
  /** Where an earlier run has ended the receipts of an input: the first such offset behind another. */
  readonly cutAfter?: (input: string, offset: number) => number;
  /** Up to where an earlier run has counted what is dropped of an input for a sink behind an offset. */
  readonly countedUntil?: (input: string, sink: string, offset: number) => number;
  /** Told of a range before its receipts go out. */
  readonly onCounted?: (range: CountedRange) => void;
  /** Calls `settled` when the record is on the disk, and before it the raw bytes, where they are kept. */
  readonly quarantine: (line: QuarantinedLine, settled: () => void, keep?: () => Promise<void>) => void;
  /** Begins to seal the raw bytes of a line over the limit; without it they are not kept. */
  readonly sealLine?: () => SealedLine;
  /** As of the framer. */
  readonly maxLineBytes?: number | undefined;
  /** Name of the cluster; part of every id. */
  readonly cluster: string;
  /** Key of the ids, shared by all daemons of a cluster. */
  readonly idKey: Uint8Array;
  readonly detections?: DetectionEngine;
  /** Gives what the detections remembered where reading begins; asked once. */
  readonly remembered?: (() => RememberedState | undefined) | undefined;
  /** Where it is kept over restarts what shows only beside other events; a pipeline needs its `detectionState` for it. */
  readonly watched?: WatchMemory | undefined;
  /** Whether lines come again that what is remembered counts already. Default false. */
  readonly skipsRemembered?: boolean;
  /** Where what is remembered is kept by input, beside the source's position. */
  readonly states?: InputStates | undefined;
  /** Shown every decidable event before anything is cut from it; the scan holds it during the call. */
  readonly onEvent?: (scan: EventScan) => void;
  /** Told of what an operator must hear of. */
  readonly onAlarm?: (alarm: { readonly kind: string; readonly message: string }) => void;
  /** Told of lines that are no event or too long; holds nothing of the line. */
  readonly onLineAlarm?: (alarm: LineAlarm) => void;
}

/** Where the line in hand stands. */
export interface HandledLine {
  readonly offset: number;
  readonly end: number;
  readonly bytes: number;
}

/** A line that is no event, or that was too long. */
export interface LineAlarm {
  readonly kind: "undecidable" | "oversize";
  readonly source: string;
  readonly input: string;
  readonly offset: number;
  readonly bytes: number;
  readonly reason: string;
  /** Whole events that were found in an undecidable line all the same. */
  readonly salvaged?: number;
  /** What to do, where the line itself says it. */
  readonly hint?: string;
}
