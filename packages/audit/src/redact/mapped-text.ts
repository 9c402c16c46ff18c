/**
 * A piece of the line with its escapes taken away, and where each of its bytes came from. `text` holds one UTF-8 byte a
 * character, so that a pattern's offsets are byte offsets and bytes that are no UTF-8 survive; `offsets` has one entry
 * more than `text` has characters.
 */
export interface MappedText {
  readonly text: string;
  readonly offsets: Int32Array;
}

/** A part of a text that must be replaced: [start, end). */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The bytes of a line as text, one character a byte. */
export function byteText(bytes: Buffer, start = 0, end: number = bytes.length): string {
  return bytes.toString("latin1", start, end);
}

/** A JSON string's content (without quotes, of valid JSON) from `start` to `end` of the line. */
export function unescapeJson(line: string, start: number, end: number): MappedText {
  const offsets = new Int32Array(end - start + 1);
  const pieces: string[] = [];
  let size = 0;
  let at = start;
  while (at < end) {
    const backslash = line.indexOf("\\", at);
    const stop = backslash < 0 || backslash > end ? end : backslash;
    pieces.push(line.slice(at, stop));
    while (at < stop) offsets[size++] = at++;
    if (at >= end) break;
    const [bytes, length] = escapeAt(line, at);
    pieces.push(bytes);
    for (let count = 0; count < bytes.length; count += 1) offsets[size++] = at;
    at += length;
  }
  offsets[size] = end;
  return { text: pieces.join(""), offsets: offsets.subarray(0, size + 1) };
}

/** The same of a JSON string's content alone. The parser is faster, but what it makes of `\u` are no bytes. */
export function withoutEscapes(escaped: string): string {
  if (!escaped.includes("\\")) {
    return escaped;
  }
  return escaped.includes("\\u")
    ? unescapeJson(escaped, 0, escaped.length).text
    : (JSON.parse(`"${escaped}"`) as string);
}

/** Takes percent-encoding away from [start, end) of `source`; in a query a plus is a space. What is no escape stays. */
export function unescapePercent(source: MappedText, start: number, end: number, isQuery: boolean): MappedText {
  const plain = source.text.slice(start, end);
  if (!(isQuery ? /[%+]/ : /%/).test(plain)) return { text: plain, offsets: source.offsets.subarray(start, end + 1) };
  const offsets = new Int32Array(end - start + 1);
  const pieces: string[] = [];
  let size = 0;
  for (let at = start; at < end; size += 1) {
    offsets[size] = source.offsets[at] as number;
    const letter = source.text[at] as string;
    const code = letter === "%" && at + 2 < end ? source.text.slice(at + 1, at + 3) : "";
    if (/^[0-9a-fA-F]{2}$/.test(code)) {
      pieces.push(String.fromCharCode(Number.parseInt(code, 16)));
      at += 3;
    } else {
      pieces.push(isQuery && letter === "+" ? " " : letter);
      at += 1;
    }
  }
  offsets[size] = source.offsets[end] as number;
  return { text: pieces.join(""), offsets: offsets.subarray(0, size + 1) };
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

/** The UTF-8 bytes that an escape stands for, and how long it is. A lone surrogate becomes three bytes of its own. */
function escapeAt(line: string, at: number): readonly [bytes: string, length: number] {
  const letter = line[at + 1] as string;
  if (letter !== "u") return [SHORT_ESCAPES[letter] ?? letter, 2];
  const code = unit(line, at);
  if (code >= 0xd800 && code < 0xdc00 && line[at + 6] === "\\" && line[at + 7] === "u") {
    const low = unit(line, at + 6);
    if (low >= 0xdc00 && low < 0xe000) return [utf8(((code - 0xd800) << 10) + (low - 0xdc00) + 0x10000), 12];
  }
  return [utf8(code), 6];
}

function unit(line: string, at: number): number {
  return Number.parseInt(line.slice(at + 2, at + 6), 16);
}

function utf8(code: number): string {
  if (code < 0x80) return String.fromCharCode(code);
  const tail = (shift: number): number => 0x80 | ((code >> shift) & 0x3f);
  if (code < 0x800) return String.fromCharCode(0xc0 | (code >> 6), tail(0));
  if (code < 0x10000) return String.fromCharCode(0xe0 | (code >> 12), tail(6), tail(0));
  return String.fromCharCode(0xf0 | (code >> 18), tail(12), tail(6), tail(0));
}
