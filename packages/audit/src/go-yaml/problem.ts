import type { Position } from "../yaml.ts";

/** A place in a text, all counted from 0, in characters and not in UTF-16 units. */
export interface Mark {
  readonly index: number;
  readonly line: number;
  readonly column: number;
}

/** Thrown where go-yaml's reader, scanner or parser gives up; `readGoYaml` turns it into its answer. */
export class YamlFault extends Error {
  /** Which half noticed: they count lines differently. Where neither names a place, undefined. */
  readonly by: "scanner" | "parser" | undefined;
  readonly mark: Mark | undefined;

  constructor(problem: string, by?: "scanner" | "parser", mark?: Mark) {
    super(problem);
    this.by = by;
    this.mark = mark;
  }
}

/** The fault as go-yaml prints it, and where it really is. */
export function describeFault({ message, by, mark }: YamlFault): {
  readonly error: string;
  readonly position: Position | undefined;
} {
  // The first line is never printed, and the parser's lines are one too low.
  const line = mark === undefined || mark.line === 0 ? 0 : by === "scanner" ? mark.line + 1 : mark.line;
  return {
    error: `yaml: ${line === 0 ? "" : `line ${line}: `}${message}`,
    position: mark === undefined ? undefined : positionOf(mark),
  };
}

/** A mark as people count. */
export function positionOf({ line, column }: Mark): Position {
  return { line: line + 1, column: column + 1 };
}
