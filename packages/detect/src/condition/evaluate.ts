import type { JsonValue } from "@auditsieve/audit";
import type { Comparison, Expression, ValueTest } from "./expression.ts";
import { readField } from "./field-path.ts";
import type { FieldPath, Reading } from "./field-path.ts";

/** Kleene's three values; undefined is *unknown*: the log does not say. */
export type Truth = boolean | undefined;

/** Where a condition reads its fields. An undefined answer is *unknown*, which is not absent. */
export interface FieldReader {
  read(field: FieldPath): Reading | undefined;
  /** Whether each test, or one of them, is satisfied by some leaf of the whole; unknown when parts that might are not recorded. */
  search(tests: readonly ValueTest[], every: boolean): Truth;
}

/** Evaluates with Kleene's tables: a known false decides an `and`, a known true an `or`, whatever is unknown beside it. */
export function evaluate(expression: Expression, reader: FieldReader): Truth {
  switch (expression.kind) {
    case "and":
      return conjunction(expression.of, reader);
    case "or":
      return disjunction(expression.of, reader);
    case "not":
      return negation(evaluate(expression.of, reader));
    case "match": {
      const reading = reader.read(expression.field);
      return reading && matches(reading.values, expression.tests, expression.every);
    }
    case "null": {
      const reading = reader.read(expression.field);
      return reading && (!reading.present || reading.values.includes(null));
    }
    case "exists":
      return reader.read(expression.field)?.present;
    case "fieldref":
      return compareFields(expression, reader);
    case "same":
      return someElement(expression, reader);
    case "keyword":
    default:
      return reader.search(expression.tests, expression.every);
  }
}

export function negation(truth: Truth): Truth {
  return truth === undefined ? undefined : !truth;
}

/** Whether each test, or one of them, holds for some value. Loops that make nothing: most of this runs before V8 has compiled it. */
function matches(values: readonly JsonValue[], tests: readonly ValueTest[], every: boolean): boolean {
  for (let i = 0; i < tests.length; i++) {
    const test = tests[i] as ValueTest;
    let holds = false;
    for (let j = 0; j < values.length && !holds; j++) {
      holds = test.test(values[j] as JsonValue);
    }
    if (holds !== every) {
      return holds;
    }
  }
  return every;
}

function conjunction(of: readonly Expression[], reader: FieldReader): Truth {
  let result: Truth = true;
  for (let i = 0; i < of.length; i++) {
    const truth = evaluate(of[i] as Expression, reader);
    if (truth === false) {
      return false;
    }
    result = truth === undefined ? undefined : result;
  }
  return result;
}

function disjunction(of: readonly Expression[], reader: FieldReader): Truth {
  let result: Truth = false;
  for (let i = 0; i < of.length; i++) {
    const truth = evaluate(of[i] as Expression, reader);
    if (truth === true) {
      return true;
    }
    result = truth === undefined ? undefined : result;
  }
  return result;
}

/** What {@link FieldReader.search} says, where `find` says it of each test. */
export function searchEach(tests: readonly ValueTest[], every: boolean, find: (test: ValueTest) => Truth): Truth {
  let result: Truth = every;
  for (const test of tests) {
    const truth = find(test);
    if (truth === !every) {
      return truth;
    }
    result = truth === undefined ? undefined : result;
  }
  return result;
}

function compareFields(leaf: Extract<Expression, { kind: "fieldref" }>, reader: FieldReader): Truth {
  const left = reader.read(leaf.field);
  const right = reader.read(leaf.other);
  // An absent side is false whatever the other would be.
  if ((left && left.values.length === 0) || (right && right.values.length === 0)) {
    return false;
  }
  if (!left || !right) {
    return undefined;
  }
  const fold = (value: JsonValue): string | undefined => {
    const text = scalarText(value);
    return leaf.cased ? text : text?.toLowerCase();
  };
  const others = right.values.map(fold);
  return left.values.some((value) => {
    const text = fold(value);
    return text !== undefined && others.some((other) => other !== undefined && COMPARE[leaf.comparison](text, other));
  });
}

const COMPARE: Readonly<Record<Comparison, (text: string, other: string) => boolean>> = {
  equal: (text, other) => text === other,
  contains: (text, other) => text.includes(other),
  startswith: (text, other) => text.startsWith(other),
  endswith: (text, other) => text.endsWith(other),
};

function someElement(leaf: Extract<Expression, { kind: "same" }>, reader: FieldReader): Truth {
  const reading = reader.read(leaf.field);
  if (!reading) {
    return undefined;
  }
  const readers = readersOf(reading.values);
  let result: Truth = false;
  for (let i = 0; i < reading.values.length; i++) {
    // An array that is null is absent: it has no element of which a negation could hold.
    if (reading.values[i] === null) {
      continue;
    }
    const truth = evaluate(leaf.of, (readers[i] ??= new ElementReader(reading.values[i] as JsonValue)));
    if (truth === true) {
      return true;
    }
    result = truth === undefined ? undefined : result;
  }
  return result;
}

/** Of the values that were taken apart last: several conditions ask the rules of one role one after the other. */
let elements: readonly JsonValue[] = [];
let elementReaders: (ElementReader | undefined)[] = [];

function readersOf(values: readonly JsonValue[]): (ElementReader | undefined)[] {
  if (elements !== values) {
    elements = values;
    elementReaders = [];
  }
  return elementReaders;
}

/** Conditions ask for few fields of an element: what was read is found by looking through them. */
class ElementReader implements FieldReader {
  readonly #element: JsonValue;
  readonly #fields: FieldPath[] = [];
  readonly #readings: Reading[] = [];

  constructor(element: JsonValue) {
    this.#element = element;
  }

  read(field: FieldPath): Reading {
    const known = this.#fields.indexOf(field);
    if (known !== -1) {
      return this.#readings[known] as Reading;
    }
    const reading = readField(this.#element, field);
    this.#fields.push(field);
    this.#readings.push(reading);
    return reading;
  }

  search(tests: readonly ValueTest[], every: boolean): Truth {
    return searchEach(tests, every, (test) => someLeaf(this.#element, test));
  }
}

/** Every scalar below `value`. Keeps its own stack, as `readField` does. */
export function leavesOf(value: JsonValue): readonly JsonValue[] {
  const leaves: JsonValue[] = [];
  someLeaf(value, {
    test(leaf) {
      leaves.push(leaf);
      return false;
    },
  });
  return leaves;
}

/** Whether some scalar below `value` satisfies `test`. Keeps its own stack, as `readField` does. */
export function someLeaf(value: JsonValue, test: ValueTest): boolean {
  const pending: JsonValue[] = [value];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (typeof next !== "object" || next === null) {
      if (test.test(next)) {
        return true;
      }
    } else {
      for (const child of Object.values(next) as readonly JsonValue[]) {
        pending.push(child);
      }
    }
  }
  return false;
}

/** The text by which a scalar is compared: numbers and booleans match their spelling. Undefined for null and containers. */
export function scalarText(value: JsonValue): string | undefined {
  if (typeof value === "string") {
    return value;
  }
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}
