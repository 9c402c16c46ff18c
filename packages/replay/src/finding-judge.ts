import type { AuditEvent } from "@auditsieve/audit";
import { FindingStream } from "@auditsieve/detect";
import type { DetectionEngine, Finding, FindingStreamCounts, HeadView, QuietAnswer } from "@auditsieve/detect";
import { AuditIdWatch, scannedEvent } from "@auditsieve/ingest";
import type { HeadEntry } from "@auditsieve/ingest";
import { HEAD_PLACE } from "./replayed-event.ts";
import type { ReplayedEvent } from "./replayed-event.ts";

/** What {@link FindingJudge.restore} goes on from. */
export interface JudgeSnapshot {
  readonly stream: unknown;
  readonly auditIds: unknown;
  readonly counts: FindingStreamCounts;
}

/** What is kept for a head about which there was nothing to ask the last times. */
interface QuietHead {
  readonly stream: FindingStream;
  times: number;
  answer: QuietAnswer | undefined;
}

/** An answer that can be remembered costs several questions: only for heads that come again and again, and not at every time anew. */
const TIMES_BEFORE_ANSWER = 4;

/** One set of detections over the replayed events, asked as the daemon's pipeline asks it. */
export class FindingJudge {
  readonly #stream: FindingStream;
  readonly #auditIds: AuditIdWatch | undefined;
  /** Counts of the judge that this one goes on from: a stream's snapshot has none. */
  #before: FindingStreamCounts | undefined;

  constructor(engine: DetectionEngine) {
    this.#stream = new FindingStream(engine);
    this.#auditIds = AuditIdWatch.of(engine.detections);
  }

  /** The findings that are ready after this event; `head` reads the event in hand. */
  event(event: ReplayedEvent, head: HeadView): readonly Finding[] {
    const found = this.#ask(event, head);
    const watch = this.#auditIds;
    return watch?.isUsedAgain(event.scan) === true
      ? [...found, ...watch.findings(scannedEvent(event.scan, event.line()), () => event.redacted())]
      : found;
  }

  /** No event follows: findings that waited for a later stage of their request. */
  flush(): readonly Finding[] {
    return this.#own(this.#stream.flush());
  }

  counts(): FindingStreamCounts {
    const before = this.#before;
    const counts = this.#stream.counts();
    if (before === undefined) {
      return counts;
    }
    return {
      findings: before.findings + counts.findings,
      undecided: sums(before.undecided, counts.undecided),
      suppressed: sums(before.suppressed, counts.suppressed),
      evicted: before.evicted + counts.evicted,
      late: before.late + counts.late,
      correlationEvicted: before.correlationEvicted + counts.correlationEvicted,
      memoryEvicted: counts.memoryEvicted,
    };
  }

  /** All that was seen so far, for {@link restore}. */
  snapshot(): JudgeSnapshot {
    return { stream: this.#stream.snapshot(), auditIds: this.#auditIds?.snapshot(), counts: this.counts() };
  }

  /** Goes on from a snapshot of a judge with the same detections. */
  restore({ stream, auditIds, counts }: JudgeSnapshot): void {
    if (!this.#stream.restore(stream)) {
      throw new Error("The snapshot of the findings is of another version");
    }
    this.#auditIds?.restore(auditIds);
    this.#before = counts;
  }

  #ask(event: ReplayedEvent, head: HeadView): readonly Finding[] {
    const entry = event.head;
    const quiet = entry?.kept[HEAD_PLACE.quiet] as QuietHead | undefined;
    if (quiet?.answer?.stands === true && quiet.stream === this.#stream) {
      return NONE;
    }
    const candidates = this.#stream.candidates(head);
    if (candidates.length === 0) {
      this.#noteQuiet(entry, quiet, head);
      return NONE;
    }
    const { scan } = event;
    const scanned = scan.bytes.subarray(scan.start, scan.end);
    // What is shown later outlives the event in hand.
    let show = (): AuditEvent => event.redacted();
    const found = this.#stream.push(scannedEvent(scan, scanned), () => show(), candidates, scanned.length);
    if (this.#stream.holdsLast) {
      show = event.keep();
    }
    return this.#own(found);
  }

  #noteQuiet(entry: HeadEntry | undefined, before: QuietHead | undefined, head: HeadView): void {
    if (entry === undefined) {
      return;
    }
    const quiet = before?.stream === this.#stream ? before : { stream: this.#stream, times: 0, answer: undefined };
    entry.kept[HEAD_PLACE.quiet] = quiet;
    if (++quiet.times % TIMES_BEFORE_ANSWER === 0) {
      const answer = this.#stream.quiet.about(head);
      // One that rests on names holds for few of the events with this head.
      quiet.answer = answer?.isNamed === false ? answer : undefined;
    }
  }

  #own(findings: readonly Finding[]): readonly Finding[] {
    const watch = this.#auditIds;
    return watch === undefined || findings.length === 0
      ? findings
      : findings.filter((finding) => !watch.replaces(finding));
  }
}

const NONE: readonly Finding[] = [];

type Counts = Readonly<Record<string, number>>;

function sums(a: Counts, b: Counts): Counts {
  const sums = { ...a };
  for (const [id, count] of Object.entries(b)) {
    sums[id] = (sums[id] ?? 0) + count;
  }
  return sums;
}
