import type { AuditEvent, EventScan, Span } from "@auditsieve/audit";
import { ShownEvent } from "@auditsieve/detect";
import type { Finding, QuietAnswer } from "@auditsieve/detect";
import type { AlarmWatch, AlikeEvents } from "../alarms/alarm-watch.ts";
import { encodeMark } from "../state/detection-state.ts";
import type { Mark } from "../state/detection-state.ts";
import { HeadMemo } from "../detections/head-memo.ts";
import { InputDetections, NOTHING_COUNTED } from "../detections/input-detections.ts";
import type { DetectionCounts } from "../detections/input-detections.ts";
import type { AskedLine, KnownLine } from "../detections/line-detections.ts";
import { EvidenceEvent } from "../lines/evidence-event.ts";
import type { LineDeliveries } from "../lines/line-deliveries.ts";
import type { LineHandlerOptions } from "./line-handler-options.ts";
import type { Passable } from "./known-lines.ts";
import type { LineInHand } from "./line-in-hand.ts";
import type { LinePlaces } from "../lines/line-shape.ts";
import { scanHead } from "../detections/scan-head.ts";
import { scannedEvent } from "../detections/scanned-event.ts";
import { UnaskedAnnotations } from "../detections/unasked-annotations.ts";

/** To be followed by the reason. */
export const STATE_REFUSED = "What the detections remembered is not taken over, and they begin anew: ";

/** Place in what is kept of heads. */
const SEEN = 0;
const NO_FINDINGS: readonly Finding[] = [];

/** What the lines are looked at with. */
export interface LineFindingsParts {
  readonly scan: EventScan;
  readonly watch: AlarmWatch;
  readonly deliveries: LineDeliveries;
  /** The event that the scan holds, whenever {@link LineFindings.find} is called. */
  readonly line: LineInHand;
}

/** What is found about the lines of a source: by the detections, and by the watch for what shows only beside other events. */
export class LineFindings {
  /** Events whose finding has just been written, by the line's id: whoever delivers them takes them out. */
  readonly evidence: Map<string, EvidenceEvent> = new Map();
  readonly #options: LineHandlerOptions;
  readonly #scan: EventScan;
  readonly #line: LineInHand;
  /** The event in hand as detections ask for it: one object for all. */
  readonly #asked: AskedLine;
  readonly #watch: AlarmWatch;
  readonly #deliveries: LineDeliveries;
  readonly #detections: InputDetections | undefined;
  readonly #unasked: UnaskedAnnotations;
  readonly #heads: HeadMemo;

  constructor(options: LineHandlerOptions, { scan, watch, deliveries, line }: LineFindingsParts) {
    this.#options = options;
    this.#scan = scan;
    this.#line = line;
    this.#unasked = new UnaskedAnnotations((key) => options.detections?.asksAnnotation(key) === true);
    this.#heads = new HeadMemo(scan, undefined, this.#unasked);
    this.#asked = {
      scan,
      head: scanHead(scan, this.#heads),
      bytes: () => line.bytes,
      copy: () => line.copy(),
      identity: () => line.id(),
      deliveries,
    };
    this.#watch = watch;
    this.#deliveries = deliveries;
    const { detections: engine, redactor, remembered, skipsRemembered = false, states, onAlarm } = options;
    this.#detections =
      engine &&
      new InputDetections({
        engine,
        redactor,
        evidence: this.evidence,
        remembered: remembered?.(),
        skipsRemembered,
        states,
        onRefused: (reason) => onAlarm?.({ kind: "state-refused", message: `${STATE_REFUSED}${reason}` }),
      });
  }

  /** The lines that follow are of `input`. */
  begin(input: string): void {
    this.#detections?.begin(input);
  }

  /**
   * What the event in hand completes, by itself or beside others. The event of each finding is noted as evidence. Its line ends at `end` of
   * its input; `total` are the bytes of all lines up to there.
   */
  find(end: number, total: number, known?: KnownLine): readonly Finding[] {
    const detected = this.#detect(end, known);
    const watched = this.#watched(end, total);
    return watched.length === 0 ? detected : [...detected, ...watched];
  }

  /** The event in hand, where a later finding may rest on it. */
  get held(): EvidenceEvent | undefined {
    return this.#detections?.held;
  }

  /** What is needed to pass over events like the one in hand, about which nothing was found; undefined where each must be looked at. */
  passable(): Passable | undefined {
    const quiet = this.#detections === undefined ? "none" : this.#detections.answer(this.#asked);
    if (quiet === undefined || (quiet !== "none" && quiet.tells !== undefined)) {
      return undefined;
    }
    const watched = this.#watch.alike(this.#scan);
    return watched && { standing: quiet === "none" ? undefined : quiet, watched };
  }

  /**
   * What the detections want of events like the one in hand; undefined where that cannot be said, and where it is the first such event: it
   * costs more than asking about one, and who makes up heads does not send them twice.
   */
  answer(): QuietAnswer | undefined {
    const head = this.#heads.unnamed;
    if (head === undefined || head.kept[SEEN] !== true) {
      if (head !== undefined) {
        head.kept[SEEN] = true;
      }
      return undefined;
    }
    const answer = this.#detections?.answer(this.#asked);
    return answer === "none" ? undefined : answer;
  }

  /** Parts of the annotations of the event in hand on which that does not rest. Valid until the next call. */
  unasked(): readonly Span[] {
    return this.#unasked.of(this.#scan);
  }

  /** Grows whenever something has ended that such events rest on. */
  get epoch(): number | undefined {
    return this.#detections?.epoch;
  }

  /** Passes over such an event; its line ends at `end`. False, and nothing is changed, where {@link find} must look at it. */
  passOver(watched: AlikeEvents, places: LinePlaces, end: number, total: number): boolean {
    if (this.#detections?.isRemembered(end) === true) {
      return false;
    }
    this.#options.watched?.begin(total);
    return this.#watch.noteAlike(watched, places);
  }

  /** Time of the last event of the input in hand. */
  note(newest: string): void {
    this.#detections?.note(newest);
  }

  /** Tells the time although no line says it. */
  advance(timestamp: string, isLive: boolean): readonly Finding[] {
    return this.#detections === undefined
      ? NO_FINDINGS
      : this.#watch.without(this.#detections.advance(timestamp, isLive));
  }

  /** The input in hand has ended. */
  finish(): void {
    this.#detections?.finish();
  }

  /** No line follows: findings that waited for a later stage of their request come out. */
  flush(): readonly Finding[] {
    return this.#detections === undefined ? NO_FINDINGS : this.#watch.without(this.#detections.flush());
  }

  counts(): DetectionCounts {
    return this.#detections?.counts() ?? NOTHING_COUNTED;
  }

  /** Stands for what the detections remember; the same value as before when nothing has changed. */
  get remembers(): unknown {
    return this.#detections?.remembers;
  }

  /** What the detections remember, to be kept; `read` says how far each input was. Undefined when it is too large. */
  encode(read: Readonly<Record<string, number>>): Mark | undefined {
    return this.#detections === undefined ? encodeMark({ detections: ["null"], read }) : this.#detections.encode(read);
  }

  #detect(end: number, known: KnownLine | undefined): readonly Finding[] {
    if (this.#detections === undefined) {
      return NO_FINDINGS;
    }
    const findings = this.#detections.detect(this.#asked, end, known);
    return findings.length === 0 ? findings : this.#watch.without(findings);
  }

  /** An auditID that is used again. */
  #watched(end: number, total: number): readonly Finding[] {
    // What comes again was seen already: the other of two with one auditID would be found as well.
    if (this.#detections?.isRemembered(end) === true) {
      return NO_FINDINGS;
    }
    this.#options.watched?.begin(total);
    if (!this.#watch.isSuspicious(this.#scan)) {
      return NO_FINDINGS;
    }
    const bytes = this.#line.copy();
    let document: Buffer | undefined;
    const show = (): ShownEvent => {
      document = this.#options.redactor.redactLine(bytes);
      const json = document.toString("utf8");
      return ShownEvent.of(JSON.parse(json) as AuditEvent, json);
    };
    const findings = this.#watch.findings(scannedEvent(this.#scan, bytes), show);
    const [finding] = findings;
    if (finding === undefined || document === undefined) {
      return NO_FINDINGS;
    }
    const id = this.#line.id();
    this.evidence.set(id, new EvidenceEvent({ id, time: this.#deliveries.timeOf(finding.time), bytes: document }));
    return findings;
  }
}
