import type { EventScan } from "@auditsieve/audit";
import type { DetectionEngine, Finding, FindingStreamCounts, HeadView } from "@auditsieve/detect";
import { scanHead } from "@auditsieve/ingest/findings";
import type { HeadMemo } from "@auditsieve/ingest/findings";
import { FindingJudge } from "./finding-judge.ts";
import type { JudgeSnapshot } from "./finding-judge.ts";
import type { LogLine } from "../lines/log-line.ts";
import type { ReplayedEvent } from "../replayed-event.ts";

/** Asks the detections about the events of one run: at once, or in another thread, whose findings come later. */
export interface RunJudge {
  /** Takes the event in hand, which stands in `line`. Gives the findings that are ready, about this event or others before it. */
  event(event: ReplayedEvent, line: LogLine): readonly Finding[];
  /** So much waits to be judged that {@link RunJudge.room} must be waited for. */
  readonly isFull: boolean;
  room(): Promise<void>;
  /** Waits until all is judged that was taken. Gives the findings that have not been given, in blocks. */
  settle(take: (findings: readonly Finding[]) => void): Promise<void>;
  /** No event follows: as {@link RunJudge.settle}, and what has waited for a later event comes out too. */
  finish(take: (findings: readonly Finding[]) => void): Promise<void>;
  /** Of all that is judged, once it is finished. */
  counts(): FindingStreamCounts;
  /** Of all that is judged; to be asked when it has settled. */
  snapshot(): Promise<JudgeSnapshot>;
  /** Before the first event: goes on from a snapshot. */
  restore(snapshot: JudgeSnapshot): void;
}

/** Judges each event when it is taken. */
export class DirectJudge implements RunJudge {
  readonly isFull = false;
  readonly #judge: FindingJudge;
  readonly #head: HeadView;

  constructor(engine: DetectionEngine, scan: EventScan, memo: HeadMemo) {
    this.#judge = new FindingJudge(engine);
    this.#head = scanHead(scan, memo);
  }

  event(event: ReplayedEvent): readonly Finding[] {
    return this.#judge.event(event, this.#head);
  }

  room(): Promise<void> {
    return Promise.resolve();
  }

  settle(): Promise<void> {
    return Promise.resolve();
  }

  finish(take: (findings: readonly Finding[]) => void): Promise<void> {
    for (const findings of this.#judge.flush()) {
      take(findings);
    }
    return Promise.resolve();
  }

  counts(): FindingStreamCounts {
    return this.#judge.counts();
  }

  snapshot(): Promise<JudgeSnapshot> {
    return Promise.resolve(this.#judge.snapshot());
  }

  restore(snapshot: JudgeSnapshot): void {
    this.#judge.restore(snapshot);
  }
}
