import { WORD } from "./char-set.ts";
import type { CharSet } from "./char-set.ts";
import type { Assertion } from "./parse-regex.ts";

/** One step of a compiled expression. */
export type Instruction =
  | { readonly op: "char"; readonly set: CharSet }
  | { readonly op: "assert"; readonly what: Assertion }
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
/** Transitions for which there is room, over all states: when more would be needed, all are forgotten. */
const MAX_TRANSITIONS = 65_536;
const FEW_TRANSITIONS = 256;
const FEW_CLASSES = 8;
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
  /** Characters that no set and no assertion tells apart are one class. */
  readonly #ascii = new Int32Array(128).fill(UNKNOWN);
  readonly #otherUnits = new Map<number, number>();
  readonly #classOf = new Map<string, number>();
  readonly #examples: number[] = [];
  readonly #sets: readonly CharSet[];
  /** Whether a match must begin where the text does: then a search is mostly over after the first characters. */
  readonly isAnchored: boolean;
  #states: State[] = [];
  #rowOf = new Map<string, number>();
  /** Where each class leads from each state: a row of `width` for each state, which is known by where its row begins. */
  #next = new Int32Array(0);
  #width = FEW_CLASSES;
  /** Whether a text that ends in a state matches; undefined where no text has ended there yet. */
  #ends: (boolean | undefined)[] = [];

  constructor(program: readonly Instruction[]) {
    this.#program = program;
    this.#sets = [...new Set(program.flatMap((step) => (step.op === "char" ? [step.set] : [])))];
    this.isAnchored = isAnchored(program);
  }

  test(text: string): boolean {
    if (this.#states.length === 0) {
      this.#rowOfState([], BEGIN);
    }
    const ascii = this.#ascii;
    const { length } = text;
    let next = this.#next;
    let state = 0;
    for (let position = 0; position < length; position++) {
      const unit = text.charCodeAt(position);
      const kind = unit < 128 ? (ascii[unit] as number) : UNKNOWN;
      let to = kind === UNKNOWN ? UNKNOWN : (next[state + kind] as number);
      if (to === UNKNOWN) {
        const width = this.#width;
        const fresh = kind === UNKNOWN ? this.#newKind(unit) : kind;
        to = this.#step((state / width) * this.#width, fresh);
        next = this.#next;
      }
      if (to < 0) {
        return to === MATCHED;
      }
      state = to;
    }
    const id = state / this.#width;
    return (this.#ends[id] ??= this.#reach(this.#states[id] as State, undefined) === undefined);
  }

  /** The state behind one more character of the class, or how the search ends there. */
  #step(from: number, kind: number): number {
    const known = this.#next[from + kind] as number;
    if (known !== UNKNOWN) {
      return known;
    }
    const id = from / this.#width;
    const state = this.#states[id] as State;
    const unit = this.#examples[kind] as number;
    const reached = this.#reach(state, unit);
    const to = reached === undefined ? MATCHED : this.#after(reached, unit);
    // What leads to a state that is new may have made that forget all others.
    if (this.#states[id] === state) {
      this.#next[from + kind] = to;
    }
    return to;
  }

  #after(reached: readonly number[], unit: number): number {
    const entries = reached
      .filter((index) => (this.#program[index] as Extract<Instruction, { op: "char" }>).set.has(unit))
      .map((index) => index + 1);
    return entries.length === 0 && this.isAnchored
      ? FAILED
      : this.#rowOfState(
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

  #holds(what: Assertion, before: Before, unit: number | undefined): boolean {
    switch (what) {
      case "start":
        return before === BEGIN;
      case "end":
        return unit === undefined;
      case "lineStart":
        return before === BEGIN || before === NEWLINE;
      case "lineEnd":
        return unit === undefined || unit === 10;
      case "word":
      case "notWord":
      default: {
        const after = unit !== undefined && WORD.has(unit);
        return ((before === IN_WORD) !== after) === (what === "word");
      }
    }
  }

  /** That of the beginning is 0. */
  #rowOfState(entries: readonly number[], before: Before): number {
    const key = `${before} ${entries.join()}`;
    const known = this.#rowOf.get(key);
    if (known !== undefined) {
      return known;
    }
    if ((this.#states.length + 1) * this.#width > MAX_TRANSITIONS && this.#states.length > 1) {
      this.#forget();
      this.#rowOfState([], BEGIN);
      return this.#rowOfState(entries, before);
    }
    const row = this.#states.length * this.#width;
    this.#states.push({ entries, before });
    this.#rowOf.set(key, row);
    this.#makeRoom();
    return row;
  }

  /** For a row of each state. */
  #makeRoom(): void {
    const needed = this.#states.length * this.#width;
    if (needed > this.#next.length) {
      const next = new Int32Array(Math.max(needed, FEW_TRANSITIONS, 2 * this.#next.length)).fill(UNKNOWN);
      next.set(this.#next);
      this.#next = next;
    }
  }

  #forget(): void {
    this.#states = [];
    this.#rowOf = new Map();
    this.#next.fill(UNKNOWN);
    this.#ends = [];
  }

  /** The class of a unit that is not in the table of those met so far. */
  #newKind(unit: number): number {
    return unit < 128 ? (this.#ascii[unit] = this.#newClass(unit)) : this.#otherClass(unit);
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

  #newClass(unit: number): number {
    const signature = `${beforeOf(unit)}${this.#sets.map((set) => (set.has(unit) ? 1 : 0)).join("")}`;
    const known = this.#classOf.get(signature) ?? this.#examples.length;
    if (known === this.#examples.length) {
      this.#classOf.set(signature, known);
      this.#examples.push(unit);
      if (this.#examples.length > this.#width) {
        this.#widen();
      }
    }
    return known;
  }

  /** Rows for twice as many classes. */
  #widen(): void {
    const [before, narrow] = [this.#next, this.#width];
    this.#width = 2 * narrow;
    this.#next = new Int32Array(0);
    this.#makeRoom();
    for (let state = 0; state < this.#states.length; state++) {
      const row = before.subarray(state * narrow, (state + 1) * narrow);
      this.#next.set(
        row.map((to) => (to < 0 ? to : 2 * to)),
        2 * state * narrow,
      );
    }
    for (const [key, row] of this.#rowOf) {
      this.#rowOf.set(key, 2 * row);
    }
  }
}

function beforeOf(unit: number): Before {
  return unit === 10 ? NEWLINE : WORD.has(unit) ? IN_WORD : OTHER;
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
