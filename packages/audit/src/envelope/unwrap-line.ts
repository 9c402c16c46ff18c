import { walkContainer } from "../json/json-break.ts";
import { OPEN_LIST, OPEN_OBJECT, skipSpace } from "../json/json-bytes.ts";
import {
  behindByteOrderMarks,
  byteOrderMarkBytes,
  CLOUD_WATCH_LINE,
  CLOUD_WATCH_PREFIX,
  recogniseAt,
} from "../recognise.ts";
import type { EventScan } from "../scan.ts";
import { addDocument, behindLine, lineOf, MOST_RECORDS, newUnwrapping } from "./document-lines.ts";
import type { UnwrappedLine } from "./document-lines.ts";
import { asV1 } from "./earlier-version.ts";
import { eventInside } from "./record.ts";

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
  const open = behindByteOrderMarks(bytes, start, end);
  const isMarked = skipSpace(bytes, start, end) !== open;
  const close = behindLine(bytes, open, end);
  if (open === end) {
    return undefined;
  }
  if (bytes[open] !== OPEN_LIST && bytes[open] !== OPEN_OBJECT) {
    return behindTime(bytes, isMarked ? open : start, close, end);
  }
  return fromDocuments(bytes, open, close) ?? (isMarked ? behindMark(bytes, open, close) : undefined);
}

/**
 * Whether a document that goes over lines seems to begin with the line that `scan`, which holds it, has just called undecidable: for a
 * {@link LineFramer}, which then tries to have it as a whole. Nearly all such lines are torn ones of other kinds, of which it is false.
 */
export function beginsDocument({ reason, bytes, start, end }: EventScan): boolean {
  const open = reason === "not-json" ? start + byteOrderMarkBytes(bytes, start, end) : end;
  if (open === end || (bytes[open] !== OPEN_OBJECT && bytes[open] !== OPEN_LIST)) {
    return false;
  }
  const close = behindLine(bytes, open, end);
  const isAlone = close === open + 1;
  return (
    (isAlone || recogniseAt(bytes.subarray(open, close), 0)?.form === "documents") &&
    walkContainer(bytes, open, close) === ~close
  );
}

/**
 * What an {@link EnvelopeReader} makes of a document over lines, `bytes[start, end)`: as {@link unwrapLine}, which see, of a line; an event
 * over lines becomes one line. Undefined where it is no JSON.
 */
export function unwrapDocument(bytes: Buffer, start: number, end: number): readonly UnwrappedLine[] | undefined {
  return fromDocuments(bytes, start + byteOrderMarkBytes(bytes, start, end), behindLine(bytes, start, end), true);
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
  const out = newUnwrapping();
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
    at = behindByteOrderMarks(bytes, behind, end);
  }
  return lines;
}

/** Of a line that an editor, or a tool of Windows, has put a byte order mark before: what it begins with is an event, and all of it. */
function behindMark(bytes: Buffer, open: number, end: number): readonly UnwrappedLine[] | undefined {
  const isEvent =
    recogniseAt(bytes.subarray(open, end), 0)?.form === "plain" && walkContainer(bytes, open, end) === end;
  return isEvent ? [lineOf(bytes, open, end, false)] : undefined;
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
