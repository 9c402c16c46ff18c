import { EventScan, readEventLines } from "@auditsieve/audit";
import type { AuditEvent, InputPlace } from "@auditsieve/audit";
import { IngestError } from "@auditsieve/ingest/logs";
import type { LinesAt } from "@auditsieve/ingest/logs";
import type { ReplayLog } from "../lines/log-reader.ts";

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
  let next = 0;
  /** Whether one of the places stands before `end` that was in no line before. */
  const isWantedBefore = (end: number): boolean => {
    const first = next;
    while (next < wanted.length && (wanted[next] as number) < end) {
      next++;
    }
    return next > first;
  };
  const takeEvent = ({ offset }: InputPlace): void => {
    const { bytes, start, end } = reader.scan;
    if (offsets.has(offset)) {
      take(offset, Buffer.from(bytes.subarray(start, end)));
    }
  };
  const reader = readEventLines({
    event: takeEvent,
    undecidable: () => undefined,
    salvaged: takeEvent,
    oversize: () => undefined,
    lines: (bytes, from, to, offset) => {
      for (let start = from; start < to;) {
        const newline = bytes.indexOf(NEWLINE, start);
        const at = offset + start - from;
        const isWanted = isWantedBefore(at + newline + 1 - start);
        if (!isWanted && isPlain(bytes, start, newline)) {
          reader.pass(1);
        } else if (!reader.take(bytes, start, newline, at)) {
          return start;
        }
        start = newline + 1;
      }
      return undefined;
    },
  });
  try {
    for await (const chunk of log.open()) {
      reader.write(chunk);
      if (reader.offset > last) {
        return;
      }
    }
  } catch (error) {
    reader.end();
    throw error;
  }
  reader.end();
}

/** As every apiserver begins its lines: they need not be scanned to know that no document begins with them. */
function isPlain(bytes: Buffer, start: number, end: number): boolean {
  return (
    end - start >= BEGINNING.length &&
    bytes.compare(BEGINNING, 0, BEGINNING.length, start, start + BEGINNING.length) === 0
  );
}

const NEWLINE = 10;
const BEGINNING = Buffer.from('{"kind":"Event"');
