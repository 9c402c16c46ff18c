import type { AuditEvent } from "@auditsieve/audit";
import type { CorrelationHit } from "../correlation-hit.ts";
import type { Correlator } from "../correlating/correlator.ts";
import type { Detection } from "../definition/detection.ts";
import type { Verdict } from "../detection-engine.ts";
import { hasKeyword, readsSome } from "../definition/fields-read.ts";
import { exceptionFor } from "../definition/detection-exception.ts";
import type { DetectionException } from "../definition/detection-exception.ts";
import type { SuppressedCounts } from "../exceptions/suppressed-counts.ts";
import { eventReader } from "../plan/field-readers.ts";
import { digest, writeFinding } from "../finding.ts";
import type { Finding } from "../finding.ts";
import { firstSeenKeys } from "../memory/first-seen.ts";
import type { FirstSeenKeys, FirstSeenStore } from "../memory/first-seen.ts";
import type { Verdicts } from "./judge.ts";
import type { ClusterMemory } from "../memory/cluster-memory.ts";
import { SETTLED, UNDECIDED } from "./open-request.ts";
import type { OpenRequest } from "./open-request.ts";
import type { OpenRequests } from "./open-requests.ts";
import type { ShowEvent } from "../shown-event.ts";

/** What settling asks and changes. */
interface Room {
  readonly open: OpenRequests;
  readonly correlator: Correlator;
  readonly memory: ClusterMemory;
  readonly firstSeen: FirstSeenStore;
  readonly suppressed: SuppressedCounts;
}

/**
 * Settles what each detection says of each request over the request's stages: a hit at RequestReceived is held for the next stage, every
 * detection counts a request once, and what is settled becomes a finding, a hit of a correlation, a suppressed or an undecided one.
 */
export class Settlement {
  readonly #open: OpenRequests;
  readonly #correlator: Correlator;
  readonly #memory: ClusterMemory;
  readonly #firstSeen: FirstSeenStore;
  readonly #suppressed: SuppressedCounts;
  /** Requests that a detection could not decide, by detection id. */
  readonly undecided: Map<string, number> = new Map();
  /** Requests let go early because too many, or too large ones, were open. */
  evicted = 0;
  /** Whether the event taken last may be shown by a later finding; whoever pushes says first that it is not. */
  holdsLast = false;
  /** Of the event in hand, where it is known. */
  #length: number | undefined;

  constructor({ open, correlator, memory, firstSeen, suppressed }: Room) {
    this.#open = open;
    this.#correlator = correlator;
    this.#memory = memory;
    this.#firstSeen = firstSeen;
    this.#suppressed = suppressed;
  }

  /** Lets go of every request that has waited too long at `time`. */
  overdue(time: number, findings: Finding[]): void {
    for (let overdue = this.#open.overdue(time); overdue; overdue = this.#open.overdue(time)) {
      this.close(overdue, findings);
    }
  }

  /**
   * Takes what detections say of an event, a stage of the request that is `known`, if any is; findings that are ready are added. `length`: of the
   * event as text, where it is known.
   */
  take(
    known: OpenRequest | undefined,
    event: AuditEvent,
    show: ShowEvent,
    time: number,
    verdicts: Verdicts,
    length: number | undefined,
    findings: Finding[],
  ): void {
    this.#length = length;
    const request = this.#open.of(known, event, time, verdicts.length > 0);
    if (!request) {
      return;
    }
    const { standings } = request;
    if (!request.isShared) {
      for (const detection of standings.keys()) {
        const verdict = verdicts.find((one) => one.detection === detection);
        this.#settle(request, detection, verdict?.outcome ?? "miss", event, show, findings);
      }
    }
    for (let i = 0; i < verdicts.length; i++) {
      const { detection, outcome } = verdicts[i] as Verdict;
      // Those that stood have just been settled.
      if (!standings.has(detection)) {
        this.#settle(request, detection, outcome, event, show, findings);
      }
    }
    this.#open.taken(request);
    this.#letGoOfExcess(findings);
  }

  #letGoOfExcess(findings: Finding[]): void {
    for (let excess = this.#open.excess(); excess; excess = this.#open.excess()) {
      this.evicted++;
      this.close(excess, findings);
    }
  }

  /** What these detections say of the request stands, though they miss it: when it is read again, the memory has been told of it. */
  passOver(event: AuditEvent, time: number, missed: readonly Detection[], findings: Finding[]): void {
    const request = missed.length === 0 ? undefined : this.#open.of(this.#open.known(event), event, time, true);
    if (request === undefined) {
      return;
    }
    for (const detection of missed) {
      if (!request.standings.has(detection)) {
        this.#open.settle(request, detection, SETTLED);
      }
    }
    this.#open.taken(request);
    this.#letGoOfExcess(findings);
  }

  /** Settles what a request waits with, as no other stage of it is waited for. */
  close(request: OpenRequest, findings: Finding[]): readonly Finding[] {
    this.#open.close(request);
    if (request.isShared) {
      return findings;
    }
    for (const [detection, standing] of request.standings) {
      if (standing.kind === "undecided") {
        this.#countUndecided(detection);
      } else if (standing.kind === "held" && this.#isNew(request, detection, standing.keys)) {
        this.#write(request, detection, standing.show, standing.hit, standing.exception, findings);
      }
    }
    return findings;
  }

  #settle(
    request: OpenRequest,
    detection: Detection,
    outcome: "hit" | "miss" | "unknown",
    event: AuditEvent,
    show: ShowEvent,
    findings: Finding[],
  ): void {
    const before = request.standings.get(detection);
    if (before?.kind === "settled") {
      return;
    }
    if (event.stage === "RequestReceived") {
      if (outcome === "hit" && !before) {
        const length = this.#lengthOf(event);
        const hit = this.#correlator.hitOf(detection, event, request, show, length, this.#memory);
        const exception = this.#exceptionFor(detection, event);
        const keys = this.#keysOf(detection, event);
        this.#open.settle(request, detection, { kind: "held", show, length, hit, keys, exception });
        this.holdsLast = true;
      }
      return;
    }
    if (outcome === "miss" && before?.kind === "held" && isOfOneStage(detection)) {
      return;
    }
    if (outcome === "unknown" && before?.kind !== "held" && event.stage === "ResponseStarted") {
      this.#open.settle(request, detection, UNDECIDED);
      return;
    }
    this.#open.settle(request, detection, SETTLED);
    if (outcome === "unknown" && before?.kind !== "held") {
      this.#countUndecided(detection);
      return;
    }
    if (outcome === "miss" || !this.#isNew(request, detection, this.#keysOf(detection, event))) {
      return;
    }
    const exception = this.#exceptionFor(detection, event) ?? (before?.kind === "held" ? before.exception : undefined);
    const hit = this.#correlator.hitOf(detection, event, request, show, this.#lengthOf(event), this.#memory);
    const isKept = this.#write(request, detection, show, hit, exception, findings);
    this.holdsLast ||= isKept;
  }

  /** Not by writing the event as text again where that can be helped: its bodies may not be parsed yet. */
  #lengthOf(event: AuditEvent): number {
    this.#length ??= JSON.stringify(event).length;
    return this.#length;
  }

  #keysOf(detection: Detection, event: AuditEvent): FirstSeenKeys | undefined {
    return detection.firstSeen && firstSeenKeys(detection, detection.firstSeen, eventReader(event, this.#memory));
  }

  /** Whether a hit is one that a first-seen detection has not had yet; any hit of another detection is. */
  #isNew(request: OpenRequest, detection: Detection, keys: FirstSeenKeys | undefined): boolean {
    if (!detection.firstSeen) {
      return true;
    }
    const novelty = this.#firstSeen.learn(detection.firstSeen, keys, request.time);
    if (novelty === "unknown") {
      this.#countUndecided(detection);
    }
    return novelty === "new";
  }

  #exceptionFor({ exceptions }: Detection, event: AuditEvent): DetectionException | undefined {
    return exceptions && exceptionFor(exceptions, event, eventReader(event, this.#memory));
  }

  #countUndecided(detection: Detection): void {
    this.undecided.set(detection.id, (this.undecided.get(detection.id) ?? 0) + 1);
  }

  /** Whether a later finding may show the event. */
  #write(
    request: OpenRequest,
    detection: Detection,
    show: ShowEvent,
    hit: CorrelationHit | undefined,
    exception: DetectionException | undefined,
    findings: Finding[],
  ): boolean {
    if (exception) {
      this.#suppressed.add(exception.id);
      return false;
    }
    if (this.#correlator.isSilent(detection)) {
      return hit !== undefined && this.#correlator.add(hit, findings);
    }
    const shown = show();
    if (shown === undefined) {
      return false;
    }
    findings.push(writeFinding(detection, digest(detection.id, request.key), shown));
    return hit !== undefined && this.#correlator.add(hit, findings);
  }
}

const OWN_OF_A_STAGE: ReadonlySet<string> = new Set(["stage", "stageTimestamp"]);
const ofOneStage = new WeakMap<Detection, boolean>();

/**
 * Whether the condition reads what each stage has for itself: what is so at RequestReceived is not undone by what a later one says. It would depend on
 * what other detections ask, too, whether this one is asked again.
 */
function isOfOneStage(detection: Detection): boolean {
  let known = ofOneStage.get(detection);
  if (known === undefined) {
    known = readsSome(detection.condition, (field) => OWN_OF_A_STAGE.has(field)) || hasKeyword(detection.condition);
    ofOneStage.set(detection, known);
  }
  return known;
}
