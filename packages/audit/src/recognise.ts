import {
  CLOSE_LIST,
  COMMA,
  OPEN_LIST,
  OPEN_OBJECT,
  QUOTE,
  skipColon,
  skipSpace,
  skipString,
  skipValue,
} from "./json/json-bytes.ts";
import { keyTable } from "./json/key-table.ts";

/** How a log is read: as it is, by lines that may be envelopes, or as JSON documents that begin at `from`. */
export type LogForm =
  | { readonly form: "plain" }
  | { readonly form: "lines" }
  | { readonly form: "documents"; readonly from: number };

const PLAIN: LogForm = { form: "plain" };
const LINES: LogForm = { form: "lines" };
/** A log whose first 64 KiB say nothing is taken as it is. */
const MOST_BYTES = 64 * 1024;
/** So many lines that begin an object or a list are followed as far as it goes, which may be to the end of all. */
const MOST_FOLLOWED = 64;
const NEWLINE = 10;

const KEY = { kind: 0, event: 1, list: 2, document: 3, record: 4 } as const;
/** So many that every command would wait for a smaller table. */
const KEYS_BITS = 8;
const KEYS = keyTable(
  {
    kind: KEY.kind,
    level: KEY.event,
    auditID: KEY.event,
    stage: KEY.event,
    requestURI: KEY.event,
    verb: KEY.event,
    user: KEY.event,
    // Of a finding of ours, which is no envelope.
    detection: KEY.event,
    items: KEY.list,
    records: KEY.list,
    Records: KEY.list,
    logEvents: KEY.list,
    events: KEY.list,
    entries: KEY.list,
    messageType: KEY.document,
    protoPayload: KEY.record,
    insertId: KEY.record,
    logName: KEY.record,
    receiveTimestamp: KEY.record,
    properties: KEY.record,
    category: KEY.record,
    operationName: KEY.record,
    resourceId: KEY.record,
    message: KEY.record,
    awslogs: KEY.record,
    kinesis: KEY.record,
  },
  KEYS_BITS,
);
/** An exported or tailed CloudWatch line: a time, perhaps the stream's name, the message. */
export const CLOUD_WATCH_LINE: RegExp =
  /^(?:[0-9]{13}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,}(?:Z|[+-][0-9:]{4,5}))[ \t](?:[^ {\t]+[ \t])?(?=\{)/;
/** Longest beginning of a line that is compared with {@link CLOUD_WATCH_LINE}. */
export const CLOUD_WATCH_PREFIX = 640;

/** Tells by its first bytes how a log is to be read; undefined while they are too few. A torn first line is passed over. */
export function recognise(head: Buffer, isEnd: boolean): LogForm | undefined {
  const behind = Math.min(head.length, MOST_BYTES);
  let followed = 0;
  for (let start = byteOrderMarkBytes(head, 0, head.length); start < behind;) {
    const open = skipSpace(head, start, head.length);
    // Of empty lines each would be followed to what stands behind the last of them.
    const line = open === start ? start : Math.max(start, head.lastIndexOf(NEWLINE, open - 1) + 1);
    const form = recogniseAt(head, line);
    if (form !== undefined) {
      return form;
    }
    followed += head[open] === OPEN_OBJECT || head[open] === OPEN_LIST ? 1 : 0;
    const newline = head.indexOf(NEWLINE, open);
    if (newline === -1 || followed === MOST_FOLLOWED) {
      break;
    }
    start = newline + 1;
  }
  return isEnd || head.length >= MOST_BYTES ? PLAIN : undefined;
}

/**
 * Whether a line that is no event looks like one in an envelope: a record, a document, a list of objects, a CloudWatch line; `isObject`:
 * it is known to be one whole JSON object. What is left of a torn line is none: it ends before the list or the object that it begins, or
 * with more than that.
 */
export function isWrapped(line: Buffer, isObject: boolean): boolean {
  const start = byteOrderMarkBytes(line, 0, line.length);
  const form = recogniseAt(line, start);
  if (form === undefined || form.form === "plain") {
    return false;
  }
  const open = skipSpace(line, start, line.length);
  const isRecord = line[open] === OPEN_OBJECT;
  const inner = skipSpace(line, open + 1, line.length);
  return isRecord || line[open] === OPEN_LIST
    ? isObject || ((isRecord || line[inner] === OPEN_OBJECT) && isWhole(line, open))
    : true;
}

/**
 * Whether a line that is too long to be held, which begins with `head`, is to be read record by record: it is a document, or whole objects
 * stand on it one behind the other.
 */
export function holdsLines(head: Buffer): boolean {
  const start = byteOrderMarkBytes(head, 0, head.length);
  const form = recogniseAt(head, start)?.form;
  const open = skipSpace(head, start, head.length);
  return (
    form === "documents" ||
    (form !== undefined && head[open] === OPEN_OBJECT && skipValue(head, open, head.length) !== -1)
  );
}

function isWhole(line: Buffer, open: number): boolean {
  const behind = skipValue(line, open, line.length);
  return behind !== -1 && skipSpace(line, behind, line.length) === line.length;
}

const BYTE_ORDER_MARK = Buffer.of(0xef, 0xbb, 0xbf);

/** Length of the byte order mark at `pos`, as some Windows tools put it before what they export; 0 where there is none. */
export function byteOrderMarkBytes(bytes: Buffer, pos: number, end: number): number {
  const length = BYTE_ORDER_MARK.length;
  return pos + length <= end &&
    bytes[pos] === BYTE_ORDER_MARK[0] &&
    bytes.compare(BYTE_ORDER_MARK, 0, length, pos, pos + length) === 0
    ? length
    : 0;
}

/** Behind white space and byte order marks: of logs that were put behind one another several may stand there. */
export function behindByteOrderMarks(bytes: Buffer, pos: number, end: number): number {
  let at = skipSpace(bytes, pos, end);
  for (let length = byteOrderMarkBytes(bytes, at, end); length > 0; length = byteOrderMarkBytes(bytes, at, end)) {
    at = skipSpace(bytes, at + length, end);
  }
  return at;
}

/**
 * What the bytes from `start` on are by the first key that tells; undefined where none does.
 *
 * @example
 * assert.equal(recogniseAt(Buffer.from('{"kind":"EventList","items":[]}'), 0)?.form, "documents");
 */
export function recogniseAt(head: Buffer, start: number): LogForm | undefined {
  const open = skipSpace(head, start, head.length);
  const inner = skipSpace(head, open + 1, head.length);
  const first = head[inner];
  if (head[open] === OPEN_LIST) {
    return first === OPEN_OBJECT || first === CLOSE_LIST ? { form: "documents", from: open } : undefined;
  }
  if (head[open] !== OPEN_OBJECT) {
    return CLOUD_WATCH_LINE.test(head.toString("latin1", start, start + CLOUD_WATCH_PREFIX)) ? LINES : undefined;
  }
  if (first !== QUOTE) {
    return undefined;
  }
  const isOverLines = head.subarray(open, inner).includes(NEWLINE);
  return isOverLines ? { form: "documents", from: open } : recogniseObject(head, open);
}

/** Goes through the keys of the object at `open` to the first that tells; undefined where none does. */
export function recogniseObject(head: Buffer, open: number): LogForm | undefined {
  const end = head.length;
  let at = open;
  do {
    at = skipSpace(head, at + 1, end);
    const behindKey = at < end && head[at] === QUOTE ? skipString(head, at, end) : -1;
    const value = behindKey === -1 ? -1 : skipColon(head, behindKey, end);
    if (value === -1 || value >= end) {
      return undefined;
    }
    const behind = skipValue(head, value, end);
    switch (KEYS.find(head, at + 1, behindKey - 1)) {
      case KEY.event:
        return PLAIN;
      case KEY.kind:
        if (behind === -1) {
          return undefined;
        }
        if (head.toString("latin1", value, behind) === '"EventList"') {
          return { form: "documents", from: open };
        }
        if (head.toString("latin1", value, behind) === '"Event"') {
          return PLAIN;
        }
        break;
      case KEY.list:
        if (head[value] === OPEN_LIST) {
          return { form: "documents", from: open };
        }
        break;
      case KEY.document:
        return { form: "documents", from: open };
      case KEY.record:
        return LINES;
    }
    if (behind === -1) {
      return undefined;
    }
    at = skipSpace(head, behind, end);
  } while (at < end && head[at] === COMMA);
  return undefined;
}
