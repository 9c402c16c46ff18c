import { slotOf } from "@auditsieve/audit";
import type { EventScan } from "@auditsieve/audit";
import { FindingStream } from "@auditsieve/detect";
import type {
  DetectionEngine,
  Finding,
  FindingStreamCounts,
  HeadView,
  QuietAnswer,
  ShownEvent,
} from "@auditsieve/detect";
import { AuditIdWatch, scannedEvent } from "@auditsieve/ingest/findings";
import { HEAD_PLACE } from "../replayed-event.ts";
import type { ReplayedEvent } from "../replayed-event.ts";

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
  /** How often there must have been nothing to ask before an answer is looked for. */
  next: number;
  answer: QuietAnswer | undefined;
  /** URI and name of the object that an answer holds for, where it rests on them. */
  names: Buffer;
}

/** An answer that can be remembered costs several questions: only for heads that come again and again, and not at every time anew. */
const TIMES_BEFORE_ANSWER = 4;
const NAMES: readonly number[] = (["requestURI", "objectRef.name"] as const).map(slotOf);
const NO_NAMES = Buffer.alloc(0);

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

  /**
   * The findings that are ready after this event; `head` reads the event in hand. `isUsedAgain`: whether its Audit-ID is, where
   * another watch has looked.
   */
  event(
    event: ReplayedEvent,
    head: HeadView,
    isUsedAgain: boolean = this.#auditIds?.isUsedAgain(event.scan) ?? false,
  ): readonly Finding[] {
    const found = this.#ask(event, head);
    const watch = this.#auditIds;
    return isUsedAgain && watch !== undefined
      ? [...found, ...watch.findings(scannedEvent(event.scan, event.line()), () => event.shown())]
      : found;
  }

  /** No event follows: findings that waited for a later stage of their request, in blocks; to be taken to the end. */
  *flush(): Generator<readonly Finding[], void> {
    for (const findings of this.#stream.flushing()) {
      yield this.#own(findings);
    }
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
    if (quiet?.answer?.stands === true && quiet.stream === this.#stream && isAnswered(quiet, event.scan)) {
      return NONE;
    }
    const candidates = this.#stream.candidates(head);
    if (candidates.length === 0) {
      this.#noteQuiet(event, quiet, head);
      return NONE;
    }
    const { scan } = event;
    const scanned = scan.bytes.subarray(scan.start, scan.end);
    // What is shown later outlives the event in hand.
    let show = (): ShownEvent => event.shown();
    const found = this.#stream.push(scannedEvent(scan, scanned, head), () => show(), candidates, scanned.length);
    if (this.#stream.holdsLast) {
      show = event.keep();
    }
    return this.#own(found);
  }

  #noteQuiet({ head: entry, scan }: ReplayedEvent, before: QuietHead | undefined, head: HeadView): void {
    if (entry === undefined) {
      return;
    }
    const stream = this.#stream;
    const quiet =
      before?.stream === stream
        ? before
        : { stream, times: 0, next: TIMES_BEFORE_ANSWER, answer: undefined, names: NO_NAMES };
    entry.kept[HEAD_PLACE.quiet] = quiet;
    if (++quiet.times >= quiet.next) {
      quiet.answer = stream.quiet.about(head);
      const isForAll = quiet.answer?.isNamed === false;
      // One that rests on names holds only for objects that come again: less and less is tried where they do not.
      quiet.next = quiet.times + (isForAll ? TIMES_BEFORE_ANSWER : quiet.times);
      quiet.names = isForAll ? NO_NAMES : namesOf(scan);
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

/** Whether the answer holds for the event last scanned, whose head is the same but for the names. */
function isAnswered({ answer, names }: QuietHead, scan: EventScan): boolean {
  if (answer?.isNamed === false) {
    return true;
  }
  const { bytes } = scan;
  let at = 0;
  for (const slot of NAMES) {
    const end = scan.slotEnd(slot);
    for (let from = end === 0 ? 0 : scan.slotStart(slot); from < end; from++, at++) {
      if (bytes[from] !== names[at]) {
        return false;
      }
    }
    if (names[at++] !== 0) {
      return false;
    }
  }
  return true;
}

/** The bytes of the names, a 0 behind each, which stands in no JSON text. */
function namesOf(scan: EventScan): Buffer {
  const zero = Buffer.alloc(1);
  return Buffer.concat(
    NAMES.flatMap((slot) => {
      const end = scan.slotEnd(slot);
      return [scan.bytes.subarray(end === 0 ? 0 : scan.slotStart(slot), end), zero];
    }),
  );
}

type Counts = Readonly<Record<string, number>>;

function sums(a: Counts, b: Counts): Counts {
  const sums = { ...a };
  for (const [id, count] of Object.entries(b)) {
    sums[id] = (sums[id] ?? 0) + count;
  }
  return sums;
}
