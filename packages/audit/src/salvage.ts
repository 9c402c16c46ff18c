import { OPEN_OBJECT, skipSpace } from "./json-bytes.ts";
import { walkContainer } from "./json-break.ts";
import { behindNul } from "./long-line.ts";
import type { EventScan } from "./scan.ts";
import type { Span } from "./scan-wasm/decided-by.ts";

/** How every apiserver begins every line. Unescaped quotes: in no string can it stand. */
const BEGINNING = Buffer.from('{"kind":"Event","apiVersion":"audit.k8s.io/');
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;
const NOTHING: readonly Span[] = [];

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
 * @example
 * const event = '{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","stage":"Panic","requestURI":"/","verb":"get","user":{}}';
 * const line = Buffer.from(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Meta${event}`);
 * const scan = new EventScan();
 * assert.equal(scan.scan(line, 0, line.length), false);
 * assert.deepEqual(salvageEvents(scan), [{ start: line.length - event.length, end: line.length }]);
 */
export function salvageEvents(scan: EventScan): readonly Span[] {
  const { bytes, start, end, reason } = scan;
  // They are said of lines that are JSON from their beginning to their end, or a time before such a one.
  if (reason === "missing-field" || reason === "not-an-audit-event" || reason === "in-an-envelope") {
    return NOTHING;
  }
  const documents = documentsOf(bytes, start, end);
  return documents.length === 0 ? NOTHING : documents.filter((each) => scan.scan(bytes, each.start, each.end));
}

/** The whole JSON objects of a line, up to what is neither one, nor torn, nor NUL. */
function documentsOf(bytes: Buffer, start: number, end: number): readonly Span[] {
  const whole: Span[] = [];
  let isBehindNul = false;
  let at = behindMarks(bytes, start, end);
  while (at < end) {
    if (bytes[at] === 0) {
      isBehindNul = true;
      at = behindMarks(bytes, behindNul(bytes, at, end), end);
      if (at < end && !isBeginning(bytes, at, end)) {
        return whole;
      }
      continue;
    }
    if (bytes[at] !== OPEN_OBJECT) {
      // What goes on like this goes on behind an object in a body: the front of the line is missing.
      return ",}]".includes(String.fromCharCode(bytes[at] as number)) ? whole.slice(0, -1) : whole;
    }
    const behind = walkContainer(bytes, at, end);
    if (behind >= 0) {
      const document = { start: at, end: behind };
      at = behindMarks(bytes, behind, end);
      // NUL may have taken the front of the line up to an object in its body: only the end of a whole line proves the event.
      if (!isBehindNul || at === end) {
        whole.push(document);
      }
    } else {
      const next = nextBeginning(bytes, ~behind, at, end);
      if (next === -1) {
        return whole;
      }
      at = next;
    }
    isBehindNul = false;
  }
  return whole;
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
    at += same;
    if (same === BEGINNING.length || (same > 0 && (at === end || bytes[at] === 0))) {
      return true;
    }
    if (same === 0) {
      return false;
    }
  }
}

/** Behind white space and byte order marks. */
function behindMarks(bytes: Buffer, pos: number, end: number): number {
  let at = skipSpace(bytes, pos, end);
  while (at + 2 < end && BYTE_ORDER_MARK.every((byte, i) => bytes[at + i] === byte)) {
    at = skipSpace(bytes, at + 3, end);
  }
  return at;
}
