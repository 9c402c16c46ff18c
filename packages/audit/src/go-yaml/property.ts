import type { GoYamlCursor } from "./cursor.ts";
import { YamlFault } from "./problem.ts";
import type { Token } from "./token.ts";

/** A token without its places. */
export type PropertyToken = Pick<Token, "type" | "value" | "suffix">;

const MAX_VERSION_DIGITS = 2;

/** Reads `%YAML 1.1` or `%TAG !handle! prefix` with the rest of its line. */
export function scanDirective(cursor: GoYamlCursor): PropertyToken {
  cursor.skip();
  const token = scanDirectiveValue(cursor, scanDirectiveName(cursor));
  cursor.need(1);
  cursor.skipBlanks();
  cursor.skipComment();
  if (!cursor.isBreakOrEnd()) {
    throw fault(cursor, "did not find expected comment or line break");
  }
  cursor.need(2);
  cursor.takeBreak();
  return token;
}

function scanDirectiveName(cursor: GoYamlCursor): string {
  const name = scanWord(cursor);
  if (name === "") {
    throw fault(cursor, "could not find expected directive name");
  }
  if (!cursor.isBlankOrEnd()) {
    throw fault(cursor, "found unexpected non-alphabetical character");
  }
  return name;
}

function scanDirectiveValue(cursor: GoYamlCursor, name: string): PropertyToken {
  if (name === "YAML") {
    cursor.skipBlanks();
    const major = scanVersionNumber(cursor);
    if (cursor.peek() !== ".") {
      throw fault(cursor, "did not find expected digit or '.' character");
    }
    cursor.skip();
    return { type: "yaml-directive", value: "", suffix: `${major}.${scanVersionNumber(cursor)}` };
  }
  if (name === "TAG") {
    cursor.skipBlanks();
    const value = scanTagHandle(cursor, true);
    cursor.need(1);
    if (!cursor.isBlank()) {
      throw fault(cursor, "did not find expected whitespace");
    }
    cursor.skipBlanks();
    const suffix = scanTagUri(cursor, "");
    cursor.need(1);
    if (!cursor.isBlankOrEnd()) {
      throw fault(cursor, "did not find expected whitespace or line break");
    }
    return { type: "tag-directive", value, suffix };
  }
  throw fault(cursor, "found unknown directive name");
}

function scanVersionNumber(cursor: GoYamlCursor): number {
  let digits = "";
  cursor.need(1);
  while (cursor.isDigit()) {
    if (digits.length === MAX_VERSION_DIGITS) {
      throw fault(cursor, "found extremely long version number");
    }
    digits += cursor.take();
    cursor.need(1);
  }
  if (digits === "") {
    throw fault(cursor, "did not find expected version number");
  }
  return Number(digits);
}

/** Reads `&name` or `*name`. */
export function scanAnchor(cursor: GoYamlCursor): PropertyToken {
  const type = cursor.take() === "&" ? "anchor" : "alias";
  const value = scanWord(cursor);
  if (value === "" || !(cursor.isBlankOrEnd() || "?:,]}%@`".includes(cursor.peek()))) {
    throw fault(cursor, "did not find expected alphabetic or numeric character");
  }
  return { type, value, suffix: "" };
}

/** Reads `!<uri>`, `!handle!suffix`, `!suffix` or `!`. */
export function scanTag(cursor: GoYamlCursor): PropertyToken {
  cursor.need(2);
  const token = cursor.peek(1) === "<" ? scanVerbatimTag(cursor) : scanShorthandTag(cursor);
  cursor.need(1);
  if (!cursor.isBlankOrEnd()) {
    throw fault(cursor, "did not find expected whitespace or line break");
  }
  return token;
}

function scanVerbatimTag(cursor: GoYamlCursor): PropertyToken {
  cursor.skip(2);
  const suffix = scanTagUri(cursor, "");
  if (cursor.peek() !== ">") {
    throw fault(cursor, "did not find the expected '>'");
  }
  cursor.skip();
  return { type: "tag", value: "", suffix };
}

function scanShorthandTag(cursor: GoYamlCursor): PropertyToken {
  const handle = scanTagHandle(cursor, false);
  if (handle.length > 1 && handle.endsWith("!")) {
    return { type: "tag", value: handle, suffix: scanTagUri(cursor, "") };
  }
  const suffix = scanTagUri(cursor, handle);
  return suffix === "" ? { type: "tag", value: "", suffix: "!" } : { type: "tag", value: "!", suffix };
}

function scanTagHandle(cursor: GoYamlCursor, isDirective: boolean): string {
  cursor.need(1);
  if (cursor.peek() !== "!") {
    throw fault(cursor, "did not find expected '!'");
  }
  const start = cursor.take();
  const name = start + scanWord(cursor);
  if (cursor.peek() === "!") {
    return name + cursor.take();
  }
  if (isDirective && name !== "!") {
    throw fault(cursor, "did not find expected '!'");
  }
  return name;
}

/** Reads the rest of a tag; `head` is what has been read of it, with its `!`. */
function scanTagUri(cursor: GoYamlCursor, head: string): string {
  let uri = head.slice(1);
  let isAny = head !== "";
  cursor.need(1);
  while (cursor.isWord() || ";/?:@&=+$,.!~*'()[]%".includes(cursor.peek())) {
    uri += cursor.peek() === "%" ? scanUriEscape(cursor) : cursor.take();
    isAny = true;
    cursor.need(1);
  }
  if (!isAny) {
    throw fault(cursor, "did not find expected tag URI");
  }
  return uri;
}

/** Reads the escaped bytes of one character. */
function scanUriEscape(cursor: GoYamlCursor): string {
  const bytes: number[] = [];
  let length = 1;
  while (bytes.length < length) {
    cursor.need(3);
    if (cursor.peek() !== "%" || !cursor.isHex(1) || !cursor.isHex(2)) {
      throw fault(cursor, "did not find URI escaped octet");
    }
    const byte = Number.parseInt(cursor.peek(1) + cursor.peek(2), 16);
    if (bytes.length === 0) {
      length = utf8Length(byte);
      if (length === 0) {
        throw fault(cursor, "found an incorrect leading UTF-8 octet");
      }
    } else if ((byte & 0xc0) !== 0x80) {
      throw fault(cursor, "found an incorrect trailing UTF-8 octet");
    }
    bytes.push(byte);
    cursor.skip(3);
  }
  return Buffer.from(bytes).toString("utf8");
}

function utf8Length(leading: number): number {
  if (leading < 0x80) {
    return 1;
  }
  return (leading & 0xe0) === 0xc0 ? 2 : (leading & 0xf0) === 0xe0 ? 3 : (leading & 0xf8) === 0xf0 ? 4 : 0;
}

function scanWord(cursor: GoYamlCursor): string {
  let word = "";
  cursor.need(1);
  while (cursor.isWord()) {
    word += cursor.take();
    cursor.need(1);
  }
  return word;
}

function fault(cursor: GoYamlCursor, problem: string): YamlFault {
  return new YamlFault(problem, "scanner", cursor.mark);
}
