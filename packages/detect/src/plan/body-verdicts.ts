import { KeyEndings } from "@auditsieve/audit";
import type { AuditEvent } from "@auditsieve/audit";
import type { Truth } from "../condition/evaluate.ts";
import type { Expression } from "../condition/expression.ts";
import { fieldPath } from "../condition/field-path.ts";
import { fieldsRead } from "../definition/fields-read.ts";
import type { Detection } from "../definition/detection.ts";
import { hasBody, headOf, lacksKeys, spellingOf } from "../reading/event-parts.ts";
import { isBodyUnknown } from "../reading/recorded.ts";

const BODY = "requestObject";
/** So many fields are looked for in a body in less time than it takes to find what is known of it. */
const FEW_FIELDS = 4;
/** Longer bodies are rarely written twice. */
const MAX_BODY = 16 * 1024;
const MAX_REMEMBERED = 8192;
const MAX_TOTAL_LENGTH = 4 * 1024 * 1024;

/** What alike heads leave of conditions. Make one for all heads that leave the same. */
export class LeftConditions {
  readonly #conditions: ReadonlyMap<Detection, Expression>;
  #ofBody: ReadonlyMap<Detection, Expression> | undefined;
  #isMet = false;
  #isMuch: boolean | undefined;
  #keys: KeyEndings | null | undefined;
  #ofNothingMet: BodyVerdict | undefined;
  /** What no body says, where it is absent and where it is unknown. */
  #ofAbsent: BodyVerdict | undefined;
  #ofUnknown: BodyVerdict | undefined;

  constructor(conditions: ReadonlyMap<Detection, Expression>) {
    this.#conditions = conditions;
  }

  of(detection: Detection): Expression {
    return this.#conditions.get(detection) ?? detection.condition;
  }

  /** Those that the body of the request decides, whatever else an event says. None at first: most heads are met once. */
  get ofBody(): ReadonlyMap<Detection, Expression> {
    if (!this.#isMet) {
      this.#isMet = true;
      return NONE;
    }
    this.#ofBody ??= conditionsOfBody(this.#conditions);
    return this.#ofBody;
  }

  /** Whether they read so much of a body that it is worth finding what is known of it. */
  get isMuchOfBody(): boolean {
    return (this.#isMuch ??= isMuch([...this.ofBody.values()]));
  }

  /** What ends the keys of which they need one to find anything in a body; undefined where one looks at the whole of it. */
  get keysOfBody(): KeyEndings | undefined {
    if (this.#keys === undefined) {
      const fields = [...this.ofBody.values()].flatMap((condition) => [...fieldsRead(condition)]).map(fieldPath);
      const isOfWhole = fields.some(({ text }) => text === BODY);
      this.#keys = isOfWhole ? null : new KeyEndings([...new Set(fields.map(({ ending }) => ending))]);
    }
    return this.#keys ?? undefined;
  }

  /** What is said where none of them is met, made once. */
  get ofNothingMet(): BodyVerdict {
    const { ofBody } = this;
    this.#ofNothingMet ??= { of: (detection) => (ofBody.has(detection) ? false : "open") };
    return this.#ofNothingMet;
  }

  /** What is said where there is no body, made once: every field of it is absent then, or every one unknown. */
  ofNoBody(isUnknown: boolean, asked: AskedEvent): BodyVerdict {
    return isUnknown ? (this.#ofUnknown ??= verdictOf(this, asked)) : (this.#ofAbsent ??= verdictOf(this, asked));
  }
}

/** An event of which conditions are asked. */
export interface AskedEvent {
  of(condition: Expression): Truth;
}

/** What one body says of the conditions that it decides. */
export interface BodyVerdict {
  /** How the detection's condition comes out; "open" where other things decide, too. */
  of(detection: Detection): Truth | "open";
}

/**
 * Remembers what bodies of requests say of conditions: controllers and pipelines write the same ones again and again. A body is known by
 * all of its bytes, so that no other one can pass for it. Bounded; when it is full it starts again.
 */
export class BodyVerdicts {
  readonly #bySpelling = new Map<string, Map<LeftConditions, BodyVerdict>>();
  #remembered = 0;
  #length = 0;

  /** What the body of `event` says; it is `asked` where that is not known yet. Undefined where all is open. */
  about(event: AuditEvent, left: LeftConditions, asked: AskedEvent): BodyVerdict | undefined {
    const { ofBody } = left;
    if (ofBody.size === 0) {
      return undefined;
    }
    if (!hasBody(event, BODY)) {
      return left.ofNoBody(isUnknownIn(event), asked);
    }
    if (!left.isMuchOfBody) {
      const keys = left.keysOfBody;
      return keys !== undefined && lacksKeys(event, BODY, keys) ? left.ofNoBody(false, asked) : undefined;
    }
    const spelling = spellingOf(event, BODY, MAX_BODY);
    if (spelling === undefined) {
      return undefined;
    }
    const known = this.#bySpelling.get(spelling)?.get(left);
    if (known !== undefined) {
      return known;
    }
    const verdict = verdictOf(left, asked);
    this.#remember(spelling, left, verdict);
    return verdict;
  }

  #remember(spelling: string, left: LeftConditions, verdict: BodyVerdict): void {
    if (this.#remembered === MAX_REMEMBERED || this.#length > MAX_TOTAL_LENGTH) {
      this.#bySpelling.clear();
      this.#remembered = 0;
      this.#length = 0;
    }
    const verdicts = this.#bySpelling.get(spelling);
    if (verdicts === undefined) {
      this.#bySpelling.set(spelling, new Map([[left, verdict]]));
      this.#length += spelling.length;
    } else {
      verdicts.set(left, verdict);
    }
    this.#remembered++;
  }
}

function isUnknownIn(event: AuditEvent): boolean {
  return isBodyUnknown(BODY, event, headOf(event));
}

function conditionsOfBody(conditions: ReadonlyMap<Detection, Expression>): ReadonlyMap<Detection, Expression> {
  const found = Array.from(conditions).filter(([, condition]) => isOfBody(condition));
  return found.length === 0 ? NONE : new Map(found);
}

const NONE: ReadonlyMap<Detection, Expression> = new Map();

function verdictOf(left: LeftConditions, asked: AskedEvent): BodyVerdict {
  const met = new Map<Detection, Truth>();
  for (const [detection, condition] of left.ofBody) {
    const truth = asked.of(condition);
    if (truth !== false) {
      met.set(detection, truth);
    }
  }
  return met.size === 0 ? left.ofNothingMet : verdictWhere(met, left.ofBody);
}

/** Apart from what was asked, which it would hold on to: a verdict is remembered, and the event must not be. */
function verdictWhere(met: ReadonlyMap<Detection, Truth>, ofBody: ReadonlyMap<Detection, Expression>): BodyVerdict {
  return { of: (detection) => (!ofBody.has(detection) ? "open" : met.has(detection) ? met.get(detection) : false) };
}

function isMuch(conditions: readonly Expression[]): boolean {
  return conditions.some(asksElements) || new Set(conditions.flatMap((one) => [...fieldsRead(one)])).size > FEW_FIELDS;
}

/** Whether a condition asks each element of a list for itself, which takes longer than to find what is known of a body. */
function asksElements(condition: Expression): boolean {
  if (condition.kind === "and" || condition.kind === "or") {
    return condition.of.some(asksElements);
  }
  return condition.kind === "not" ? asksElements(condition.of) : condition.kind === "same";
}

/** Whether a condition reads something, and nothing but what stands in the body of the request. */
function isOfBody(condition: Expression): boolean {
  switch (condition.kind) {
    case "and":
    case "or":
      return condition.of.length > 0 && condition.of.every(isOfBody);
    case "not":
      return isOfBody(condition.of);
    case "keyword":
      return false;
    case "fieldref":
      return condition.field.root === BODY && condition.other.root === BODY;
    case "match":
    case "null":
    case "exists":
    case "same":
    default:
      return condition.field.root === BODY;
  }
}
