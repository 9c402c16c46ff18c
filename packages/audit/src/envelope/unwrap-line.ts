import { LIST_KEYS } from "./list-keys.ts";
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
import { walkContainer } from "../json/json-break.ts";
import type { EventScan } from "../scan.ts";
import { asV1 } from "./earlier-version.ts";
import type { Span } from "./members.ts";
import { packedText } from "./packed-record.ts";
import {
  BYTE_ORDER_MARK_BYTES,
  CLOUD_WATCH_LINE,
  CLOUD_WATCH_PREFIX,
  recogniseAt,
  startsWithByteOrderMark,
} from "../recognise.ts";
import { eventInside, isOfEvent, tornEventInside } from "./record.ts";

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
/** An event has over a hundred bytes, a line sixteen million: more records than this are none, and cost more memory than they say. */
const MOST_RECORDS = 128 * 1024;
/** What was packed in the records of one line, together. */
const MOST_UNPACKED_BYTES = 64 * 1024 * 1024;

/** One canonical line out of an envelope, `bytes[start, end)`. */
export interface UnwrappedLine extends Span {
  readonly bytes: Buffer;
  /** Where its record begins in the buffer that the envelope's line stands in. */
  readonly at: number;
  /** It is what stands behind the time on its line, or is left of a record that is torn at its end: no text of a string. */
  readonly isRest?: boolean;
}

/**
 * What an {@link EnvelopeReader} makes of a line that is an envelope by itself, or several, wherever it stands in a log: `scan`, which
 * holds it, has just called it undecidable. Undefined where it is none, or holds nothing that can be taken out: then it stays the line
 * that it is. None of what comes out is unwrapped again. At most 131,072 records are taken out of one line.
 *
 * An envelope is told by the keys at the top of a line that is well-formed JSON from its beginning to its end (behind the time, for a
 * line of CloudWatch), so nothing that stands inside an event is taken for one; and an object with a key that only events have is none.
 * Of a document that is cut off at the line's end its whole records come out, and what is left of the last one as a line.
 *
 * @example
 * const line = Buffer.from('{"kind":"EventList","items":[{"level":"Metadata"},{"level":"None"}]}');
 * const scan = new EventScan();
 * assert.equal(scan.scan(line, 0, line.length), false);
 * const lines = unwrapLine(scan) ?? [];
 * assert.deepEqual(lines.map(({ bytes, start, end }) => bytes.toString("utf8", start, end)), ['{"level":"Metadata"}', '{"level":"None"}']);
 * assert.deepEqual(lines.map(({ at }) => at), [29, 50]);
 */
export function unwrapLine({ reason, bytes, start, end }: EventScan): readonly UnwrappedLine[] | undefined {
  if (reason === "not-an-audit-event") {
    const event = asV1(bytes, start, behindLine(bytes, start, end));
    return event && [{ bytes: event, start: 0, end: event.length, at: start }];
  }
  if (reason !== "in-an-envelope" && reason !== "not-json") {
    return undefined;
  }
  const isMarked = startsWithByteOrderMark(bytes.subarray(start, Math.min(end, start + BYTE_ORDER_MARK_BYTES)));
  const open = skipSpace(bytes, isMarked ? start + BYTE_ORDER_MARK_BYTES : start, end);
  const close = behindLine(bytes, open, end);
  if (open === end) {
    return undefined;
  }
  return bytes[open] === OPEN_LIST || bytes[open] === OPEN_OBJECT
    ? fromDocuments(bytes, open, close)
    : behindTime(bytes, start, close, end);
}

/**
 * Whether a document that goes over lines seems to begin with the line that `scan`, which holds it, has just called undecidable: for a
 * {@link LineFramer}, which then tries to have it as a whole. Nearly all such lines are torn ones of other kinds, of which it is false.
 */
export function beginsDocument({ reason, bytes, start, end }: EventScan): boolean {
  if (reason !== "not-json" || start === end || (bytes[start] !== OPEN_OBJECT && bytes[start] !== OPEN_LIST)) {
    return false;
  }
  const close = behindLine(bytes, start, end);
  const isAlone = close === start + 1;
  return (
    (isAlone || recogniseAt(bytes.subarray(start, close), 0)?.form === "documents") &&
    walkContainer(bytes, start, close) === ~close
  );
}

/**
 * What an {@link EnvelopeReader} makes of a document over lines, `bytes[start, end)`: as {@link unwrapLine}, which see, of a line; an event
 * over lines becomes one line. Undefined where it is no JSON.
 */
export function unwrapDocument(bytes: Buffer, start: number, end: number): readonly UnwrappedLine[] | undefined {
  return fromDocuments(bytes, start, behindLine(bytes, start, end), true);
}

function behindLine(bytes: Buffer, open: number, end: number): number {
  let close = end;
  while (close > open && (bytes[close - 1] as number) <= 32) {
    close--;
  }
  return close;
}

/** Of an envelope, and what stands behind it on its line: others, events. The last document may be cut off. */
function fromDocuments(
  bytes: Buffer,
  open: number,
  end: number,
  isOverLines = false,
): readonly UnwrappedLine[] | undefined {
  const form = recogniseAt(bytes.subarray(open, end), 0)?.form;
  if (!isOverLines && (form === undefined || form === "plain")) {
    return undefined;
  }
  const out: Unwrapping = { lines: [], room: MOST_UNPACKED_BYTES };
  const { lines } = out;
  for (let at = open; at < end;) {
    const walked = bytes[at] === OPEN_LIST || bytes[at] === OPEN_OBJECT ? walkContainer(bytes, at, end) : ~at;
    const behind = walked === ~end ? end : walked;
    if (behind < 0) {
      return undefined;
    }
    if (!addDocument(out, bytes, at, behind, walked >= 0)) {
      if ((at === open && !isOverLines) || lines.length >= MOST_RECORDS) {
        return undefined;
      }
      lines.push(lineOf(bytes, at, behind, true));
    }
    at = skipSpace(bytes, behind, end);
  }
  return lines;
}

/**
 * What stands in one JSON document, `bytes[open, end)`, which may be torn at its end: the records of an envelope, what is left of the torn
 * one too; else the event, as one of v1, or nothing of a torn one but what a LogEntry of GKE says before the tear.
 */
export function documentLines(bytes: Buffer, open: number, end: number, isWhole: boolean): readonly UnwrappedLine[] {
  const out: Unwrapping = { lines: [], room: MOST_UNPACKED_BYTES };
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
  const out: Unwrapping = { lines: [], room: MOST_UNPACKED_BYTES };
  return addPacked(out, bytes, start, end) ? out.lines : undefined;
}

/** What has come out of a line so far, and how many bytes may still be unpacked. */
interface Unwrapping {
  readonly lines: UnwrappedLine[];
  room: number;
}

/** Adds what is in an envelope; false where it is none. */
function addDocument(out: Unwrapping, bytes: Buffer, open: number, end: number, isWhole: boolean): boolean {
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

/** Of a line that CloudWatch has put a time before. */
function behindTime(bytes: Buffer, start: number, close: number, end: number): readonly UnwrappedLine[] | undefined {
  const prefix = prefixLength(bytes, start, close);
  const at = start + prefix;
  if (prefix === 0) {
    return undefined;
  }
  const event = eventInside(bytes, at, close);
  return [
    event === undefined
      ? { bytes, start: at, end, at, isRest: true }
      : { bytes: event, start: 0, end: event.length, at },
  ];
}

/** Length of what CloudWatch puts before a message in an exported or tailed line; 0 where there is none. */
export function prefixLength(bytes: Buffer, start: number, end: number): number {
  const text = bytes.toString("latin1", start, Math.min(end, start + CLOUD_WATCH_PREFIX));
  return CLOUD_WATCH_LINE.exec(text)?.[0].length ?? 0;
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
    if (isOfEvent(bytes, at + 1, behindKey - 1)) {
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

/** Longer ones are none that matter, though each letter were an escape. */
const LONGEST_KEY = 64;
/** First letter of `null`. */
const NULL = 110;

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
function lineOf(bytes: Buffer, start: number, end: number, mayHaveBreaks: boolean): UnwrappedLine {
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
