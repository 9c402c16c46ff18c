import type { LineCounter, YAMLError } from "yaml";
import type { Position } from "./yaml.ts";

/** Words of go-yaml for a syntax error, and which half of it notices: its parser counts lines from 0. */
interface GoWords {
  readonly text: string;
  readonly by: "scanner" | "parser" | "next-token";
}

const scanner = (text: string): GoWords => ({ text, by: "scanner" });
const parser = (text: string): GoWords => ({ text, by: "parser" });

/** First match decides: `[code of the yaml library, part of its message, go-yaml's words]`. */
const WORDS: readonly (readonly [string, string, GoWords])[] = [
  ["RESOURCE_EXHAUSTION", "", scanner("exceeded max depth of 10000")],
  ["TAB_AS_INDENT", "", scanner("found character that cannot start any token")],
  ["BAD_SCALAR_START", "flow indicator", parser("did not find expected node content")],
  ["BAD_SCALAR_START", "", scanner("found character that cannot start any token")],
  ["BLOCK_AS_IMPLICIT_KEY", "Nested mappings", scanner("mapping values are not allowed in this context")],
  ["BLOCK_AS_IMPLICIT_KEY", "", parser("did not find expected key")],
  ["MULTILINE_IMPLICIT_KEY", "", { text: "could not find expected ':'", by: "next-token" }],
  ["MISSING_CHAR", "followed by map values", { text: "could not find expected ':'", by: "next-token" }],
  ["MISSING_CHAR", "Missing closing", { text: "found unexpected end of stream", by: "scanner" }],
  ["MISSING_CHAR", "Sequence item without", parser("did not find expected '-' indicator")],
  ["MISSING_CHAR", "flow sequence", parser("did not find expected ',' or ']'")],
  ["MISSING_CHAR", "flow map", parser("did not find expected ',' or '}'")],
  ["BAD_INDENT", "Flow sequence", parser("did not find expected ',' or ']'")],
  ["BAD_INDENT", "Flow map", parser("did not find expected ',' or '}'")],
  ["BAD_INDENT", "mapping items", parser("did not find expected key")],
  ["BAD_INDENT", "sequence items", parser("did not find expected '-' indicator")],
  ["BLOCK_IN_FLOW", "", parser("did not find expected ',' or '}'")],
  ["BAD_DQ_ESCAPE", "", scanner("found unknown escape character")],
  ["BAD_DIRECTIVE", "", scanner("found incompatible YAML document")],
  ["TAG_RESOLVE_FAILED", "", parser("found undefined tag handle")],
  ["UNEXPECTED_TOKEN", "Block scalar header", scanner("did not find expected comment or line break")],
  ["UNEXPECTED_TOKEN", "seq-ind", scanner("block sequence entries are not allowed in this context")],
  ["UNEXPECTED_TOKEN", "seq-item-ind", scanner("block sequence entries are not allowed in this context")],
];

/**
 * go-yaml's complaint about text that is no YAML. The two libraries read differently: the words are those of the
 * nearest complaint, the line is the one that go-yaml most often names.
 *
 * @see https://github.com/yaml/go-yaml/blob/v2/decode.go
 */
export function goSyntaxProblem(
  problems: readonly YAMLError[],
  text: string,
  lines: LineCounter,
): { readonly error: string; readonly position: Position } {
  const [problem, second] = problems;
  const [start, end] = problem?.pos ?? [0, 0];
  const words =
    WORDS.find(([code, part]) => problem?.code === code && problem.message.includes(part))?.[2] ??
    parser("did not find expected key");
  const multiline = [problem, second].find((one) => one?.code === "MULTILINE_IMPLICIT_KEY" && one.pos[0] === start);
  // Such a key is noticed at its colon, or without one where the next token begins.
  const hasColon = second?.code !== "MISSING_CHAR" || second.pos[0] !== start;
  const printed =
    multiline && hasColon ? lineAt(multiline.pos[1], text, lines) : lineOf(words, start, end, text, lines);
  const shown = words.by === "parser" ? printed - 1 : printed;
  // Nothing is printed for the first line.
  const where = shown > (words.by === "parser" ? 0 : 1) ? `line ${shown}: ` : "";
  const { line, col } = lines.linePos(start);
  return { error: `yaml: ${where}${words.text}`, position: { line, column: col } };
}

function lineOf({ by }: GoWords, start: number, end: number, text: string, lines: LineCounter): number {
  switch (by) {
    case "parser":
      return lineAt(tokenFrom(text, start), text, lines);
    case "next-token":
      return lineAt(tokenFrom(text, endOfLine(text, end)), text, lines);
    case "scanner":
    default:
      return lines.linePos(start).line;
  }
}

/** libyaml puts the end of a text that lacks its last newline on a line of its own. */
function lineAt(offset: number, text: string, lines: LineCounter): number {
  const { line, col } = lines.linePos(offset);
  return offset >= text.length && col > 1 ? line + 1 : line;
}

function endOfLine(text: string, offset: number): number {
  const newline = text.indexOf("\n", offset);
  return newline === -1 ? text.length : newline;
}

/** The next thing that is neither blank nor comment. */
function tokenFrom(text: string, offset: number): number {
  return offset + (/^(?:\s|#[^\n]*)*/.exec(text.slice(offset))?.[0].length ?? 0);
}
