import { attributesOfScan, isLevelBelow, LEVELS, slotOf, stripLine } from "@auditsieve/audit/stream";
import type { DecidedBy, EventScan, Field, Level, Span } from "@auditsieve/audit";
import { DecisionMemo, KEY_FIELDS } from "./decision-memo.ts";
import { decisionOf, ruleMatches } from "../evaluate.ts";
import type { Decision } from "../evaluate.ts";
import { UriMemo } from "./free-name.ts";
import type { Policy, PolicyRule } from "../policy.ts";
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
  readonly #fields: readonly Field[];
  /** Those that rules have. */
  readonly #conditions: readonly StreamCondition[];
  #memo: DecisionMemo<StreamDecision> | undefined;
  #asked = 0;
  /** Another kind or apiVersion would be no event at all. */
  readonly #deciding: DecidedBy["fields"];
  readonly #decisions = new Map<number, StreamDecision>();
  /** What the rules say of a request, whatever became of it: stages, answers and bodies of one are decided by the same rule. */
  readonly #evaluated = new Map<string, Decision>();
  readonly #uris: UriMemo;
  /** Those that ask for namespaces. */
  readonly #ofNamespaces: readonly PolicyRule[];

  constructor(rules: StreamRules) {
    this.#rules = rules;
    this.#conditions = rules.conditions.filter((condition) => condition !== undefined);
    this.#fields = [...new Set([...KEY_FIELDS, ...fieldsOf([...rules.keep, ...rules.conditions])])];
    this.#deciding = ["kind", "apiVersion", ...this.#fields];
    this.#uris = new UriMemo(rules.policy);
    this.#ofNamespaces = rules.policy.rules.filter(({ namespaces = [] }) => namespaces.length > 0);
  }

  /** The rules that it decides by. */
  get rules(): StreamRules {
    return this.#rules;
  }

  /** Decides on the event last scanned; the scan must have been decidable. Equal decisions are the same object. */
  decide(scan: EventScan): StreamDecision {
    if (this.#asked < FEW) {
      this.#asked++;
      return this.#decideAnew(scan);
    }
    this.#memo ??= new DecisionMemo(this.#fields);
    const known = this.#memo.get(scan);
    if (known !== undefined) {
      return known;
    }
    const decision = this.#decideAnew(scan);
    this.#memo.set(decision);
    return decision;
  }

  #decideAnew(scan: EventScan): StreamDecision {
    return this.#shared(keptWhole(this.#rules, scan) ?? applied(this.#evaluate(scan), scan));
  }

  /** {@link evaluateStream}, remembered. */
  #evaluate(scan: EventScan): Decision {
    const key = this.#requestKey(scan);
    let decision = this.#evaluated.get(key);
    if (decision === undefined) {
      decision = evaluateStream(this.#rules, scan);
      if (this.#evaluated.size === MAX_REQUESTS) {
        this.#evaluated.clear();
      }
      if (key.length <= MAX_KEY_LENGTH) {
        this.#evaluated.set(key, decision);
      }
    }
    return decision;
  }

  /** All that {@link evaluateStream} looks at, without a name that it would not. */
  #requestKey(scan: EventScan): string {
    let key = `${this.#uris.decidingOf(scan)}\0${actorOf(scan)}`;
    for (let i = 0; i < this.#conditions.length; i++) {
      key += conditionHolds(this.#conditions[i] as StreamCondition, scan) ? "1" : "0";
    }
    return key;
  }

  /**
   * What the decision on the event last scanned rests on: an event with these same values, the same keys and the same kinds of
   * values is decided alike.
   */
  decidedBy(scan: EventScan): DecidedBy {
    return { fields: this.#deciding, ...this.#uris.of(scan) };
  }

  /** The namespace in the path of the event last scanned, if events with another plain one, wherever they say it, are decided alike. */
  freeNamespace(scan: EventScan): Span | undefined {
    const namespace = this.#uris.namespaceOf(scan);
    return namespace === undefined || this.#ofNamespaces.some((rule) => isForActor(rule, scan)) ? undefined : namespace;
  }

  /** One object for all equal decisions: whoever counts by decision stays bounded by the rules, not by the input. */
  #shared(decision: StreamDecision): StreamDecision {
    const { action, level, rule, omitManagedFields } = decision;
    const key =
      (((rule ?? -1) + 1) * LEVELS.length + LEVELS.indexOf(level)) * 6 +
      2 * (action === "keep" ? 0 : action === "strip" ? 1 : 2) +
      (omitManagedFields ? 1 : 0);
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
  return keptWhole(rules, scan) ?? applied(evaluateStream(rules, scan), scan);
}

function keptWhole({ keep }: StreamRules, scan: EventScan): StreamDecision | undefined {
  return keep.some((condition) => conditionHolds(condition, scan))
    ? { action: "keep", level: scan.level, rule: null, omitManagedFields: false }
    : undefined;
}

/** What a rule does to the event last scanned. */
function applied(
  { rule, level: policyLevel, omitStages, omitManagedFields }: Decision,
  scan: EventScan,
): StreamDecision {
  const { level } = scan;
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

const VERB = slotOf("verb");
const USERNAME = slotOf("user.username");
const GROUPS = slotOf("user.groups");
const REQUEST = [VERB, USERNAME, GROUPS] as const;
const MAX_REQUESTS = 2048;
const MAX_KEY_LENGTH = 2048;
/** Who asks no more often has lines of other kinds only: remembering each of them as a whole costs more than it saves. */
const FEW = 2000;

/**
 * The verb and the user as they are written: all from one to the other where they stand so, as an apiserver writes them. NUL stands in no JSON text,
 * so that fields cannot run into one another.
 */
function actorOf(scan: EventScan): string {
  const { bytes } = scan;
  const start = scan.slotStart(VERB);
  const name = scan.slotStart(USERNAME);
  // That of an absent one is where the line begins.
  if (start < name && name < scan.slotStart(GROUPS)) {
    return bytes.toString("latin1", start, scan.slotEnd(GROUPS));
  }
  let key = "";
  // By index: most lines that come here come once, and an iterator makes an object for each step.
  for (let i = 0; i < REQUEST.length; i++) {
    const slot = REQUEST[i] as number;
    const end = scan.slotEnd(slot);
    key += end === 0 ? "\0" : `\0${bytes.toString("latin1", scan.slotStart(slot), end)}`;
  }
  return key;
}

/** Whether a rule may match a request of this verb by this user; true says nothing. */
function isForActor({ verbs = [], users = [] }: PolicyRule, scan: EventScan): boolean {
  return (
    (verbs.length === 0 || verbs.includes(scan.text("verb") ?? "")) &&
    (users.length === 0 || users.includes(scan.text("user.username") ?? ""))
  );
}

/** What is decided by the first rule that matches and whose stream condition holds. */
function evaluateStream({ policy, conditions }: StreamRules, scan: EventScan): Decision {
  const attributes = attributesOfScan(scan);
  const index = policy.rules.findIndex((rule, i) => {
    const condition = conditions[i];
    return (condition === undefined || conditionHolds(condition, scan)) && ruleMatches(rule, attributes);
  });
  return decisionOf(policy, index);
}
