import { asV1 } from "./envelope/earlier-version.ts";
import { stringText } from "./envelope/embedded-event.ts";
import { textInside } from "./envelope/record.ts";
import { documentLines } from "./envelope/document-lines.ts";
import { prefixLength } from "./envelope/unwrap-line.ts";
import { OPEN_LIST, OPEN_OBJECT, QUOTE, skipSpace } from "./json/json-bytes.ts";
import { walkContainer } from "./json/json-break.ts";
import { behindNul } from "./frame/long-line.ts";
import { behindByteOrderMarks } from "./recognise.ts";
import type { EventScan } from "./scan.ts";
import type { Span } from "./templates/decided-by.ts";

/** A whole event in a damaged line: `bytes[start, end)`. */
export interface SalvagedEvent extends Span {
  /** The line's own, or others: of what stood in a string. */
  readonly bytes: Buffer;
  /** Where it stands in the line's bytes; of what stood in a string, a place in that string. No two have the same. */
  readonly at: number;
}

/** A document in a line, torn at its end unless it is whole. */
interface LineDocument extends Span {
  readonly isWhole: boolean;
}

/** A line in an envelope in an envelope in another one. */
const MOST_DEPTH = 3;
/** How every apiserver begins every line. Unescaped quotes: in no string can it stand. */
const BEGINNING = Buffer.from('{"kind":"Event","apiVersion":"audit.k8s.io/');
const NOTHING: readonly SalvagedEvent[] = [];

/** With which keys the records and documents of providers begin. */
const FIRST_KEYS: ReadonlySet<string> = new Set(
  (
    "kind items records Records awslogs invocationId requestId logEvents events entries messageType owner logGroup logStream id timestamp message ingestionTime eventId " +
    "logStreamName nextForwardToken time category operationName resourceId properties insertId logName protoPayload labels"
  ).split(" "),
);
const LONGEST_KEY = 24;
const OPENED: readonly Buffer[] = ['{"kind":"EventList",', '{"messageType":"DATA_MESSAGE",'].map((text) =>
  Buffer.from(text),
);
const NEWLINE = 10;

/**
 * The whole audit events that certainly stand in a damaged line: one that `scan`, which holds it, has just called undecidable.
 * Afterwards `scan` holds something else.
 *
 * Certain is what needs no guess about where an event begins. The line must come out as beginnings of lines, whole lines and NUL
 * behind each other: what is left of lines that were torn and written on. Where one begins is then proven by JSON itself: the
 * byte that no JSON goes on with stands at the beginning of the next line, never inside one. So an object in a body that looks like
 * an event is never taken for one; and an event that stands where such an object could (behind the colon or comma of a torn
 * body) is not salvaged, because nothing tells the two apart. Neither is what stands behind anything else, and behind the front of
 * a line that is missing.
 *
 * A line may be an envelope's: of one that is torn the whole records are read, and of a record the event whose text stands in it
 * whole; a text that is several lines of a log, or a damaged one, is read as these are. `isText`: the line has come whole out of an envelope
 * (an {@link UnwrappedLine} that is no rest), so that no record of a provider is looked for in it again.
 *
 * @example
 * const event = '{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","stage":"Panic","requestURI":"/","verb":"get","user":{}}';
 * const line = Buffer.from(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Meta${event}`);
 * const scan = new EventScan();
 * assert.equal(scan.scan(line, 0, line.length), false);
 * const [salvaged] = salvageEvents(scan);
 * assert.deepEqual([salvaged?.start, salvaged?.end], [line.length - event.length, line.length]);
 */
export function salvageEvents(scan: EventScan, options: { readonly isText?: boolean } = {}): readonly SalvagedEvent[] {
  const { bytes, start, end, reason } = scan;
  // They are said of lines that are JSON from their beginning to their end.
  return reason === "missing-field" || reason === "not-an-audit-event"
    ? NOTHING
    : eventsIn(scan, { bytes, start, end, at: start }, MOST_DEPTH, options.isText);
}

/** `isText`: it stood in a string. What writes into strings is nearly anybody: only what nobody but an apiserver and CloudWatch begins like this is opened there. */
function eventsIn(
  scan: EventScan,
  { bytes, start, end, at }: SalvagedEvent,
  depth: number,
  isText = false,
): readonly SalvagedEvent[] {
  const events: SalvagedEvent[] = [];
  for (const document of documentsOf(bytes, start, end)) {
    if (isText && !isEvent(scan, bytes, document) && !isOpened(bytes, document)) {
      continue;
    }
    const lines = documentLines(bytes, document.start, document.end, document.isWhole);
    const text = textOf(bytes, document, lines);
    if (text !== undefined) {
      const said = { ...text, at: at + text.at - start };
      events.push(...(depth > 0 ? eventsIn(scan, said, depth - 1, true) : NOTHING));
      continue;
    }
    for (const line of lines) {
      const place = { ...line, at: at + line.at - start };
      if (scan.scan(line.bytes, line.start, line.end)) {
        events.push(place);
      } else if (depth > 0 && !(line.bytes === bytes && line.start === start && line.end === end)) {
        events.push(...eventsIn(scan, place, depth - 1, isText));
      }
    }
  }
  return events;
}

/** An event in a string has no line break in it, as an apiserver writes none. */
function isEvent(scan: EventScan, bytes: Buffer, { start, end }: LineDocument): boolean {
  const event = asV1(bytes, start, end);
  const isOne = event === undefined ? scan.scan(bytes, start, end) : scan.scan(event, 0, event.length);
  return isOne && !bytes.subarray(start, end).includes(NEWLINE);
}

function isOpened(bytes: Buffer, { start, end }: LineDocument): boolean {
  return OPENED.some((beginning) => bytes.subarray(start, Math.min(end, start + beginning.length)).equals(beginning));
}

/** Of a document that is no event and no list: the text that a provider's record has the event in. */
function textOf(
  bytes: Buffer,
  { start, end }: LineDocument,
  lines: readonly SalvagedEvent[],
): SalvagedEvent | undefined {
  const isItself = lines.length === 1 && lines[0]?.bytes === bytes && lines[0].start === start;
  const text = lines.length === 0 || isItself ? textInside(bytes, start, end) : undefined;
  const said = text && stringText(bytes, text);
  return text && said && { bytes: said, start: 0, end: said.length, at: text.start };
}

/** The JSON objects of a line, up to what is neither one, nor torn, nor NUL. */
function documentsOf(bytes: Buffer, start: number, end: number): readonly LineDocument[] {
  const found: LineDocument[] = [];
  let isBehindNul = false;
  const first = behindMarks(bytes, start, end);
  let at = first;
  while (at < end) {
    if (bytes[at] === 0) {
      isBehindNul = true;
      at = behindMarks(bytes, behindNul(bytes, at, end), end);
      if (at < end && !isBeginning(bytes, at, end)) {
        return found;
      }
      continue;
    }
    if (bytes[at] !== OPEN_OBJECT && !(at === first && isListOfObjects(bytes, at, end))) {
      // What goes on like this goes on behind an object in a body: the front of the line is missing.
      return ",}]".includes(String.fromCharCode(bytes[at] as number)) && found.at(-1)?.isWhole === true
        ? found.slice(0, -1)
        : found;
    }
    const behind = walkContainer(bytes, at, end);
    if (behind >= 0) {
      const document = { start: at, end: behind, isWhole: true };
      at = behindMarks(bytes, behind, end);
      // NUL may have taken the front of the line up to an object in its body: only the end of a whole line proves the event.
      if (!isBehindNul || at === end) {
        found.push(document);
      }
    } else {
      const next = nextBeginning(bytes, ~behind, at, end);
      if (!isBehindNul) {
        found.push({ start: at, end: next === -1 ? ~behind : next, isWhole: false });
      }
      if (next === -1) {
        return found;
      }
      at = next;
    }
    isBehindNul = false;
  }
  return found;
}

/** A list of anything else is the log of another program. */
function isListOfObjects(bytes: Buffer, at: number, end: number): boolean {
  const item = skipSpace(bytes, at + 1, end);
  return bytes[at] === OPEN_LIST && item < end && bytes[item] === OPEN_OBJECT;
}

/**
 * Where the next line begins, `broken` being the first byte that the JSON before cannot go on with: there, or two bytes before
 * where it was torn inside a string, which the first quote of the next line then seems to close. -1 where neither is one.
 */
function nextBeginning(bytes: Buffer, broken: number, after: number, end: number): number {
  if (broken >= end || bytes[broken] === 0 || isBeginning(bytes, broken, end)) {
    return broken;
  }
  return broken - 2 > after && isBeginning(bytes, broken - 2, end) ? broken - 2 : -1;
}

/** Whether a line begins there, were it torn in its first bytes, and those behind it too. */
function isBeginning(bytes: Buffer, pos: number, end: number): boolean {
  for (let at = pos; ;) {
    let same = 0;
    while (same < BEGINNING.length && at + same < end && bytes[at + same] === BEGINNING[same]) {
      same++;
    }
    if (isRecordBeginning(bytes, at, end)) {
      return true;
    }
    at += same;
    if (same === BEGINNING.length || (same > 0 && (at === end || bytes[at] === 0))) {
      return true;
    }
    if (same === 0) {
      return false;
    }
  }
}

function isRecordBeginning(bytes: Buffer, pos: number, end: number): boolean {
  if (bytes[pos] !== OPEN_OBJECT || bytes[pos + 1] !== QUOTE) {
    return false;
  }
  const close = bytes.subarray(pos + 2, Math.min(end, pos + 2 + LONGEST_KEY)).indexOf(QUOTE);
  return close !== -1 && FIRST_KEYS.has(bytes.toString("latin1", pos + 2, pos + 2 + close));
}

/** Behind white space, byte order marks, and the time that CloudWatch puts before a line. */
function behindMarks(bytes: Buffer, pos: number, end: number): number {
  const at = behindByteOrderMarks(bytes, pos, end);
  const first = at < end ? (bytes[at] as number) : 0;
  return first >= DIGIT_ZERO && first <= DIGIT_NINE ? at + prefixLength(bytes, at, end) : at;
}

const DIGIT_ZERO = 48;
const DIGIT_NINE = 57;
