import { goQuote } from "@auditsieve/audit";
import type { Position, SourceEntry, SourceNode } from "@auditsieve/audit";

/** What {@link readGoJson} gives: the value, or the message of Go's JSON scanner and where it stopped. */
export type GoJson =
  | { readonly outcome: "read"; readonly root: SourceNode }
  | { readonly outcome: "refused"; readonly error: string; readonly position: Position };

/** Go's own bound on nesting. */
const MAX_DEPTH = 10_000;

/**
 * Reads JSON text as Go's encoding/json scans it: same acceptance, same words. Repeated keys are kept.
 *
 * @see https://github.com/golang/go/blob/master/src/encoding/json/scanner.go
 */
export function readGoJson(text: string): GoJson {
  const scan: Scan = { text, offset: 0, line: 1, lineStart: 0 };
  try {
    const root = readValue(scan);
    skipSpace(scan);
    if (scan.offset < text.length) {
      fail(scan, "after top-level value");
    }
    return { outcome: "read", root };
  } catch (error) {
    if (error instanceof JsonFault) {
      return { outcome: "refused", error: error.message, position: here(scan) };
    }
    throw error;
  }
}

/** Thrown where the scanner stops; never leaves this file. */
class JsonFault extends Error {}

interface Scan {
  readonly text: string;
  offset: number;
  line: number;
  lineStart: number;
}

interface OpenList {
  readonly kind: "array";
  readonly items: SourceNode[];
  readonly position: Position;
}

interface OpenMap {
  readonly kind: "object";
  readonly entries: SourceEntry[];
  readonly position: Position;
  key: string;
  keyPosition: Position;
}

/** One loop with its own stack: the nesting that Go allows would overflow a recursive reader. */
function readValue(scan: Scan): SourceNode {
  const open: (OpenList | OpenMap)[] = [];
  for (;;) {
    let value = readStart(scan, open);
    while (value !== undefined) {
      const parent = open.at(-1);
      if (parent === undefined) {
        return value;
      }
      value = addTo(scan, open, parent, value);
    }
  }
}

/** Reads a scalar or an empty collection, or opens a collection and gives undefined. */
function readStart(scan: Scan, open: (OpenList | OpenMap)[]): SourceNode | undefined {
  skipSpace(scan);
  const position = here(scan);
  const first: string = scan.text[scan.offset] ?? "";
  switch (first) {
    case "{": {
      scan.offset += 1;
      skipSpace(scan);
      if (scan.text[scan.offset] === "}") {
        scan.offset += 1;
        return { kind: "object", entries: [], position };
      }
      open.push({ kind: "object", entries: [], position, ...readKey(scan) });
      return checkDepth(open);
    }
    case "[":
      scan.offset += 1;
      skipSpace(scan);
      if (scan.text[scan.offset] === "]") {
        scan.offset += 1;
        return { kind: "array", items: [], position };
      }
      open.push({ kind: "array", items: [], position });
      return checkDepth(open);
    case '"':
      return { kind: "string", value: readString(scan), position };
    case "t":
      readWord(scan, "true");
      return { kind: "boolean", value: true, position };
    case "f":
      readWord(scan, "false");
      return { kind: "boolean", value: false, position };
    case "n":
      readWord(scan, "null");
      return { kind: "null", position };
    default:
      return { kind: "number", literal: readNumber(scan), position };
  }
}

function checkDepth(open: readonly unknown[]): undefined {
  if (open.length > MAX_DEPTH) {
    throw new JsonFault("exceeded max depth");
  }
}

/** Puts a finished value into its collection; gives that collection when the value was its last. */
function addTo(
  scan: Scan,
  open: (OpenList | OpenMap)[],
  parent: OpenList | OpenMap,
  value: SourceNode,
): SourceNode | undefined {
  skipSpace(scan);
  const next = scan.text[scan.offset];
  if (parent.kind === "array") {
    parent.items.push(value);
    if (next !== "," && next !== "]") {
      return fail(scan, "after array element");
    }
    scan.offset += 1;
  } else {
    parent.entries.push({ key: parent.key, keyPosition: parent.keyPosition, value });
    if (next !== "," && next !== "}") {
      return fail(scan, "after object key:value pair");
    }
    scan.offset += 1;
    if (next === ",") {
      skipSpace(scan);
      Object.assign(parent, readKey(scan));
    }
  }
  if (next === ",") {
    return undefined;
  }
  open.pop();
  return parent;
}

function readKey(scan: Scan): { key: string; keyPosition: Position } {
  const keyPosition = here(scan);
  if (scan.text[scan.offset] !== '"') {
    fail(scan, "looking for beginning of object key string");
  }
  const key = readString(scan);
  skipSpace(scan);
  if (scan.text[scan.offset] !== ":") {
    fail(scan, "after object key");
  }
  scan.offset += 1;
  return { key, keyPosition };
}

function readString(scan: Scan): string {
  const start = scan.offset;
  scan.offset += 1;
  for (;;) {
    const character = scan.text[scan.offset];
    if (character === '"') {
      scan.offset += 1;
      // Lone surrogates become U+FFFD, as in Go.
      return (JSON.parse(scan.text.slice(start, scan.offset)) as string).toWellFormed();
    }
    if (character === undefined || character < " ") {
      fail(scan, "in string literal");
    }
    scan.offset += 1;
    if (character === "\\") {
      readEscape(scan);
    }
  }
}

function readEscape(scan: Scan): void {
  const code = scan.text[scan.offset];
  if (code === undefined || !'bfnrt\\/"u'.includes(code)) {
    fail(scan, "in string escape code");
  }
  scan.offset += 1;
  const digits = code === "u" ? 4 : 0;
  for (let digit = 0; digit < digits; digit++) {
    if (!/^[0-9a-fA-F]$/.test(scan.text[scan.offset] ?? "")) {
      fail(scan, "in \\u hexadecimal character escape");
    }
    scan.offset += 1;
  }
}

function readWord(scan: Scan, word: string): void {
  for (const expected of word) {
    if (scan.text[scan.offset] !== expected) {
      fail(scan, `in literal ${word} (expecting '${expected}')`);
    }
    scan.offset += 1;
  }
}

function readNumber(scan: Scan): string {
  const start = scan.offset;
  const isNegative = scan.text[scan.offset] === "-";
  if (isNegative) {
    scan.offset += 1;
  }
  if (scan.text[scan.offset] === "0") {
    scan.offset += 1;
  } else {
    readDigits(scan, isNegative ? "in numeric literal" : "looking for beginning of value");
  }
  if (scan.text[scan.offset] === ".") {
    scan.offset += 1;
    readDigits(scan, "after decimal point in numeric literal");
  }
  if (scan.text[scan.offset] === "e" || scan.text[scan.offset] === "E") {
    scan.offset += 1;
    if (scan.text[scan.offset] === "+" || scan.text[scan.offset] === "-") {
      scan.offset += 1;
    }
    readDigits(scan, "in exponent of numeric literal");
  }
  return scan.text.slice(start, scan.offset);
}

function readDigits(scan: Scan, context: string): void {
  if (!isDigit(scan)) {
    fail(scan, context);
  }
  while (isDigit(scan)) {
    scan.offset += 1;
  }
}

function isDigit(scan: Scan): boolean {
  const character = scan.text[scan.offset];
  return character !== undefined && character >= "0" && character <= "9";
}

function skipSpace(scan: Scan): void {
  for (;;) {
    const character = scan.text[scan.offset];
    if (character !== " " && character !== "\t" && character !== "\r" && character !== "\n") {
      return;
    }
    scan.offset += 1;
    if (character === "\n") {
      scan.line += 1;
      scan.lineStart = scan.offset;
    }
  }
}

function here(scan: Scan): Position {
  return { line: scan.line, column: scan.offset - scan.lineStart + 1 };
}

function fail(scan: Scan, context: string): never {
  const character = scan.text.codePointAt(scan.offset);
  if (character === undefined) {
    // At the end Go tries one more blank: where a blank is wrong, it complains of that one.
    const isInToken = /literal|escape|numeric/.test(context) && context !== "in string literal";
    throw new JsonFault(isInToken ? `invalid character ' ' ${context}` : "unexpected end of JSON input");
  }
  throw new JsonFault(`invalid character ${quoteByte(firstByte(character))} ${context}`);
}

/** Go scans bytes: of a character beyond ASCII, its message names the first byte of the UTF-8 form. */
function firstByte(character: number): number {
  return character < 0x80 ? character : (Buffer.from(String.fromCodePoint(character))[0] ?? 0);
}

function quoteByte(byte: number): string {
  const character = String.fromCodePoint(byte);
  if (character === "'") {
    return "'\\''";
  }
  return character === '"' ? `'"'` : `'${goQuote(character).slice(1, -1)}'`;
}
