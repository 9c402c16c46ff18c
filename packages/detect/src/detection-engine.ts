import type { AuditEvent } from "@auditsieve/audit";
import { evaluate } from "./condition/evaluate.ts";
import type { Truth } from "./condition/evaluate.ts";
import { fieldsRead } from "./condition/fields-read.ts";
import type { Detection } from "./detection.ts";
import { eventReader } from "./field-readers.ts";
import { HEAD_FIELDS, headFieldOf, headOf, isWide } from "./head-view.ts";
import type { HeadField, HeadView } from "./head-view.ts";
import { linkCorrelations } from "./link-correlations.ts";
import type { LinkedCorrelations } from "./link-correlations.ts";
import type { ClusterMemory } from "./memory/cluster-memory.ts";
import { feederOf } from "./memory/feeders.ts";
import { MEMORY_ROOT, rememberedField } from "./memory/remembered-fields.ts";
import type { MemoryPart } from "./memory/remembered-fields.ts";
import { mayMatter } from "./prefilter.ts";
import { TupleMemo } from "./tuple-memo.ts";

/** What a detection says of an event. */
export type Outcome = "hit" | "miss" | "unknown";

/** A detection that an event hits, or about which the log does not say enough. */
export interface Verdict {
  readonly detection: Detection;
  readonly outcome: "hit" | "unknown";
}

/** Fields that decide what is absent and what unknown are part of every memo key. */
const DECIDING: readonly HeadField[] = [
  "stage",
  "verb",
  "objectRef.resource",
  "objectRef.subresource",
  "responseStatus.code",
];
const MAX_REMEMBERED = 8192;

/** What the head alone says, whatever was before it. */
interface Found {
  readonly stateless: readonly Detection[];
  /** Whether the memory has a say in one of them. */
  readonly isMemory: boolean;
}

interface Noted {
  readonly engine: DetectionEngine;
  readonly found: Found;
}

/** How a {@link DetectionEngine} works. */
export interface DetectionEngineOptions {
  /** What is to be remembered beside what the detections read: `["credentials"]` keeps the whole ledger. */
  readonly remember?: readonly MemoryPart[];
}

/**
 * Runs detections over a stream. Most lines are settled by their head alone: the condition is evaluated with every
 * other field unknown, and what is a miss then stays one. That answer is remembered per tuple of the head fields that
 * the detections really read.
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
  readonly #asked: readonly Detection[];
  readonly #keyFields: readonly HeadField[];
  readonly #readsWide: ReadonlySet<Detection>;
  readonly #readsMemory: ReadonlySet<Detection>;
  readonly #narrow = new TupleMemo<readonly Detection[]>(MAX_REMEMBERED);

  constructor(detections: readonly Detection[], options: DetectionEngineOptions = {}) {
    this.detections = detections;
    this.linked = linkCorrelations(detections);
    const named = detections.flatMap((detection) => [...fieldsOf(detection)]);
    this.remembers = new Set([
      ...(options.remember ?? []),
      ...named.flatMap((field) => rememberedField(field)?.parts ?? []),
    ]);
    this.feeders = new Set([...this.remembers].map(feederOf));
    this.#asked = [...detections, ...this.feeders];
    const inCondition = new Set(this.#asked.flatMap(({ condition }) => [...fieldsRead(condition)]));
    this.#keyFields = HEAD_FIELDS.filter(
      (field) => DECIDING.includes(field) || (inCondition.has(field) && !isWide(field)),
    );
    this.#readsWide = new Set(this.#asked.filter(({ condition }) => [...fieldsRead(condition)].some(isPerEvent)));
    this.#readsMemory = new Set(this.#asked.filter(({ condition }) => [...fieldsRead(condition)].some(isOfMemory)));
  }

  /** Whether the event with this head must be parsed; when false, {@link evaluate} gives nothing for it. */
  mayHit(head: HeadView): boolean {
    return this.candidates(head).length > 0;
  }

  /** The detections that the head does not rule out, in their order. */
  candidates(head: HeadView, memory?: ClusterMemory): readonly Detection[] {
    const { engine, found } = (head.recall?.() ?? {}) as Partial<Noted>;
    if (engine === this && found) {
      return this.#now(found, head, memory);
    }
    const narrow = this.#narrowCandidates(head);
    const stateless = narrow.some((detection) => this.#readsWide.has(detection))
      ? narrow.filter((one) => !this.#readsWide.has(one) || mayMatter(one.condition, head, false))
      : narrow;
    const isMemory = stateless.some((detection) => this.#readsMemory.has(detection));
    const made: Found = { stateless, isMemory };
    head.note?.({ engine: this, found: made } satisfies Noted);
    return this.#now(made, head, memory);
  }

  /**
   * The verdicts on a decoded event; misses are left out, and at RequestReceived also what is unknown, because the
   * request's next stage decides. Pass `candidates` when the head has been asked already.
   */
  evaluate(
    event: AuditEvent,
    candidates: readonly Detection[] = this.candidates(headOf(event)),
    memory?: ClusterMemory,
  ): readonly Verdict[] {
    if (candidates.length === 0) {
      return [];
    }
    const reader = eventReader(event, memory);
    const isEarly = event.stage === "RequestReceived";
    return candidates.flatMap((detection) => {
      const outcome = outcomeOf(evaluate(detection.condition, reader));
      return outcome === "miss" || (isEarly && outcome === "unknown") ? [] : [{ detection, outcome }];
    });
  }

  /** What the memory says changes under the same head. */
  #now({ stateless, isMemory }: Found, head: HeadView, memory: ClusterMemory | undefined): readonly Detection[] {
    return isMemory && memory
      ? stateless.filter((one) => !this.#readsMemory.has(one) || mayMatter(one.condition, head, false, memory))
      : stateless;
  }

  #narrowCandidates(head: HeadView): readonly Detection[] {
    const tuple = this.#keyFields.map((field) => head.get(field));
    return this.#narrow.get(tuple, () => this.#asked.filter(({ condition }) => mayMatter(condition, head, true)));
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
  return outcomeOf(evaluate(detection.condition, eventReader(event, memory)));
}

function outcomeOf(truth: Truth): Outcome {
  return truth === undefined ? "unknown" : truth ? "hit" : "miss";
}

/** Fields of so many values that answers about them are not worth remembering per tuple. */
function isPerEvent(field: string): boolean {
  const held = headFieldOf(field);
  return held !== undefined && isWide(held);
}

function isOfMemory(field: string): boolean {
  return field.startsWith(`${MEMORY_ROOT}.`);
}

function fieldsOf({ condition, firstSeen }: Detection): ReadonlySet<string> {
  const named = [...(firstSeen?.fields ?? []), ...(firstSeen?.per ?? [])].flatMap(({ paths }) => paths);
  return new Set([...fieldsRead(condition), ...named.map(({ text }) => text)]);
}
