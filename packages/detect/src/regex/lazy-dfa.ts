import { WORD } from "./char-set.ts";
import type { CharSet } from "./char-set.ts";

/** One step of a compiled expression. */
export type Instruction =
  | { readonly op: "char"; readonly set: CharSet }
  | { readonly op: "assert"; readonly what: "start" | "end" | "word" | "notWord" }
  | { readonly op: "split"; readonly first: number; readonly second: number }
  | { readonly op: "jump"; readonly to: number }
  | { readonly op: "match" };

/** What stands before a position, as far as assertions ask. */
const BEGIN = 0;
const NEWLINE = 1;
const IN_WORD = 2;
const OTHER = 3;
type Before = typeof BEGIN | typeof NEWLINE | typeof IN_WORD | typeof OTHER;

const UNKNOWN = -1;
const MATCHED = -2;
/** No text that follows can match any more. */
const FAILED = -3;
/** Transitions that are kept, over all states: when there are more, all are forgotten. */
const MAX_TRANSITIONS = 65_536;
const MAX_OTHER_UNITS = 1024;

interface State {
  /** Instructions to enter at this position, ascending. */
  readonly entries: readonly number[];
  readonly before: Before;
}

/**
 * Searches a text for what a program matches. The sets of instructions that can be reached are made into states when
 * they are first met and remembered, so that a text mostly costs one lookup a character; what was not met yet costs
 * one pass over the program. So time is linear in the text whatever the expression.
 */
export class LazyDfa {
  readonly #program: readonly Instruction[];
  readonly #multiline: boolean;
  /** Characters that no set and no assertion tells apart are one class. */
  readonly #ascii = new Int32Array(128).fill(UNKNOWN);
  readonly #otherUnits = new Map<number, number>();
  readonly #classOf = new Map<string, number>();
  readonly #examples: number[] = [];
  readonly #sets: readonly CharSet[];
  /** Without it, what begins with `^` is over after the first character. */
  readonly #isAnchored: boolean;
  #states: State[] = [];
  #idOf = new Map<string, number>();
  #next: Int32Array[] = [];
  #transitions = 0;

  constructor(program: readonly Instruction[], multiline: boolean) {
    this.#program = program;
    this.#multiline = multiline;
    this.#sets = [...new Set(program.flatMap((step) => (step.op === "char" ? [step.set] : [])))];
    this.#isAnchored = !multiline && isAnchored(program);
  }

  test(text: string): boolean {
    let state = this.#idOfState([], BEGIN);
    for (let position = 0; position < text.length; position++) {
      const unit = text.charCodeAt(position);
      const kind = unit < 128 ? this.#asciiClass(unit) : this.#otherClass(unit);
      const known = this.#next[state]?.[kind] ?? UNKNOWN;
      state = known === UNKNOWN ? this.#step(state, kind) : known;
      if (state < 0) {
        return state === MATCHED;
      }
    }
    return this.#reach(this.#states[state] as State, undefined) === undefined;
  }

  /** The state behind one more character of the class, or how the search ends there. */
  #step(from: number, kind: number): number {
    const state = this.#states[from] as State;
    const unit = this.#examples[kind] as number;
    const reached = this.#reach(state, unit);
    const to = reached === undefined ? MATCHED : this.#after(reached, unit);
    if (++this.#transitions > MAX_TRANSITIONS) {
      this.#forget();
      return to < 0 || !reached ? to : this.#after(reached, unit);
    }
    const row = this.#next[from] as Int32Array;
    const wide = kind < row.length ? row : widened(row, kind);
    wide[kind] = to;
    this.#next[from] = wide;
    return to;
  }

  #after(reached: readonly number[], unit: number): number {
    const entries = reached
      .filter((index) => (this.#program[index] as Extract<Instruction, { op: "char" }>).set.has(unit))
      .map((index) => index + 1);
    return entries.length === 0 && this.#isAnchored
      ? FAILED
      : this.#idOfState(
          entries.sort((a, b) => a - b),
          beforeOf(unit),
        );
  }

  /** The character steps that can be reached at a position before `unit`; undefined when a match ends there. */
  #reach({ entries, before }: State, unit: number | undefined): readonly number[] | undefined {
    const seen = new Set<number>();
    const chars: number[] = [];
    // A search, not a full match: it may begin at every position.
    const pending = [...entries, 0];
    for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
      const step = this.#program[index];
      if (!step || seen.has(index)) {
        continue;
      }
      seen.add(index);
      switch (step.op) {
        case "char":
          chars.push(index);
          break;
        case "jump":
          pending.push(step.to);
          break;
        case "split":
          pending.push(step.second, step.first);
          break;
        case "assert":
          if (this.#holds(step.what, before, unit)) {
            pending.push(index + 1);
          }
          break;
        case "match":
          return undefined;
      }
    }
    return chars;
  }

  #holds(what: "start" | "end" | "word" | "notWord", before: Before, unit: number | undefined): boolean {
    switch (what) {
      case "start":
        return before === BEGIN || (this.#multiline && before === NEWLINE);
      case "end":
        return unit === undefined || (this.#multiline && unit === 10);
      case "word":
      case "notWord":
      default: {
        const after = unit !== undefined && WORD.has(unit);
        return ((before === IN_WORD) !== after) === (what === "word");
      }
    }
  }

  #idOfState(entries: readonly number[], before: Before): number {
    const key = `${before} ${entries.join()}`;
    const known = this.#idOf.get(key);
    if (known !== undefined) {
      return known;
    }
    const id = this.#states.length;
    this.#states.push({ entries, before });
    this.#next.push(new Int32Array(this.#examples.length).fill(UNKNOWN));
    this.#idOf.set(key, id);
    return id;
  }

  #forget(): void {
    this.#states = [];
    this.#idOf = new Map();
    this.#next = [];
    this.#transitions = 0;
  }

  #otherClass(unit: number): number {
    const known = this.#otherUnits.get(unit);
    if (known !== undefined) {
      return known;
    }
    if (this.#otherUnits.size >= MAX_OTHER_UNITS) {
      this.#otherUnits.clear();
    }
    const kind = this.#newClass(unit);
    this.#otherUnits.set(unit, kind);
    return kind;
  }

  #asciiClass(unit: number): number {
    const known = this.#ascii[unit] as number;
    return known === UNKNOWN ? (this.#ascii[unit] = this.#newClass(unit)) : known;
  }

  #newClass(unit: number): number {
    const signature = `${beforeOf(unit)}${this.#sets.map((set) => (set.has(unit) ? 1 : 0)).join("")}`;
    const known = this.#classOf.get(signature) ?? this.#examples.length;
    if (known === this.#examples.length) {
      this.#classOf.set(signature, known);
      this.#examples.push(unit);
    }
    return known;
  }
}

function beforeOf(unit: number): Before {
  return unit === 10 ? NEWLINE : WORD.has(unit) ? IN_WORD : OTHER;
}

function widened(row: Int32Array, kind: number): Int32Array {
  const wide = new Int32Array(kind + 8).fill(UNKNOWN);
  wide.set(row);
  return wide;
}

/** Whether every way into the program passes `^` before it takes a character or ends. */
function isAnchored(program: readonly Instruction[]): boolean {
  const seen = new Set<number>();
  const pending = [0];
  for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
    const step = program[index];
    if (!step || seen.has(index)) {
      continue;
    }
    seen.add(index);
    if (step.op === "char" || step.op === "match") {
      return false;
    }
    if (step.op === "jump") {
      pending.push(step.to);
    } else if (step.op === "split") {
      pending.push(step.first, step.second);
    } else if (step.what !== "start") {
      pending.push(index + 1);
    }
  }
  return true;
}
