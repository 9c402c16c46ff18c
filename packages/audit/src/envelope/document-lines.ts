import { walkContainer } from "../json/json-break.ts";
import {
  CLOSE_LIST,
  COMMA,
  OPEN_LIST,
  OPEN_OBJECT,
  skipColon,
  skipSpace,
  skipString,
  skipValue,
} from "../json/json-bytes.ts";
import { LIST_KEYS } from "./list-keys.ts";
import type { Span } from "./members.ts";
import { packedText } from "./packed-record.ts";
import { eventInside, isOfNoEnvelope, tornEventInside } from "./record.ts";

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
/** An event has over a hundred bytes, a line sixteen million: more records than this are none, and cost more memory than they say. */
export const MOST_RECORDS: number = 128 * 1024;
/** What was packed in the records of one line, together. */
const MOST_UNPACKED_BYTES = 64 * 1024 * 1024;
/** Longer keys are none that matter, though each letter were an escape. */
const LONGEST_KEY = 64;
/** First letter of `null`. */
const NULL = 110;

/** One canonical line out of an envelope, `bytes[start, end)`. */
export interface UnwrappedLine extends Span {
  readonly bytes: Buffer;
  /** Where its record begins in the buffer that the envelope's line stands in. */
  readonly at: number;
  /** It is what stands behind the time on its line, or is left of a record that is torn at its end: no text of a string. */
  readonly isRest?: boolean;
}

/** What has come out of a line so far, and how many bytes may still be unpacked. */
export interface Unwrapping {
  readonly lines: UnwrappedLine[];
  room: number;
}

/** Nothing so far. */
export function newUnwrapping(): Unwrapping {
  return { lines: [], room: MOST_UNPACKED_BYTES };
}

/**
 * What stands in one JSON document, `bytes[open, end)`, which may be torn at its end: the records of an envelope, what is left of the torn
 * one too; else the event, as one of v1, or nothing of a torn one but what a LogEntry of GKE says before the tear.
 */
export function documentLines(bytes: Buffer, open: number, end: number, isWhole: boolean): readonly UnwrappedLine[] {
  const out = newUnwrapping();
  if (addDocument(out, bytes, open, end, isWhole)) {
    return out.lines;
  }
  const torn = isWhole ? undefined : tornEventInside(bytes, open, end);
  if (torn !== undefined) {
    return [{ bytes: torn, start: 0, end: torn.length, at: open }];
  }
  return isWhole ? [{ bytes, start: open, end, at: open }] : [];
}

/** The lines of what is packed in a record; undefined where nothing is, or too much. */
export function packedLines(bytes: Buffer, start: number, end: number): readonly UnwrappedLine[] | undefined {
  const out = newUnwrapping();
  return addPacked(out, bytes, start, end) ? out.lines : undefined;
}

/** Adds what is in an envelope; false where it is none. */
export function addDocument(out: Unwrapping, bytes: Buffer, open: number, end: number, isWhole: boolean): boolean {
  if (bytes[open] === OPEN_LIST) {
    return addRecords(out, bytes, open, end);
  }
  if (!isWhole || eventInside(bytes, open, end) === undefined) {
    return addPacked(out, bytes, open, end) || addLists(out, bytes, open, end);
  }
  out.lines.push(lineOf(bytes, open, end, true));
  return true;
}

/**
 * Adds what is packed in a record, and where that is damaged the record too, so that it is counted; false where nothing is, or too much. Places
 * are those of the record: each line has another one.
 */
function addPacked(out: Unwrapping, bytes: Buffer, start: number, end: number): boolean {
  const packed = packedText(bytes, start, end, out.room);
  if (packed === undefined) {
    return false;
  }
  const { text, isDamaged } = packed;
  const inner: Unwrapping = { lines: [], room: 0 };
  addText(inner, text);
  if (isDamaged) {
    // Without its bracket: nobody who comes later may unpack it once more.
    inner.lines.push({ bytes, start: start + 1, end, at: start });
  }
  if (out.lines.length + inner.lines.length > MOST_RECORDS) {
    return false;
  }
  out.room -= text.length;
  inner.lines.forEach((line, i) => out.lines.push({ ...line, at: Math.min(start + i, end - 1) }));
  return true;
}

/** Adds the documents in a text, and what is none line by line. */
function addText(out: Unwrapping, text: Buffer): void {
  const end = behindLine(text, 0, text.length);
  for (let at = skipSpace(text, 0, end); at < end;) {
    const walked = text[at] === OPEN_LIST || text[at] === OPEN_OBJECT ? walkContainer(text, at, end) : ~at;
    const newline = text.indexOf(NEWLINE, at);
    const behind = walked >= 0 ? walked : walked === ~end || newline === -1 ? end : newline;
    if (walked < 0 && walked !== ~end) {
      out.lines.push({ bytes: text, start: at, end: behind, at });
    } else if (!addDocument(out, text, at, behind, walked >= 0)) {
      out.lines.push(walked >= 0 ? lineOf(text, at, behind, true) : { bytes: text, start: at, end, at, isRest: true });
    }
    at = skipSpace(text, behind, end);
  }
}

/** Adds the records of the object at `open`; false where it is no document that has its records in lists. It may be cut off at `end`. */
function addLists(out: Unwrapping, bytes: Buffer, open: number, end: number): boolean {
  const { lines } = out;
  const before = lines.length;
  const refuse = (): false => {
    lines.length = before;
    return false;
  };
  let hasLists = false;
  let at = open;
  do {
    at = skipSpace(bytes, at + 1, end);
    const behindKey = at < end ? skipString(bytes, at, end) : -1;
    const value = behindKey === -1 ? -1 : skipColon(bytes, behindKey, end);
    if (value === -1) {
      return hasLists;
    }
    if (isOfNoEnvelope(bytes, at + 1, behindKey - 1)) {
      return refuse();
    }
    const behind = skipValue(bytes, value, end);
    if (LIST_KEYS.has(keyText(bytes, at, behindKey))) {
      hasLists = true;
      const isAdded =
        bytes[value] === OPEN_LIST
          ? addRecords(out, bytes, value, behind === -1 ? end : behind)
          : bytes[value] === NULL;
      if (!isAdded) {
        return refuse();
      }
    }
    if (behind === -1) {
      return hasLists;
    }
    at = skipSpace(bytes, behind, end);
  } while (at < end && bytes[at] === COMMA);
  return hasLists;
}

function keyText(bytes: Buffer, start: number, end: number): string {
  return end - start > LONGEST_KEY ? "" : (JSON.parse(bytes.toString("utf8", start, end)) as string);
}

/** Adds the members of the list at `open`, which may be cut off at `end`; false where they are too many. */
function addRecords(out: Unwrapping, bytes: Buffer, open: number, end: number): boolean {
  const { lines } = out;
  const list = bytes.subarray(open, end);
  const hasBreaks = list.includes(CARRIAGE_RETURN) || list.includes(NEWLINE);
  let at = skipSpace(bytes, open + 1, end);
  while (at < end && bytes[at] !== CLOSE_LIST) {
    if (lines.length >= MOST_RECORDS) {
      return false;
    }
    const behind = skipValue(bytes, at, end);
    if (behind === -1) {
      if (!addPacked(out, bytes, at, end)) {
        lines.push({ bytes, start: at, end, at, isRest: true });
      }
      return true;
    }
    if (!addPacked(out, bytes, at, behind)) {
      lines.push(lineOf(bytes, at, behind, hasBreaks));
    }
    at = skipSpace(bytes, behind, end);
    at = bytes[at] === COMMA ? skipSpace(bytes, at + 1, end) : at;
  }
  return true;
}

/** The event inside a record, or else the record, on one line. */
export function lineOf(bytes: Buffer, start: number, end: number, mayHaveBreaks: boolean): UnwrappedLine {
  const whole = mayHaveBreaks ? withoutBreaks(bytes.subarray(start, end)) : undefined;
  const own = whole === undefined ? eventInside(bytes, start, end) : (eventInside(whole, 0, whole.length) ?? whole);
  return own === undefined ? { bytes, start, end, at: start } : { bytes: own, start: 0, end: own.length, at: start };
}

/** Without the line breaks between its tokens, and the white space behind each; undefined where it has none. */
function withoutBreaks(value: Buffer): Buffer | undefined {
  const parts: Buffer[] = [];
  let from = 0;
  for (let at = breakIn(value, 0); at !== -1; at = breakIn(value, from)) {
    parts.push(value.subarray(from, at));
    from = skipSpace(value, at, value.length);
  }
  return parts.length === 0 ? undefined : Buffer.concat([...parts, value.subarray(from)]);
}

function breakIn(value: Buffer, from: number): number {
  for (let at = from; at < value.length; at++) {
    if (value[at] === NEWLINE || value[at] === CARRIAGE_RETURN) {
      return at;
    }
  }
  return -1;
}

/** Behind the last byte that is no white space. */
export function behindLine(bytes: Buffer, open: number, end: number): number {
  let close = end;
  while (close > open && (bytes[close - 1] as number) <= 32) {
    close--;
  }
  return close;
}
