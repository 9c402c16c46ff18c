import type { AuditEvent } from "@auditsieve/audit";
import { BodyVerdicts, LeftConditions } from "./plan/body-verdicts.ts";
import type { AskedEvent, BodyVerdict } from "./plan/body-verdicts.ts";
import { evaluate } from "./condition/evaluate.ts";
import type { FieldReader, Truth } from "./condition/evaluate.ts";
import type { Expression } from "./condition/expression.ts";
import { ALWAYS } from "./condition/simplify.ts";
import { fieldsRead, fieldsReadBy } from "./definition/fields-read.ts";
import type { CorrelationField } from "./definition/correlation.ts";
import type { Detection } from "./definition/detection.ts";
import { exceptionFor } from "./definition/detection-exception.ts";
import { eventReader } from "./plan/field-readers.ts";
import { HeadPlan } from "./plan/head-plan.ts";
import { headOf } from "./reading/event-parts.ts";
import type { HeadView } from "./reading/head-view.ts";
import { linkCorrelations } from "./definition/link-correlations.ts";
import type { LinkedCorrelations } from "./definition/link-correlations.ts";
import type { ClusterMemory } from "./memory/cluster-memory.ts";
import { ISSUED_CREDENTIAL_ID } from "./memory/credential-ledger.ts";
import { feederOf } from "./feeders.ts";
import { REMEMBERED_FIELDS, rememberedField } from "./condition/remembered-fields.ts";
import type { MemoryPart } from "./condition/remembered-fields.ts";

/** What a detection says of an event. */
export type Outcome = "hit" | "miss" | "unknown";

/** A detection that an event hits, or about which the log does not say enough. */
export interface Verdict {
  readonly detection: Detection;
  readonly outcome: "hit" | "unknown";
}

/** What was evaluated of an event, and what it rests on. */
export interface Evaluated {
  readonly verdicts: readonly Verdict[];
  /** Whether an event of an alike head, of whose body is said the same, has the same verdicts whatever else it says. */
  readonly isLasting: boolean;
  readonly ofBody: BodyVerdict | undefined;
}

/** How a {@link DetectionEngine} works. */
export interface DetectionEngineOptions {
  /** What is to be remembered beside what the detections read: `["credentials"]` keeps the whole ledger. */
  readonly remember?: readonly MemoryPart[];
}

/**
 * Runs detections over a stream. Most lines are settled by their head alone: the condition is evaluated with every
 * other field unknown, and what is a miss then stays one. Such answers are remembered.
 *
 * @example
 * const { detections } = loadDetections(`
 * title: Nodes deleted
 * id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10
 * level: medium
 * logsource: { product: kubernetes, service: audit }
 * detection: { selection: { verb: delete, objectRef.resource: nodes }, condition: selection }
 * `, "nodes-deleted.yml");
 * const engine = new DetectionEngine(detections);
 * const event = { level: "Metadata", auditID: "a", stage: "ResponseComplete", requestURI: "/api/v1/nodes/n", verb: "delete",
 *   user: { username: "eve" }, objectRef: { resource: "nodes", name: "n" } };
 * assert.equal(engine.mayHit(headOf(event)), true);
 * assert.equal(engine.evaluate(event)[0]?.outcome, "hit");
 * assert.equal(engine.mayHit(headOf({ ...event, verb: "get" })), false);
 */
export class DetectionEngine {
  readonly detections: readonly Detection[];
  /** The correlations among them, each with what it names; `problems` say which name what is not there. */
  readonly linked: LinkedCorrelations;
  /** What the detections' fields make it necessary to remember. */
  readonly remembers: ReadonlySet<MemoryPart>;
  /** Stand for what the memory learns from: candidates like detections, but nothing that anybody finds. */
  readonly feeders: ReadonlySet<Detection>;
  /** Fields at or below the annotations that anything reads. */
  readonly #annotations: readonly string[];
  readonly #plan: HeadPlan;
  readonly #bodies = new BodyVerdicts();
  readonly #readsMemory = new Map<Detection, boolean>();

  constructor(detections: readonly Detection[], options: DetectionEngineOptions = {}) {
    this.detections = detections;
    this.linked = linkCorrelations(detections);
    const named = detections.flatMap((detection) => [...fieldsOf(detection)]);
    this.remembers = new Set([
      ...(options.remember ?? []),
      ...named.flatMap((field) => rememberedField(field)?.parts ?? []),
    ]);
    this.feeders = new Set([...this.remembers].map(feederOf));
    const read = [...this.feeders].flatMap((feeder) => [...fieldsReadBy(feeder)]);
    this.#annotations = [...named, ...read, ...detections.flatMap(correlatedBy), ...READ_ANYWAY].filter((field) =>
      field.startsWith(ANNOTATIONS),
    );
    this.#plan = new HeadPlan([...detections, ...this.feeders]);
  }

  /** Whether the event with this head must be parsed; when false, {@link evaluate} gives nothing for it. */
  mayHit(head: HeadView): boolean {
    return this.candidates(head).length > 0;
  }

  /**
   * Whether a condition, an exception, a correlation or what is remembered reads the annotation with this key by name. A search through
   * all that an event says does not count: heads never answer it.
   */
  asksAnnotation(key: string): boolean {
    const field = `${ANNOTATIONS}.${key}`;
    return this.#annotations.some((read) => read === ANNOTATIONS || read === field || read.startsWith(`${field}.`));
  }

  /** Whether a detection's condition asks what is remembered, which then is not forgotten next. */
  readsMemory(detection: Detection): boolean {
    const known = this.#readsMemory.get(detection);
    if (known !== undefined) {
      return known;
    }
    const reads = [...fieldsReadBy(detection)].some((field) => rememberedField(field) !== undefined);
    this.#readsMemory.set(detection, reads);
    return reads;
  }

  /** The detections that the head does not rule out, in their order. */
  candidates(head: HeadView, memory?: ClusterMemory): readonly Detection[] {
    return this.#plan.candidates(head, memory);
  }

  /**
   * What names say where conditions look at them, as a small number: heads that differ from this one in names alone, and have the same number,
   * have the same candidates. Undefined where that cannot be said.
   */
  saidOfNames(head: HeadView): number | undefined {
    return this.#plan.saidOfNames(head);
  }

  /** Whether a head that differs from this one in names alone might have other candidates. */
  isNamed(head: HeadView): boolean {
    return this.#plan.isNamed(head);
  }

  /** Whether all heads that differ from this one in plain names alone have the same candidates as it; false says nothing. */
  areForPlainNames(head: HeadView): boolean {
    return this.#plan.areForPlainNames(head);
  }

  /** Whether a head that differs from this one in its namespace alone might have other candidates; true says nothing. */
  isOfNamespace(head: HeadView): boolean {
    return this.#plan.isOfNamespace(head);
  }

  /** What an event with this head leaves of the conditions of its candidates: it comes out as the whole does. */
  rest(head: HeadView): ReadonlyMap<Detection, Expression> {
    return this.#plan.rest(head);
  }

  /** The same, as {@link evaluate} takes it. */
  left(head: HeadView): LeftConditions {
    return this.keep(head, this.#bodies, () => new LeftConditions(this.rest(head)));
  }

  /** What `make` gives once for all heads that differ from this one at most in names: it must depend on nothing else. */
  keep<Value>(head: HeadView, key: unknown, make: () => Value): Value {
    return this.#plan.keep(head, key, make);
  }

  /**
   * The verdicts on a decoded event; misses are left out, and at RequestReceived also what is unknown, because the
   * request's next stage decides. Pass `candidates` when the head has been asked already, and what it leaves of their conditions.
   */
  evaluate(
    event: AuditEvent,
    candidates: readonly Detection[] = this.candidates(headOf(event)),
    memory?: ClusterMemory,
    left?: LeftConditions,
  ): readonly Verdict[] {
    return this.evaluateLike(event, candidates, memory, left, undefined).verdicts;
  }

  /** The same of an event after another one of an alike head, with the same candidates: as that was evaluated `before`, where it comes out as that. */
  evaluateLike(
    event: AuditEvent,
    candidates: readonly Detection[],
    memory: ClusterMemory | undefined,
    left: LeftConditions | undefined,
    before: Evaluated | undefined,
  ): Evaluated {
    const asked = new EventAsked(event, memory);
    const ofBody = left && this.#bodies.about(event, left, asked);
    if (before?.isLasting === true && before.ofBody === ofBody) {
      return before;
    }
    let verdicts = NO_VERDICTS;
    let isLasting = true;
    for (let i = 0; i < candidates.length; i++) {
      const detection = candidates[i] as Detection;
      const condition = left?.of(detection) ?? detection.condition;
      if (condition === ALWAYS) {
        verdicts = withOne(verdicts, { detection, outcome: "hit" });
        continue;
      }
      // Known to be unknown is not open.
      const known = ofBody === undefined ? "open" : ofBody.of(detection);
      isLasting &&= known !== "open";
      const outcome = outcomeOf(known === "open" ? asked.of(condition) : known);
      if (outcome !== "miss" && !(outcome === "unknown" && event.stage === "RequestReceived")) {
        verdicts = withOne(verdicts, { detection, outcome });
      }
    }
    return { verdicts, isLasting, ofBody };
  }
}

const NO_VERDICTS: readonly Verdict[] = [];

/** Mostly there is none, or one: a list to which something is put has room for sixteen more. */
function withOne(verdicts: readonly Verdict[], one: Verdict): readonly Verdict[] {
  return verdicts.length === 0 ? [one] : [...verdicts, one];
}

/** Its fields are read by one reader, made when it is first needed. */
class EventAsked implements AskedEvent {
  readonly #event: AuditEvent;
  readonly #memory: ClusterMemory | undefined;
  #reader: FieldReader | undefined;

  constructor(event: AuditEvent, memory: ClusterMemory | undefined) {
    this.#event = event;
    this.#memory = memory;
  }

  of(condition: Expression): Truth {
    return evaluate(condition, (this.#reader ??= eventReader(this.#event, this.#memory)));
  }
}

/**
 * One detection on one event, without an engine. What it asks of earlier events is unknown without a `memory`.
 *
 * @example
 * const { detections: [detection] } = loadDetections(`
 * title: Host process namespace
 * id: 0c2f7f39-5d3e-4a51-8a9f-4b8f4b5d7c11
 * level: high
 * logsource: { product: kubernetes, service: audit }
 * detection: { selection: { requestObject.spec.hostPID: true }, condition: selection }
 * `, "host-pid.yml");
 * const event = { level: "Metadata", auditID: "a", stage: "ResponseComplete", requestURI: "/api/v1/namespaces/a/pods",
 *   verb: "create", user: { username: "eve" }, objectRef: { resource: "pods", namespace: "a" } };
 * assert.equal(evaluateDetection(detection, event), "unknown");
 * assert.equal(evaluateDetection(detection, { ...event, level: "Request", requestObject: { spec: { hostPID: true } } }), "hit");
 */
export function evaluateDetection(detection: Detection, event: AuditEvent, memory?: ClusterMemory): Outcome {
  const reader = eventReader(event, memory);
  const outcome = outcomeOf(evaluate(detection.condition, reader));
  return outcome === "hit" && exceptionFor(detection.exceptions, event, reader) ? "miss" : outcome;
}

function outcomeOf(truth: Truth): Outcome {
  return truth === undefined ? "unknown" : truth ? "hit" : "miss";
}

function fieldsOf(detection: Detection): ReadonlySet<string> {
  const { firstSeen, exceptions = [] } = detection;
  const named = [...(firstSeen?.fields ?? []), ...(firstSeen?.per ?? [])].flatMap(pathsOf);
  const excusing = exceptions.flatMap((exception) => [...fieldsRead(exception.condition)]);
  return new Set([...fieldsReadBy(detection), ...excusing, ...named]);
}

function correlatedBy({ correlation }: Detection): readonly string[] {
  return correlation === undefined ? [] : [...correlation.groupBy, ...correlation.fields].flatMap(pathsOf);
}

function pathsOf({ paths, perDetection }: CorrelationField): readonly string[] {
  return [...paths, ...[...perDetection.values()].flat()].map(({ text }) => text);
}

const ANNOTATIONS = "annotations";
/** What is read of any event, whatever the detections ask for. */
const READ_ANYWAY: readonly string[] = [
  ...Object.values(REMEMBERED_FIELDS).flatMap(({ reads }) => reads),
  `${ANNOTATIONS}.${ISSUED_CREDENTIAL_ID}`,
  `${ANNOTATIONS}.audit.k8s.io/truncated`,
];
