import { LazyDfa } from "./lazy-dfa.ts";
import type { Instruction } from "./lazy-dfa.ts";
import { neededTexts } from "./needed-texts.ts";
import { parseRegex, RegexRefusal } from "./parse-regex.ts";
import type { RegexFlags, RegexNode } from "./parse-regex.ts";

/** A compiled expression, with the steps that it unfolds to and the characters that stand in all that it finds, or why it is refused. */
export type CompiledRegex =
  | {
      readonly test: (text: string) => boolean;
      readonly steps: number;
      readonly holds: string;
      /** Texts of which all that it finds holds at least one, in whatever case; undefined where there are none. */
      readonly needs: () => readonly string[] | undefined;
      readonly refusal?: never;
    }
  | { readonly refusal: string; readonly test?: never };

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
    const tree = parseRegex(source, flags);
    const program = emitProgram(tree);
    const needs = (): readonly string[] | undefined => neededTexts(tree, true);
    return { test: searchFor(tree, program), steps: program.length, holds: heldBy(tree), needs };
  } catch (error) {
    if (error instanceof RegexRefusal) {
      return { refusal: error.message };
    }
    throw error;
  }
}

/** Nothing is made before there is a text. */
function searchFor(tree: RegexNode, program: readonly Instruction[]): (text: string) => boolean {
  let dfa: LazyDfa | undefined;
  let needed: readonly string[] | undefined;
  const mayMatch = (text: string): boolean => {
    for (const one of needed ?? []) {
      if (text.includes(one)) {
        return true;
      }
    }
    return needed === undefined;
  };
  return (text) => {
    if (dfa === undefined) {
      dfa = new LazyDfa(program);
      // What is anchored is over soon.
      needed = dfa.isAnchored ? undefined : neededTexts(tree);
    }
    return mayMatch(text) && dfa.test(text);
  };
}

/** The single characters that no match is without. */
function heldBy(node: RegexNode): string {
  switch (node.kind) {
    case "set":
      return node.set.only ?? "";
    case "sequence":
      return node.of.map(heldBy).join("");
    case "repeat":
      return node.min > 0 ? heldBy(node.of) : "";
    case "assert":
    case "choice":
    default:
      return "";
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
