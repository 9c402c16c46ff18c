import { FindingStream } from "@auditsieve/detect";
import type { Detection, DetectionEngine, Finding, FindingStreamCounts, HeadView } from "@auditsieve/detect";
import type { ReplayedEvent } from "./replayed-event.ts";

/** One set of detections over the replayed events, as the daemon's pipeline asks it. */
export class FindingJudge {
  readonly #engine: DetectionEngine;
  readonly #stream: FindingStream;

  constructor(engine: DetectionEngine) {
    this.#engine = engine;
    this.#stream = new FindingStream(engine);
  }

  /** The findings that are ready after this event; `head` reads the event in hand. */
  event(event: ReplayedEvent, head: HeadView): readonly Finding[] {
    const candidates = this.#engine.candidates(head);
    if (candidates.length === 0) {
      return NONE;
    }
    // A held finding outlives the event in hand.
    const original = event.original();
    const later = event.keep();
    return this.#stream.push(original, later, candidates);
  }

  /** No event follows: findings that waited for a later stage of their request. */
  flush(): readonly Finding[] {
    return this.#stream.flush();
  }

  get detections(): readonly Detection[] {
    return this.#engine.detections;
  }

  counts(): FindingStreamCounts {
    return this.#stream.counts();
  }
}

const NONE: readonly Finding[] = [];
