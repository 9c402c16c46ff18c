import { EventScan, isJsonObject } from "@auditsieve/audit";
import type { AuditEvent, JsonValue, Redactor, ToldLine } from "@auditsieve/audit";
import { FindingStream, heldBySnapshot, ShownEvent, snapshotProblem } from "@auditsieve/detect";
import type {
  DetectionEngine,
  EventCodec,
  Finding,
  FindingStreamCounts,
  HeadView,
  PodChange,
  QuietAnswer,
  ShowEvent,
  Wanted,
} from "@auditsieve/detect";
import { EvidenceEvent } from "../lines/evidence-event.ts";
import type { LineDeliveries } from "../lines/line-deliveries.ts";
import { hasNullOutsideBodies, scannedEvent } from "./scanned-event.ts";
import { isWanted, keepSharedHead, sharedHeadOf } from "./told-event.ts";
import type { Documents } from "../state/detection-state.ts";

export interface LineDetectionsOptions {
  readonly engine: DetectionEngine;
  readonly redactor: Redactor;
  /** Takes the events whose finding has just been written, by the line's id. */
  readonly evidence: Map<string, EvidenceEvent>;
  /** What {@link LineDetections.snapshot} wrote in an earlier run. */
  readonly snapshot?: JsonValue | undefined;
  /** Documents that the snapshot names by the ids of their lines. */
  readonly documents?: Documents | undefined;
  /** Told why a snapshot is not taken over: what was remembered is lost. */
  readonly onRefused?: (reason: string) => void;
  /** Those of other lines of the same cluster: what they know of pods, grants and credentials is shared. */
  readonly beside?: LineDetections;
}

/** The line that is asked about. */
export interface AskedLine {
  readonly scan: EventScan;
  readonly head: HeadView;
  /** Gives the bytes that the scan holds; they hold until the next line. */
  readonly bytes: () => Buffer;
  /** Gives the line's bytes, which nobody else writes. */
  readonly copy: () => Buffer;
  readonly identity: () => string;
  readonly deliveries: LineDeliveries;
}

/** What is known of a line that is like one that was asked about before. */
export interface KnownLine {
  readonly answer: QuietAnswer;
  /** Where that tells of a change. */
  readonly told: ToldLine | undefined;
}

/** An event that was pushed, for as long as it may be shown. */
interface Pushed {
  /** While it is in hand. */
  line: AskedLine | undefined;
  event: AuditEvent | undefined;
  /** Where it is shown, or may be. */
  evidence: EvidenceEvent | undefined;
}

const NO_FINDINGS: readonly Finding[] = [];
/** Of an event whose document is gone. */
const showNothing = (): ShownEvent | undefined => ShownEvent.ofJson("{}");
/** A text that `JSON.stringify` writes as it is; TypeScript's library does not know it yet. */
const { rawJSON } = JSON as unknown as { readonly rawJSON: (json: string) => JsonValue };

/** The detections beside the lines of one source: what they find, the events that rests on, and what they remember. */
export class LineDetections {
  readonly #evidence: Map<string, EvidenceEvent>;
  readonly #redactor: Redactor;
  readonly #stream: FindingStream;
  /** Nothing is found then, and nothing is remembered for later. */
  readonly #hasNone: boolean;
  /** How an event that a later finding may carry is delivered then. */
  readonly #shown = new WeakMap<ShowEvent, EvidenceEvent>();
  readonly #written = new WeakMap<EvidenceEvent, JsonValue>();
  /** For lines that are redacted later, when another one is in hand. */
  readonly #scan = new EventScan();
  readonly #redact = (line: Buffer): Buffer =>
    this.#scan.scan(line, 0, line.length)
      ? this.#redactor.redactScanned(this.#scan, line)
      : this.#redactor.redactLine(line);
  /** Whether there may be an answer about the head of the line that was taken last. */
  #mayBeAnswered = false;
  #held: EvidenceEvent | undefined;
  /** A snapshot says how much was forgotten before. */
  readonly #forgottenBefore: number;

  constructor({ engine, redactor, evidence, snapshot, documents, onRefused, beside }: LineDetectionsOptions) {
    this.#redactor = redactor;
    this.#evidence = evidence;
    this.#hasNone = engine.detections.length === 0 && engine.feeders.size === 0;
    const streamOptions = beside === undefined ? {} : { beside: beside.#stream };
    const stream = new FindingStream(engine, streamOptions);
    const isNew = snapshot === undefined || stream.restore(snapshot, this.#codec({ from: documents }));
    if (!isNew) {
      const problem = snapshotProblem(snapshot) ?? "it holds nothing of pods, grants and credentials";
      const held = heldBySnapshot(snapshot);
      onRefused?.(held === "" ? problem : `${problem}; forgotten are ${held}`);
    }
    this.#stream = isNew ? stream : new FindingStream(engine, streamOptions);
    this.#forgottenBefore = this.#stream.counts().memoryEvicted;
  }

  /** Asks the detections, or does what is `known` of such lines already. The event of each finding is noted as evidence. */
  detect(line: AskedLine, known?: KnownLine): readonly Finding[] {
    this.leave();
    if (this.#hasNone) {
      return NO_FINDINGS;
    }
    if (known?.answer.stands === true) {
      const { told, answer } = known;
      const { tells } = answer;
      if (tells === undefined) {
        return NO_FINDINGS;
      }
      if (isWanted(tells)) {
        return this.#pushWanted(line, tells);
      }
      if (told !== undefined) {
        return this.#tell(line, tells, told);
      }
    }
    return this.#ask(line);
  }

  #pushWanted(line: AskedLine, wanted: Wanted): readonly Finding[] {
    const event = scannedEvent(line.scan, line.bytes(), line.head, sharedHeadOf(wanted));
    return this.#push(line, event, (show, length) => this.#stream.pushWanted(wanted, event, show, length));
  }

  #tell(line: AskedLine, change: PodChange, told: ToldLine): readonly Finding[] {
    return this.#stream.tell(change, told, () => scannedEvent(line.scan, line.bytes(), line.head));
  }

  #ask(line: AskedLine): readonly Finding[] {
    const candidates = this.#stream.candidates(line.head);
    this.#mayBeAnswered = this.#stream.quiet.isPossible(candidates);
    if (candidates.length === 0) {
      return NO_FINDINGS;
    }
    const event = scannedEvent(line.scan, line.bytes(), line.head);
    return this.#push(line, event, (show, length) => this.#stream.push(event, show, candidates, length));
  }

  #push(
    line: AskedLine,
    event: AuditEvent,
    push: (show: ShowEvent, length: number) => readonly Finding[],
  ): readonly Finding[] {
    const pushed: Pushed = { line, event, evidence: undefined };
    const show = (): ShownEvent | undefined => this.#show(this.#evidenceOf(pushed), pushed.event);
    const findings = push(show, line.bytes().length);
    if (this.#stream.holdsLast) {
      pushed.evidence?.hold();
      this.#held = pushed.evidence ??= this.#evidenceIn(line, event, line.bytes().toString("latin1"));
      this.#shown.set(show, this.#held);
    }
    // What is held for long must not hold what was parsed of the event.
    pushed.line = undefined;
    pushed.event = undefined;
    return findings;
  }

  /** The line in hand is not to be asked about. */
  leave(): void {
    this.#mayBeAnswered = false;
    this.#held = undefined;
  }

  /** The line that was taken last, where a later finding may rest on it. */
  get held(): EvidenceEvent | undefined {
    return this.#held;
  }

  /**
   * What is to be done about lines with the head of the one that was asked about last: "none" where there are no detections; undefined where that
   * cannot be said.
   */
  answer({ scan, head, bytes }: AskedLine): QuietAnswer | "none" | undefined {
    if (this.#hasNone) {
      return "none";
    }
    const answer = this.#mayBeAnswered ? this.#stream.quiet.about(head) : undefined;
    if (isWanted(answer?.tells)) {
      // That something is null is not seen in a head.
      if (hasNullOutsideBodies(scan, bytes())) {
        return undefined;
      }
      keepSharedHead(answer.tells, head);
    }
    return answer;
  }

  /** Grows whenever such an answer has ended. */
  get epoch(): number {
    return this.#stream.quiet.epoch;
  }

  /** Tells the time, so that what waits for time to pass comes out although nothing is asked. */
  advance(timestamp: string): readonly Finding[] {
    return this.#stream.advance(timestamp);
  }

  /** The input has ended: what waits comes out. */
  flush(): readonly Finding[] {
    return this.#stream.flush();
  }

  /** Since the start. */
  counts(): FindingStreamCounts {
    const counts = this.#stream.counts();
    return { ...counts, memoryEvicted: counts.memoryEvicted - this.#forgottenBefore };
  }

  /**
   * All that is remembered, redacted, as parts of its JSON; the same as before as long as {@link LineDetections.changes} is. With
   * `documents` it names them by the ids of their lines, and they are added there. To be gone through before anything else is asked.
   */
  snapshot(documents?: Map<string, string>): Iterable<string> {
    return this.#stream.snapshotParts(this.#codec({ to: documents }));
  }

  /** Grows with everything that may change what is remembered. */
  get changes(): number {
    return this.#stream.changes;
  }

  /** What was learned, without what waits for events to come. */
  learned(): JsonValue {
    return this.#stream.learned();
  }

  /** The same as parts of its JSON. */
  learnedParts(): Iterable<string> {
    return this.#stream.learnedParts();
  }

  /** Copies the line and says who it is only when the event is to be shown. */
  #evidenceOf(pushed: Pushed): EvidenceEvent {
    const line = pushed.line as AskedLine;
    return (pushed.evidence ??= this.#evidenceIn(line, pushed.event as AuditEvent, line.copy()));
  }

  #evidenceIn({ identity, deliveries }: AskedLine, event: AuditEvent, bytes: Buffer | string): EvidenceEvent {
    const time = deliveries.timeOf(event.stageTimestamp, event.requestReceivedTimestamp);
    return new EvidenceEvent({ id: identity(), time, bytes, redact: this.#redact });
  }

  #showing(evidence: EvidenceEvent): ShowEvent {
    const show = (): ShownEvent | undefined => this.#show(evidence);
    this.#shown.set(show, evidence);
    return show;
  }

  /** With the event that was read from its line, as long as that can be asked. */
  #show(evidence: EvidenceEvent, read?: AuditEvent): ShownEvent | undefined {
    this.#evidence.set(evidence.id, evidence);
    const json = evidence.document.toString("utf8");
    return ShownEvent.ofJson(json, evidence.isAsItWas ? read : undefined);
  }

  /** Snapshots are written again and again, and what they hold most of is documents: each is made a string of JSON once. */
  #writtenOf(evidence: EvidenceEvent): JsonValue {
    let written = this.#written.get(evidence);
    if (written === undefined) {
      written = [evidence.id, evidence.time, rawJSON(JSON.stringify(evidence.document.toString("utf8")))];
      this.#written.set(evidence, written);
    }
    return written;
  }

  #codec({
    from,
    to,
  }: {
    readonly from?: Documents | undefined;
    readonly to?: Map<string, string> | undefined;
  }): EventCodec {
    return {
      write: (show) => {
        const evidence = this.#shown.get(show);
        if (evidence === undefined || to === undefined) {
          return evidence === undefined ? null : this.#writtenOf(evidence);
        }
        to.set(evidence.id, evidence.text);
        return [evidence.id, evidence.time];
      },
      read: (written) => {
        const [id, time, text] = Array.isArray(written) ? (written as readonly JsonValue[]) : [];
        if (typeof id !== "string" || typeof time !== "string") {
          return showNothing;
        }
        const bytes = typeof text === "string" ? Buffer.from(text).toString("latin1") : from?.get(id);
        const evidence = bytes === undefined ? undefined : new EvidenceEvent({ id, time, bytes });
        return evidence !== undefined && isJsonObject(JSON.parse(evidence.document.toString("utf8")))
          ? this.#showing(evidence)
          : showNothing;
      },
    };
  }
}
