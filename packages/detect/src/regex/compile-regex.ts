import { WORD } from "./char-set.ts";
import type { CharSet } from "./char-set.ts";
import { parseRegex, RegexRefusal } from "./parse-regex.ts";
import type { RegexFlags, RegexNode } from "./parse-regex.ts";

/** A compiled expression, or why it is refused. */
export type CompiledRegex =
  | { readonly test: (text: string) => boolean; readonly refusal?: never }
  | { readonly refusal: string; readonly test?: never };

type Instruction =
  | { readonly op: "char"; readonly set: CharSet }
  | { readonly op: "assert"; readonly what: "start" | "end" | "word" | "notWord" }
  | { readonly op: "split"; readonly first: number; readonly second: number }
  | { readonly op: "jump"; readonly to: number }
  | { readonly op: "match" };

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const MAX_SOURCE = 1024;
const MAX_INSTRUCTIONS = 4000;

/**
 * Compiles `source` for a search anywhere in a text. Matching advances all states together (Thompson), so that time
 * is linear in the text whatever the expression: a detection from outside cannot stall the stream by backtracking.
 */
export function compileRegex(source: string, flags: RegexFlags): CompiledRegex {
  if (source.length > MAX_SOURCE) {
    return { refusal: `it has ${source.length} characters, at most ${MAX_SOURCE} are allowed` };
  }
  try {
    const program = emitProgram(parseRegex(source, flags));
    return { test: (text) => search(program, text, flags.multiline) };
  } catch (error) {
    if (error instanceof RegexRefusal) {
      return { refusal: error.message };
    }
    throw error;
  }
}

function emitProgram(tree: RegexNode): readonly Instruction[] {
  const program: Instruction[] = [];
  const push = <T extends Instruction>(instruction: T): Mutable<T> => {
    if (program.length >= MAX_INSTRUCTIONS) {
      throw new RegexRefusal(`it repeats itself into more than ${MAX_INSTRUCTIONS} steps`);
    }
    program.push(instruction);
    return instruction;
  };
  let visits = 0;
  const emit = (node: RegexNode): void => {
    // Counts visits too: an empty group repeated inside repetitions emits nothing and would never end.
    if (++visits > MAX_INSTRUCTIONS * 2) {
      throw new RegexRefusal(`it repeats itself into more than ${MAX_INSTRUCTIONS} steps`);
    }
    switch (node.kind) {
      case "set":
        push({ op: "char", set: node.set });
        return;
      case "assert":
        push({ op: "assert", what: node.what });
        return;
      case "sequence":
        node.of.forEach(emit);
        return;
      case "choice":
        emitChoice(node.of);
        return;
      case "repeat":
        emitRepeat(node);
        return;
    }
  };
  const emitChoice = (of: readonly RegexNode[]): void => {
    const jumps = of.slice(0, -1).map((alternative) => {
      const split = push({ op: "split" as const, first: program.length + 1, second: 0 });
      emit(alternative);
      const jump = push({ op: "jump" as const, to: 0 });
      split.second = program.length;
      return jump;
    });
    of.slice(-1).forEach(emit);
    jumps.forEach((jump) => {
      jump.to = program.length;
    });
  };
  const emitRepeat = ({ of, min, max }: Extract<RegexNode, { kind: "repeat" }>): void => {
    for (let count = 0; count < min; count++) {
      emit(of);
    }
    if (max === Infinity) {
      const loop = program.length;
      const split = push({ op: "split" as const, first: loop + 1, second: 0 });
      emit(of);
      push({ op: "jump", to: loop });
      split.second = program.length;
      return;
    }
    const splits = Array.from({ length: max - min }, () => {
      const split = push({ op: "split" as const, first: program.length + 1, second: 0 });
      emit(of);
      return split;
    });
    splits.forEach((split) => {
      split.second = program.length;
    });
  };
  emit(tree);
  push({ op: "match" });
  return program;
}

function search(program: readonly Instruction[], text: string, multiline: boolean): boolean {
  // `seen[i] === position + 1` marks instruction i as already entered at this position.
  const seen = new Uint32Array(program.length);
  const pending: number[] = [];
  let states: number[] = [];
  let matched = false;

  const enter = (start: number, position: number, into: number[]): void => {
    pending.push(start);
    for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
      const instruction = program[index];
      if (!instruction || seen[index] === position + 1) {
        continue;
      }
      seen[index] = position + 1;
      switch (instruction.op) {
        case "char":
          into.push(index);
          break;
        case "jump":
          pending.push(instruction.to);
          break;
        case "split":
          pending.push(instruction.second, instruction.first);
          break;
        case "assert":
          if (holds(instruction.what, text, position, multiline)) {
            pending.push(index + 1);
          }
          break;
        case "match":
          matched = true;
          break;
      }
    }
  };

  for (let position = 0; position <= text.length; position++) {
    // A search, not a full match: it may begin at every position.
    enter(0, position, states);
    if (matched || position === text.length) {
      return matched;
    }
    const unit = text.charCodeAt(position);
    const next: number[] = [];
    for (const index of states) {
      const instruction = program[index];
      if (instruction?.op === "char" && instruction.set.has(unit)) {
        enter(index + 1, position + 1, next);
      }
    }
    states = next;
    if (matched) {
      return true;
    }
  }
  return matched;
}

function holds(
  what: "start" | "end" | "word" | "notWord",
  text: string,
  position: number,
  multiline: boolean,
): boolean {
  switch (what) {
    case "start":
      return position === 0 || (multiline && text.charAt(position - 1) === "\n");
    case "end":
      return position === text.length || (multiline && text.charAt(position) === "\n");
    case "word":
    case "notWord":
    default: {
      const before = position > 0 && WORD.has(text.charCodeAt(position - 1));
      const after = position < text.length && WORD.has(text.charCodeAt(position));
      return (before !== after) === (what === "word");
    }
  }
}
