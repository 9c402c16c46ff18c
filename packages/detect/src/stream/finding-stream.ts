import { isJsonObject, microseconds, timeOf } from "@auditsieve/audit";
import type { AuditEvent, JsonObject, JsonValue } from "@auditsieve/audit";
import { Correlator } from "../correlating/correlator.ts";
import type { Detection } from "../definition/detection.ts";
import type { DetectionEngine } from "../detection-engine.ts";
import { EvidenceReader, EvidenceWriter, listOf, SHOWN_EVENTS } from "../correlating/evidence-table.ts";
import type { EventCodec } from "../correlating/evidence-table.ts";
import { SuppressedCounts } from "../exceptions/suppressed-counts.ts";
import type { Finding } from "../finding.ts";
import { objectParts, onePart } from "../json-parts.ts";
import { FirstSeenStore } from "../memory/first-seen.ts";
import type { FindingStreamCounts } from "./finding-stream-counts.ts";
import type { Beside, FindingStreamOptions } from "./finding-stream-options.ts";
import { HeadQuestions } from "./head-questions.ts";
import { headOf, microsOfEvent, timeOfEvent } from "../reading/event-parts.ts";
import type { HeadView } from "../reading/head-view.ts";
import { isSettledFor, judge, NO_VERDICTS, NOTHING } from "./judge.ts";
import type { Asked } from "./judge.ts";
import { BINDINGS } from "../memory/grant-memory.ts";
import { ClusterMemory } from "../memory/cluster-memory.ts";
import type { CredentialLedger } from "../memory/credential-ledger.ts";
import type { PodChange, ToldEvent } from "../memory/pod-change.ts";
import { OpenRequests } from "./open-requests.ts";
import { QuietAnswers } from "./quiet-answers.ts";
import { Settlement } from "./settlement.ts";
import { StandingAnswers } from "./standing-answers.ts";
import type { Wanted } from "./wanted.ts";
import { ShownEvent } from "../shown-event.ts";
import type { ShowEvent } from "../shown-event.ts";
import { SNAPSHOT_VERSION, snapshotProblem } from "../snapshot-shape.ts";

/** Whether what is remembered of this event would say something about it too, if it was read twice. */
function isJudgedByItself(head: HeadView): boolean {
  return head.get("objectRef.subresource") === "ephemeralcontainers" || BINDINGS.has(head.get("objectRef.resource"));
}

const NO_FINDINGS: readonly Finding[] = [];

/**
 * Turns events into findings: one per request and detection although several stages of the request match. A hit at
 * RequestReceived waits for the next stage of its request, which says more; what never gets one is let go after
 * `holdMs` of event time, or by `flush`. Live and replay use this same class.
 *
 * @example
 * const { detections } = loadDetections(`
 * title: Nodes deleted
 * id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10
 * level: medium
 * logsource: { product: kubernetes, service: audit }
 * detection: { selection: { verb: delete, objectRef.resource: nodes }, condition: selection }
 * `, "nodes-deleted.yml");
 * const stream = new FindingStream(new DetectionEngine(detections));
 * const event = { level: "Metadata", auditID: "a", stage: "RequestReceived", requestURI: "/api/v1/nodes/n", verb: "delete",
 *   user: { username: "eve" }, objectRef: { resource: "nodes", name: "n" } };
 * assert.deepEqual(stream.push(event), []);
 * const [finding] = stream.push({ ...event, stage: "ResponseComplete", responseStatus: { code: 200 } });
 * assert.equal(finding?.summary, "eve: delete node n (delete, 200)");
 * assert.deepEqual(stream.flush(), []);
 */
export class FindingStream {
  readonly #engine: DetectionEngine;
  readonly #correlator: Correlator;
  readonly #memory: ClusterMemory;
  readonly #isMemoryShared: boolean;
  readonly #firstSeen: FirstSeenStore;
  readonly #head: HeadQuestions;
  /** What can be remembered of heads without candidates, so that events like them need not be asked about. */
  readonly quiet: QuietAnswers;
  readonly #open: OpenRequests;
  readonly #suppressed: SuppressedCounts;
  readonly #settlement: Settlement;
  /** Of the event in hand: of most events there are none, and it is used again. */
  #ready: Finding[] = [];
  #judgedByMemory: readonly Detection[] | undefined;
  #findings = 0;
  #changes = 0;

  constructor(engine: DetectionEngine, options: FindingStreamOptions & Beside<FindingStream> = {}) {
    this.#engine = engine;
    this.#suppressed = new SuppressedCounts(engine.detections);
    this.#correlator = new Correlator(engine.linked, { ...options, suppressed: this.#suppressed });
    this.#isMemoryShared = options.beside !== undefined;
    this.#memory = options.beside === undefined ? new ClusterMemory(options) : options.beside.#memory;
    this.#firstSeen = new FirstSeenStore(options.maxFirstSeen);
    const standing = new StandingAnswers(this.#memory, this.#firstSeen);
    this.#head = new HeadQuestions(engine, this.#memory, this.#firstSeen, standing);
    this.quiet = new QuietAnswers(this.#head, this.#memory, standing);
    const { maxRequests = 50_000, maxHeldLength = 64 * 1024 * 1024, holdMs = 600_000, apiserver = "" } = options;
    this.#open = new OpenRequests({ maxRequests, maxHeldLength, holdMs }, apiserver);
    this.#settlement = new Settlement({
      open: this.#open,
      correlator: this.#correlator,
      memory: this.#memory,
      firstSeen: this.#firstSeen,
      suppressed: this.#suppressed,
    });
  }

  /** Who minted which credential, as far as the events told; complete when the engine remembers `credentials`. */
  get credentials(): CredentialLedger {
    return this.#memory.credentials;
  }

  /** The detections for which an event with this head must be parsed and pushed; none: pushing it would change nothing, not even the time. */
  candidates(head: HeadView): readonly Detection[] {
    this.quiet.asking(head);
    return this.#head.candidates(head);
  }

  /** Whether anything looks at the value of the annotation with this key, so that heads with another one may have other {@link candidates}. */
  asksAnnotation(key: string): boolean {
    return this.#engine.asksAnnotation(key);
  }

  /** Whether the event pushed last may be shown by a later push: what its `show` needs must then outlive it. */
  get holdsLast(): boolean {
    return this.#settlement.holdsLast;
  }

  /**
   * Takes the next event and gives the findings that are ready. `show` makes the event that a finding may carry
   * (redacted); it is called for findings only, after this push only if {@link FindingStream.holdsLast} says so. Pass `candidates`
   * when the stream has been asked for them already, and the event's length as text where it is known.
   */
  push(
    event: AuditEvent,
    show: ShowEvent = () => ShownEvent.of(event),
    candidates?: readonly Detection[],
    length?: number,
  ): readonly Finding[] {
    const asked = candidates ?? this.candidates(headOf(event));
    if (asked.length === 0) {
      this.#settlement.holdsLast = false;
      return [];
    }
    return this.#push(event, show, this.#head.ofEvent(asked), this.#head.isUseAmong(asked), length);
  }

  /**
   * Takes an event about which a quiet answer `tells` that this is wanted of it: does what {@link FindingStream.push} would. The event must
   * say the same in every head field but `requestURI` and `objectRef.name`, and in every annotation that {@link asksAnnotation} names, as the one that was asked about.
   */
  pushWanted(wanted: Wanted, event: AuditEvent, show: ShowEvent, length: number): readonly Finding[] {
    return this.#push(event, show, wanted, false, length);
  }

  /**
   * Takes an event about which a quiet answer `tells` that `change`: does what {@link FindingStream.push} would. `whole` gives all of it, for the
   * few of which more is asked than what is `told`; undefined where the line is none after all.
   */
  tell(change: PodChange, told: ToldEvent, whole: () => AuditEvent | undefined): readonly Finding[] {
    this.#settlement.holdsLast = false;
    const { time } = told;
    const findings = this.#pass(time, told.micros);
    if (this.#open.mayBeOpen(told.idHash) && this.#open.mayBeOpenOf(told.auditID)) {
      this.#takeStage(whole(), time, findings);
    }
    this.#memory.tell(change, told, time);
    return this.#counted(findings);
  }

  /** Takes an event that is only a stage of a request. */
  #takeStage(event: AuditEvent | undefined, time: number, findings: Finding[]): void {
    if (event !== undefined) {
      const known = this.#open.known(event);
      this.#settlement.take(known, event, () => ShownEvent.of(event), time, NO_VERDICTS, undefined, findings);
    }
  }

  /**
   * Tells the time of an event that need not be pushed, so that what waits for time to pass comes out. How often it is
   * called must depend on the events alone: then the same events give the same findings.
   */
  advance(timestamp: string | undefined): readonly Finding[] {
    return this.#counted(this.#pass(timeOf({ stageTimestamp: timestamp ?? "" }), microseconds(timestamp)));
  }

  /**
   * All that earlier events told, as JSON for `restore`: memory, first-seen values, open requests, what correlations have
   * counted. `codec` says how an event is written that a later finding may carry; by default as it may leave.
   */
  snapshot(codec: EventCodec = SHOWN_EVENTS): JsonValue {
    return JSON.parse([...this.snapshotParts(codec)].join("")) as JsonValue;
  }

  /** The text of a snapshot, in parts: as a whole it may take several times what the stream itself does. Nothing may be pushed meanwhile. */
  snapshotParts(codec: EventCodec = SHOWN_EVENTS): Iterable<string> {
    const evidence = new EvidenceWriter(codec);
    return objectParts({
      ...this.#learned(),
      open: () => this.#open.snapshot(evidence),
      correlations: () => this.#correlator.snapshot(evidence),
      // Behind those that number what is in it.
      evidence: () => evidence.written(),
    });
  }

  /** A snapshot without what waits for events to come: for a stream over another log of the same cluster. */
  learned(): JsonValue {
    return JSON.parse([...this.learnedParts()].join("")) as JsonValue;
  }

  /** The text of {@link FindingStream.learned}, in parts. */
  learnedParts(): Iterable<string> {
    return objectParts(this.#learned());
  }

  #learned(): Readonly<Record<string, () => Iterable<string>>> {
    const fingerprints = this.#engine.detections.map(({ id, fingerprint = "" }) => [id, fingerprint] as const);
    return {
      version: () => onePart(SNAPSHOT_VERSION),
      detections: () => onePart(Object.fromEntries(fingerprints)),
      memory: () => (this.#isMemoryShared ? onePart(null) : this.#memory.snapshot()),
      firstSeen: () => this.#firstSeen.snapshot(),
    };
  }

  /**
   * Goes on from a snapshot; the stream must be new. What is of a detection that is gone or changed is left out. False, and
   * nothing is changed, when {@link snapshotProblem} has something against it, or its memory is another stream's.
   */
  restore(snapshot: unknown, codec: EventCodec = SHOWN_EVENTS): boolean {
    if (snapshotProblem(snapshot) !== undefined) {
      return false;
    }
    const written = snapshot as JsonObject;
    if (!this.#isMemoryShared && !this.#memory.restore(written["memory"])) {
      return false;
    }
    const before = isJsonObject(written["detections"]) ? written["detections"] : {};
    const unchanged = this.#engine.detections.filter(({ id, fingerprint = "" }) => before[id] === fingerprint);
    const kept = new Map(unchanged.map((detection) => [detection.id, detection] as const));
    const evidence = new EvidenceReader(written["evidence"], codec, kept);
    this.#firstSeen.restore(written["firstSeen"], (id) => kept.has(id));
    this.#open.restore(listOf(written["open"]), evidence);
    this.#correlator.restore(written["correlations"], evidence);
    return true;
  }

  /** Grows with everything that may change a snapshot. */
  get changes(): number {
    return this.#changes;
  }

  /** Lets go of every open request; call it when the input ends. */
  flush(): readonly Finding[] {
    return [...this.flushing()].flat();
  }

  /** The same in blocks, to be taken to the end: of a hostile log it may be more than fits into memory. */
  *flushing(): Generator<readonly Finding[], void> {
    this.#changes++;
    for (const request of this.#open.all()) {
      yield this.#counted(this.#settlement.close(request, []));
    }
    for (const findings of this.#correlator.flushing()) {
      yield this.#counted(findings);
    }
  }

  /** The counts so far. A request that has only RequestReceived in the log is not counted as undecided. */
  counts(): FindingStreamCounts {
    const { late, evicted, undecided } = this.#correlator.counts();
    return {
      findings: this.#findings,
      undecided: Object.fromEntries([...this.#settlement.undecided, ...undecided]),
      suppressed: this.#suppressed.counts(),
      evicted: this.#settlement.evicted,
      late,
      correlationEvicted: evicted,
      memoryEvicted: (this.#isMemoryShared ? 0 : this.#memory.evicted) + this.#firstSeen.evicted,
    };
  }

  #push(
    event: AuditEvent,
    show: ShowEvent,
    asked: Asked,
    isUse: boolean,
    length: number | undefined,
  ): readonly Finding[] {
    this.#settlement.holdsLast = false;
    const time = timeOfEvent(event);
    const findings = this.#pass(time, microsOfEvent(event));
    if (isUse) {
      this.#memory.credentials.observeUse(event);
    }
    const known = this.#open.known(event);
    const isSettled = isSettledFor(known, asked, this.#engine);
    const { verdicts, isFed } = isSettled ? NOTHING : judge(this.#engine, event, asked, this.#memory);
    this.#settlement.take(known, event, show, time, verdicts, length, findings);
    // Last, so that a request is judged by what was before it.
    if (isFed) {
      if (isJudgedByItself(headOf(event))) {
        // Those too that the head has ruled out: it does so by what was remembered.
        this.#judgedByMemory ??= this.#engine.detections.filter((one) => this.#engine.readsMemory(one));
        this.#settlement.passOver(event, time, this.#judgedByMemory, findings);
      }
      this.#memory.observe(event, this.#head.remembersUses);
    }
    return this.#counted(findings);
  }

  /** What comes out as the time passes on, to this one in ms and the same in microseconds. */
  #pass(time: number, micros: number): Finding[] {
    this.#changes++;
    const findings = this.#ready;
    this.#settlement.overdue(time, findings);
    const correlated = this.#correlator.advance(micros);
    if (correlated.length > 0) {
      findings.push(...correlated);
    }
    this.#memory.advance(time);
    return findings;
  }

  #counted(findings: readonly Finding[]): readonly Finding[] {
    if (findings.length === 0) {
      return NO_FINDINGS;
    }
    if (findings === this.#ready) {
      this.#ready = [];
    }
    this.#findings += findings.length;
    return findings;
  }
}
