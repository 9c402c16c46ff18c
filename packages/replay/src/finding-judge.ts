import { FindingStream } from "@auditsieve/detect";
import type { DetectionEngine, Finding, FindingStreamCounts, HeadView } from "@auditsieve/detect";
import { AuditIdWatch, scannedEvent } from "@auditsieve/ingest";
import type { ReplayedEvent } from "./replayed-event.ts";

/** One set of detections over the replayed events, asked as the daemon's pipeline asks it. */
export class FindingJudge {
  readonly #stream: FindingStream;
  readonly #auditIds: AuditIdWatch | undefined;

  constructor(engine: DetectionEngine) {
    this.#stream = new FindingStream(engine);
    this.#auditIds = AuditIdWatch.of(engine.detections);
  }

  /** The findings that are ready after this event; `head` reads the event in hand. */
  event(event: ReplayedEvent, head: HeadView): readonly Finding[] {
    const found = this.#ask(event, head);
    const watch = this.#auditIds;
    return watch?.isUsedAgain(event.scan) === true
      ? [...found, ...watch.findings(event.original(), event.redacted())]
      : found;
  }

  /** No event follows: findings that waited for a later stage of their request. */
  flush(): readonly Finding[] {
    return this.#own(this.#stream.flush());
  }

  counts(): FindingStreamCounts {
    return this.#stream.counts();
  }

  #ask(event: ReplayedEvent, head: HeadView): readonly Finding[] {
    const candidates = this.#stream.candidates(head);
    if (candidates.length === 0) {
      return NONE;
    }
    // A held finding outlives the event in hand.
    const line = event.line();
    return this.#own(this.#stream.push(scannedEvent(event.scan, line), event.keep(), candidates, line.length));
  }

  #own(findings: readonly Finding[]): readonly Finding[] {
    const watch = this.#auditIds;
    return watch === undefined || findings.length === 0
      ? findings
      : findings.filter((finding) => !watch.replaces(finding));
  }
}

const NONE: readonly Finding[] = [];
