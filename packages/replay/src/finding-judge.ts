import { FindingStream } from "@auditsieve/detect";
import type { DetectionEngine, Finding, FindingStreamCounts, HeadView } from "@auditsieve/detect";
import { scannedEvent } from "@auditsieve/ingest";
import type { ReplayedEvent } from "./replayed-event.ts";

/** One set of detections over the replayed events, asked as the daemon's pipeline asks it. */
export class FindingJudge {
  readonly #stream: FindingStream;

  constructor(engine: DetectionEngine) {
    this.#stream = new FindingStream(engine);
  }

  /** The findings that are ready after this event; `head` reads the event in hand. */
  event(event: ReplayedEvent, head: HeadView): readonly Finding[] {
    const candidates = this.#stream.candidates(head);
    if (candidates.length === 0) {
      return NONE;
    }
    // A held finding outlives the event in hand.
    return this.#stream.push(scannedEvent(event.scan, event.line()), event.keep(), candidates, event.line().length);
  }

  /** No event follows: findings that waited for a later stage of their request. */
  flush(): readonly Finding[] {
    return this.#stream.flush();
  }

  counts(): FindingStreamCounts {
    return this.#stream.counts();
  }
}

const NONE: readonly Finding[] = [];
