import type { JsonValue } from "@auditsieve/audit";
import { evaluate } from "../condition/evaluate.ts";
import type { Expression } from "../condition/expression.ts";
import type { FieldPath, Reading } from "../condition/field-path.ts";
import { headReader } from "./field-readers.ts";
import { headFieldOf, isInPart } from "../reading/head-view.ts";
import type { HeadView } from "../reading/head-view.ts";

/** Longer values are asked about each time. */
const MOST_LETTERS = 256;
const UNKNOWN = 0;
const ABSENT = 1;

/** How much is remembered by all that have it in common; whoever made them forgets them when it is too much, for values come from clients. */
export interface Remembered {
  count: number;
}

type FieldLeaf = Exclude<Extract<Expression, { readonly field: FieldPath }>, { readonly kind: "fieldref" }>;
type PairLeaf = Extract<Expression, { readonly kind: "fieldref" }>;
type Scalar = Exclude<JsonValue, object> | null;

/**
 * Tells heads apart by nothing but how conditions come out on each of their fields: made-up names, addresses and programs of which conditions say the
 * same are of one kind. What is known of one such head holds for all of them. Names and the URI do not count.
 */
export class HeadKinds<Value> {
  readonly #fields: readonly FieldKinds[];
  readonly #pairs: readonly PairLeaf[];
  readonly #remembered: Remembered;
  readonly #known = new Map<string, Value>();

  constructor(conditions: readonly Expression[], remembered: Remembered) {
    this.#remembered = remembered;
    const leaves = new Map<string, FieldLeaf[]>();
    const pairs: PairLeaf[] = [];
    conditions.forEach((condition) => gather(condition, leaves, pairs));
    this.#fields = [...leaves.values()].map((of) => new FieldKinds(of, remembered));
    this.#pairs = pairs;
  }

  /** What is known of heads of this kind, or what `make` says of this one: it must depend on nothing but the conditions, the stage, and what was asked for. */
  get(head: HeadView, make: () => Value): Value {
    const reader = headReader(head, "unnamed");
    let kind = head.get("stage") === "RequestReceived" ? "early" : "late";
    for (let i = 0; i < this.#fields.length; i++) {
      const field = this.#fields[i] as FieldKinds;
      kind += ` ${field.kindOf(reader.read(field.path))}`;
    }
    for (let i = 0; i < this.#pairs.length; i++) {
      kind += ` ${evaluate(this.#pairs[i] as PairLeaf, reader)}`;
    }
    let value = this.#known.get(kind);
    if (value === undefined) {
      value = make();
      this.#known.set(kind, value);
      this.#remembered.count++;
    }
    return value;
  }
}

/** The kinds of values of one field. */
class FieldKinds {
  readonly path: FieldPath;
  readonly #leaves: readonly FieldLeaf[];
  readonly #ofValue = new Map<Scalar, number>();
  /** By the values with their lengths. */
  readonly #ofList = new Map<string, number>();
  readonly #ofAnswers = new Map<string, number>();
  readonly #remembered: Remembered;

  constructor(leaves: readonly FieldLeaf[], remembered: Remembered) {
    this.#remembered = remembered;
    this.path = (leaves[0] as FieldLeaf).field;
    this.#leaves = leaves;
  }

  kindOf(reading: Reading | undefined): number {
    if (reading === undefined) {
      return UNKNOWN;
    }
    if (!reading.present) {
      return ABSENT;
    }
    const { values } = reading;
    if (values.length === 1 && isScalar(values[0])) {
      return this.#known(this.#ofValue, values[0], reading);
    }
    const list = listKey(values);
    return list === undefined ? this.#ask(reading) : this.#known(this.#ofList, list, reading);
  }

  #known<Key extends Scalar>(known: Map<Key, number>, key: Key, reading: Reading): number {
    let kind = known.get(key);
    if (kind === undefined) {
      kind = this.#ask(reading);
      if (typeof key !== "string" || key.length <= MOST_LETTERS) {
        known.set(key, kind);
        this.#remembered.count++;
      }
    }
    return kind;
  }

  #ask(reading: Reading): number {
    const reader = { read: () => reading, search: () => undefined };
    let answers = "";
    for (let i = 0; i < this.#leaves.length; i++) {
      const truth = evaluate(this.#leaves[i] as FieldLeaf, reader);
      answers += truth === undefined ? "u" : truth ? "t" : "f";
    }
    let kind = this.#ofAnswers.get(answers);
    if (kind === undefined) {
      kind = ABSENT + 1 + this.#ofAnswers.size;
      this.#ofAnswers.set(answers, kind);
      this.#remembered.count++;
    }
    return kind;
  }
}

function gather(expression: Expression, leaves: Map<string, FieldLeaf[]>, pairs: PairLeaf[]): void {
  switch (expression.kind) {
    case "and":
    case "or":
      expression.of.forEach((part) => gather(part, leaves, pairs));
      return;
    case "not":
      gather(expression.of, leaves, pairs);
      return;
    case "keyword":
      return;
    case "fieldref":
      if (mayDiffer(expression.field) || mayDiffer(expression.other)) {
        pairs.push(expression);
      }
      return;
    case "match":
    case "null":
    case "exists":
    case "same":
    default:
      if (mayDiffer(expression.field)) {
        const of = leaves.get(expression.field.text);
        if (of === undefined) {
          leaves.set(expression.field.text, [expression]);
        } else {
          of.push(expression);
        }
      }
  }
}

/** Whether heads of one request that differ in more than names may differ in the field. */
function mayDiffer({ text }: FieldPath): boolean {
  const held = headFieldOf(text);
  return held !== undefined && isInPart(held, "unnamed") && !isInPart(held, "request");
}

function isScalar(value: JsonValue | undefined): value is Scalar {
  return value !== undefined && (typeof value !== "object" || value === null);
}

/** Injective; undefined where they are not all texts. */
function listKey(values: readonly JsonValue[]): string | undefined {
  let key = "";
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value !== "string") {
      return undefined;
    }
    key += `${value.length}:${value}`;
  }
  return key;
}
