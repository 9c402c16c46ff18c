import { attributesOfScan, isLevelBelow, stripLine } from "@auditsieve/audit/stream";
import type { DecidedBy, EventScan, Level } from "@auditsieve/audit";
import { DecisionMemo, KEY_FIELDS, uriEnd } from "./decision-memo.ts";
import { evaluate, ruleMatches } from "./evaluate.ts";
import { freeName } from "./free-name.ts";
import type { Policy } from "./policy.ts";
import { conditionHolds, fieldsOf } from "./stream-condition.ts";
import type { StreamCondition } from "./stream-condition.ts";

/** What a stream policy does with an event. */
export interface StreamDecision {
  readonly action: "keep" | "strip" | "drop";
  /** Level that the event has afterwards; None for a drop. */
  readonly level: Level;
  /** Index of the rule that decided; null where none matched or a `stream.keep` condition held. */
  readonly rule: number | null;
  readonly omitManagedFields: boolean;
}

/** An audit policy with what only a stream can decide by. */
export interface StreamRules {
  readonly policy: Policy;
  /** Events for which one of these holds are kept whole. */
  readonly keep: readonly StreamCondition[];
  /** For each rule of the policy the condition that it must also meet. */
  readonly conditions: readonly (StreamCondition | undefined)[];
}

/**
 * Decides in the stream what an apiserver with the same policy would have written: None and omitted stages drop, a lower level
 * strips, a level is never raised. Decisions are remembered per distinct request, so that the repetition of control loops costs
 * a comparison.
 *
 * @example
 * const policy = new StreamPolicy({ policy: { rules: [{ level: "None", verbs: ["watch"] }, { level: "Metadata" }] }, keep: [], conditions: [] });
 * const line = Buffer.from('{"level":"Request","stage":"ResponseComplete","requestURI":"/api/v1/pods","verb":"watch","user":{"username":"x"}}');
 * const scan = new EventScan();
 * scan.scan(line, 0, line.length);
 * assert.equal(policy.decide(scan).action, "drop");
 */
export class StreamPolicy {
  readonly #rules: StreamRules;
  readonly #memo: DecisionMemo<StreamDecision>;
  /** Another kind or apiVersion would be no event at all. */
  readonly #deciding: DecidedBy["fields"];
  readonly #decisions = new Map<string, StreamDecision>();

  constructor(rules: StreamRules) {
    this.#rules = rules;
    const fields = [...new Set([...KEY_FIELDS, ...fieldsOf([...rules.keep, ...rules.conditions])])];
    this.#memo = new DecisionMemo(fields);
    this.#deciding = ["kind", "apiVersion", ...fields];
  }

  /** The rules that it decides by. */
  get rules(): StreamRules {
    return this.#rules;
  }

  /** Decides on the event last scanned; the scan must have been decidable. Equal decisions are the same object. */
  decide(scan: EventScan): StreamDecision {
    const known = this.#memo.get(scan);
    if (known !== undefined) {
      return known;
    }
    const decision = this.#shared(decideStream(this.#rules, scan));
    this.#memo.set(decision);
    return decision;
  }

  /**
   * What the decision on the event last scanned rests on: an event with these same values, the same keys and the same kinds of
   * values is decided alike.
   */
  decidedBy(scan: EventScan): DecidedBy {
    return { fields: this.#deciding, uriEnd: uriEnd(scan), name: freeName(scan, this.#rules.policy) };
  }

  /** One object for all equal decisions: whoever counts by decision stays bounded by the rules, not by the input. */
  #shared(decision: StreamDecision): StreamDecision {
    const key = `${decision.action}/${decision.level}/${decision.rule}/${decision.omitManagedFields}`;
    const known = this.#decisions.get(key);
    if (known !== undefined) {
      return known;
    }
    this.#decisions.set(key, decision);
    return decision;
  }

  /** The line last scanned as `decision` leaves it; for decisions that strip. */
  strip(scan: EventScan, decision: StreamDecision): Buffer {
    return stripLine(scan, decision);
  }
}

/** {@link StreamPolicy.decide} without its memory: the reference that the memory is tested against. */
export function decideStream(rules: StreamRules, scan: EventScan): StreamDecision {
  const { level } = scan;
  if (rules.keep.some((condition) => conditionHolds(condition, scan))) {
    return { action: "keep", level, rule: null, omitManagedFields: false };
  }
  const { rule, level: policyLevel, omitStages, omitManagedFields } = evaluateStream(rules, scan);
  if (policyLevel === "None" || omitStages.includes(scan.stage)) {
    return { action: "drop", level: "None", rule, omitManagedFields: false };
  }
  const isLower = isLevelBelow(policyLevel, level);
  const mayHoldManagedFields = omitManagedFields && (scan.has("requestObject") || scan.has("responseObject"));
  return {
    action: isLower || mayHoldManagedFields ? "strip" : "keep",
    level: isLower ? policyLevel : level,
    rule,
    omitManagedFields,
  };
}

/** The first rule that matches and whose stream condition holds, as {@link evaluate} would decide it alone. */
function evaluateStream({ policy, conditions }: StreamRules, scan: EventScan): ReturnType<typeof evaluate> {
  const attributes = attributesOfScan(scan);
  if (conditions.every((condition) => condition === undefined || conditionHolds(condition, scan))) {
    return evaluate(policy, attributes);
  }
  const index = policy.rules.findIndex((rule, i) => {
    const condition = conditions[i];
    return (condition === undefined || conditionHolds(condition, scan)) && ruleMatches(rule, attributes);
  });
  const matched = policy.rules[index];
  const decision = evaluate({ ...policy, rules: matched === undefined ? [] : [matched] }, attributes);
  return { ...decision, rule: matched === undefined ? null : index };
}
