import {
  beginsDocument,
  EventScan,
  LineFramer,
  LongDocument,
  salvageEvents,
  unwrapDocument,
  unwrapLine,
} from "@auditsieve/audit";
import type { AuditEvent, UnwrappedLine } from "@auditsieve/audit";
import { IngestError } from "@auditsieve/ingest/logs";
import type { LinesAt } from "@auditsieve/ingest/logs";
import type { ReplayLog } from "../log-reader.ts";

/** Where a line stands: its log's number times 2^40, plus its offset there. A number, because millions are kept. */
export type Place = number;

/** Events that were read again, redacted; parsed anew whenever one is asked for, or not. */
export type EventsByPlace = Pick<ReadonlyMap<Place, AuditEvent>, "get">;

const LOG = 2 ** 40;

/** Numbers logs by their names, in the order in which they are first seen. */
export class LogNumbers {
  #numbers = new Map<string, number>();

  place(log: string, offset: number): Place {
    let number = this.#numbers.get(log);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(log, number);
    }
    return number * LOG + offset;
  }

  snapshot(): Map<string, number> {
    return this.#numbers;
  }

  restore(numbers: Map<string, number>): void {
    this.#numbers = numbers;
  }

  names(): readonly string[] {
    return [...this.#numbers.keys()];
  }
}

/** The log's number in a place. */
export function logOf(place: Place): number {
  return Math.floor(place / LOG);
}

/** The offset in a place. */
export function offsetOf(place: Place): number {
  return place % LOG;
}

/**
 * Reads logs again and gives a copy of each line that stands at one of `places`; `names` are the logs by their numbers. Of a log that
 * gives lines by their offsets only these are read, another one is read to the last place.
 */
export async function fetchLines(
  logs: readonly ReplayLog[],
  names: readonly string[],
  places: ReadonlySet<Place>,
  take: (place: Place, line: Buffer) => void,
): Promise<void> {
  const wanted = Map.groupBy(places, logOf);
  for (const [number, name] of names.entries()) {
    const log = logs.find((each) => each.name === name);
    const of = wanted.get(number);
    if (log !== undefined && of !== undefined) {
      await fetchOf(log, number, new Set(of.map(offsetOf)), take);
    }
  }
}

async function fetchOf(
  log: ReplayLog,
  number: number,
  offsets: ReadonlySet<number>,
  take: (place: Place, line: Buffer) => void,
): Promise<void> {
  try {
    const lines = await log.openLines?.();
    const left = lines === undefined ? offsets : takeLines(lines, offsets, (at, line) => take(number * LOG + at, line));
    if (left.size > 0) {
      await readThrough(log, left, (at, line) => take(number * LOG + at, line));
    }
  } catch (error) {
    // The replay has said it; what was readable has been read.
    if (!(error instanceof IngestError)) {
      throw error;
    }
  }
}

/** Gives those that are left: events that stand in a line, which can only be told from what stands around them. */
function takeLines(
  lines: LinesAt,
  offsets: ReadonlySet<number>,
  take: (offset: number, line: Buffer) => void,
): ReadonlySet<number> {
  const left = new Set<number>();
  const scan = new EventScan();
  try {
    for (const offset of [...offsets].sort((a, b) => a - b)) {
      const line = lines.lineAt(offset);
      if (line !== undefined && scan.scan(line, 0, line.length)) {
        take(offset, line);
      } else {
        left.add(offset);
      }
    }
  } finally {
    lines.close();
  }
  return left;
}

async function readThrough(
  log: ReplayLog,
  offsets: ReadonlySet<number>,
  take: (offset: number, line: Buffer) => void,
): Promise<void> {
  const wanted = [...offsets].sort((a, b) => a - b);
  const last = wanted.at(-1) ?? -1;
  const scan = new EventScan();
  const takeAll = (events: Iterable<UnwrappedLine>, before: number): void => {
    for (const event of events) {
      const at = before + event.at;
      if (offsets.has(at)) {
        take(at, Buffer.from(event.bytes.subarray(event.start, event.end)));
      }
    }
  };
  let next = 0;
  const framer = new LineFramer({
    line: (bytes, start, end, offset, _terminated, mayBegin) => {
      if (mayBegin && !isPlain(bytes, start, end) && !scan.scan(bytes, start, end) && beginsDocument(scan)) {
        return true;
      }
      const first = next;
      while (next < wanted.length && (wanted[next] as number) < offset + end - start) {
        next++;
      }
      if (next > first) {
        takeAll(eventsIn(scan, bytes, start, end), offset - start);
      }
      return false;
    },
    document: (bytes, start, end, offset) => {
      const lines = unwrapDocument(bytes, start, end);
      takeAll(eventsOf(scan, lines ?? []), offset - start);
      return lines !== undefined;
    },
    longDocument: (offset) =>
      new LongDocument(offset, {
        line: (bytes, start, end, at) => takeAll(eventsIn(scan, bytes, start, end), at - start),
        oversize: () => {},
        end: () => {},
      }),
    oversize: () => {},
  });
  framer.reset(0);
  try {
    for await (const chunk of log.open()) {
      framer.write(chunk);
      if (framer.offset > last) {
        return;
      }
    }
  } catch (error) {
    framer.end();
    throw error;
  }
  framer.end();
}

/** As every apiserver begins its lines: they need not be scanned to know that no document begins with them. */
function isPlain(bytes: Buffer, start: number, end: number): boolean {
  return (
    end - start >= BEGINNING.length &&
    bytes.compare(BEGINNING, 0, BEGINNING.length, start, start + BEGINNING.length) === 0
  );
}

const BEGINNING = Buffer.from('{"kind":"Event"');

/** The event that a line is, those that stand in its envelope, or those that can be salvaged of it. */
function* eventsIn(scan: EventScan, bytes: Buffer, start: number, end: number): Generator<UnwrappedLine, void> {
  if (scan.scan(bytes, start, end)) {
    yield { bytes, start, end, at: start };
    return;
  }
  const unwrapped = unwrapLine(scan);
  if (unwrapped === undefined) {
    yield* salvaged(scan, start);
  } else {
    yield* eventsOf(scan, unwrapped);
  }
}

/** The events that lines out of an envelope are, or those that can be salvaged of them. */
function* eventsOf(scan: EventScan, lines: readonly UnwrappedLine[]): Generator<UnwrappedLine, void> {
  for (const line of lines) {
    if (scan.scan(line.bytes, line.start, line.end)) {
      yield line;
    } else {
      yield* salvaged(scan, line.start, line.at);
    }
  }
}

/** Those of the line that the scan holds; of one out of an envelope, `at` is where its record stands. */
function salvaged(scan: EventScan, start: number, at = start): readonly UnwrappedLine[] {
  const { bytes } = scan;
  return salvageEvents(scan).map((each) => ({ ...each, bytes, at: at + each.start - start }));
}
