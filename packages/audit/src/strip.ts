import { isLevelBelow } from "./event.ts";
import type { Level } from "./event.ts";
import {
  CLOSE_LIST,
  CLOSE_OBJECT,
  COMMA,
  OPEN_LIST,
  OPEN_OBJECT,
  skipColon,
  skipSpace,
  skipString,
  skipValue,
} from "./json/json-bytes.ts";
import type { EventScan, Field } from "./scan.ts";
import { splice } from "./splice.ts";
import type { Edit } from "./splice.ts";

/** What a policy would have written of an event. */
export interface StripTo {
  /** Never None: that event would not have been written at all. */
  readonly level: Level;
  readonly omitManagedFields: boolean;
}

const NOTHING = Buffer.alloc(0);

/**
 * The line last scanned by `scan`, reduced to what an apiserver would have written at `to.level`: bodies above the level are cut
 * out, `level` is rewritten, managed fields are left out where asked for; every other byte stays. A level is never raised.
 *
 * @example
 * const line = Buffer.from('{"level":"Request","stage":"ResponseComplete","requestURI":"/x","verb":"post","user":{},"requestObject":{"a":1}}');
 * const scan = new EventScan();
 * scan.scan(line, 0, line.length);
 * assert.equal(
 *   stripLine(scan, { level: "Metadata", omitManagedFields: false }).toString(),
 *   '{"level":"Metadata","stage":"ResponseComplete","requestURI":"/x","verb":"post","user":{}}',
 * );
 */
export function stripLine(scan: EventScan, to: StripTo): Buffer {
  const { bytes, start, end } = scan;
  const isLower = isLevelBelow(to.level, scan.level);
  const edits: Edit[] = [];
  if (isLower) {
    edits.push({ start: scan.valueStart("level"), end: scan.valueEnd("level"), by: Buffer.from(`"${to.level}"`) });
  }
  const cut = (["requestObject", "responseObject"] as const).filter((body) => isLower && isAbove(body, to.level));
  edits.push(
    ...cutMembers(
      scan,
      cut.filter((body) => scan.has(body)),
    ),
  );
  if (to.omitManagedFields) {
    for (const body of ["requestObject", "responseObject"] as const) {
      // Upstream strips decoded objects only; a patch body is logged as it came.
      const isRawPatch = body === "requestObject" && scan.text("verb") === "patch";
      if (scan.has(body) && !cut.includes(body) && !isRawPatch) {
        edits.push(...managedFieldEdits(bytes, scan.valueStart(body), end));
      }
    }
  }
  edits.sort((a, b) => a.start - b.start);
  return splice(bytes, start, end, edits);
}

function isAbove(body: "requestObject" | "responseObject", level: Level): boolean {
  return isLevelBelow(level, body === "requestObject" ? "Request" : "RequestResponse");
}

/** Cuts members of the event out, each with one comma. */
function cutMembers(scan: EventScan, fields: readonly Field[]): Edit[] {
  const inOrder = fields.toSorted((a, b) => scan.keyStart(a) - scan.keyStart(b));
  const edits: { start: number; end: number; by: Buffer }[] = [];
  for (const field of inOrder) {
    const edit = memberEdit(scan.bytes, scan.keyStart(field), scan.valueEnd(field), scan.end);
    const last = edits.at(-1);
    // The member before was cut with the comma that this one would take.
    if (last !== undefined && edit.start < last.end) {
      last.start = commaBefore(scan.bytes, last.start) ?? last.start;
      last.end = edit.end;
    } else {
      edits.push(edit);
    }
  }
  return edits;
}

/** Cuts the member at `key` with the comma behind it, or the one before where it is the last. */
function memberEdit(
  bytes: Buffer,
  key: number,
  valueEnd: number,
  end: number,
): { start: number; end: number; by: Buffer } {
  const behind = skipSpace(bytes, valueEnd, end);
  if (bytes[behind] === COMMA) {
    return { start: key, end: skipSpace(bytes, behind + 1, end), by: NOTHING };
  }
  return { start: commaBefore(bytes, key) ?? key, end: valueEnd, by: NOTHING };
}

function commaBefore(bytes: Buffer, pos: number): number | undefined {
  let at = pos - 1;
  while (at >= 0 && (bytes[at] as number) <= 32) {
    at--;
  }
  return bytes[at] === COMMA ? at : undefined;
}

/**
 * Edits that cut metadata.managedFields out of an object, of the items of a list and of the objects in a table's rows.
 *
 * @see https://github.com/kubernetes/apiserver/blob/master/pkg/audit/request.go
 */
function managedFieldEdits(bytes: Buffer, value: number, end: number): Edit[] {
  const edits: Edit[] = [];
  const own = (object: number): void => {
    const metadata = findMember(bytes, object, end, "metadata");
    const managed = metadata === undefined ? undefined : findMember(bytes, metadata.value, end, "managedFields");
    if (managed !== undefined) {
      edits.push(memberEdit(bytes, managed.key, managed.valueEnd, end));
    }
  };
  own(value);
  for (const item of elements(bytes, findMember(bytes, value, end, "items")?.value, end)) {
    own(item);
  }
  for (const row of elements(bytes, findMember(bytes, value, end, "rows")?.value, end)) {
    const object = findMember(bytes, row, end, "object");
    if (object !== undefined) {
      own(object.value);
    }
  }
  return edits;
}

interface Member {
  readonly key: number;
  readonly value: number;
  readonly valueEnd: number;
}

/** The first member called `name` of the object at `object`; bytes are known to be well-formed. */
function findMember(bytes: Buffer, object: number, end: number, name: string): Member | undefined {
  if (bytes[object] !== OPEN_OBJECT) {
    return undefined;
  }
  let at = skipSpace(bytes, object + 1, end);
  while (bytes[at] !== CLOSE_OBJECT) {
    const keyEnd = skipString(bytes, at, end);
    const value = skipColon(bytes, keyEnd, end);
    const valueEnd = skipValue(bytes, value, end);
    if (bytes.toString("utf8", at + 1, keyEnd - 1) === name) {
      return { key: at, value, valueEnd };
    }
    at = skipSpace(bytes, valueEnd, end);
    if (bytes[at] === COMMA) {
      at = skipSpace(bytes, at + 1, end);
    }
  }
  return undefined;
}

/** Positions of the elements of the list at `list`. */
function* elements(bytes: Buffer, list: number | undefined, end: number): Generator<number> {
  if (list === undefined || bytes[list] !== OPEN_LIST) {
    return;
  }
  let at = skipSpace(bytes, list + 1, end);
  while (bytes[at] !== CLOSE_LIST) {
    yield at;
    at = skipSpace(bytes, skipValue(bytes, at, end), end);
    if (bytes[at] === COMMA) {
      at = skipSpace(bytes, at + 1, end);
    }
  }
}
