import type { AuditEvent, Redactor } from "@auditsieve/audit";
import { safeText } from "@auditsieve/detect";
import { logOf, offsetOf } from "../facts/read-events.ts";
import type { EventsByPlace, Place } from "../facts/read-events.ts";
import type { ReportEvent } from "./report-data.ts";

/** Bounds of a report: it must open in a browser whatever the log's size. */
const MOST_BYTES = 10 * 1024 * 1024;
const MOST_BYTES_AN_EVENT = 48 * 1024;
/** Of lines that were read again: most are looked at for what changed, and stand not in the report. */
const MOST_FETCHED_BYTES = 64 * 1024 * 1024;
/** In the place of where the event stands. */
const TOO_DEEP = "Its bodies are nested too deeply to be shown; the log holds them.";
const ANY_LENGTH = Number.MAX_SAFE_INTEGER;

/** The redacted events behind a report's claims: each once, the first asked for first, until there is no more room. */
export class ReportEvents {
  readonly #logs: readonly string[];
  readonly #redactor: Redactor;
  readonly #mostFetched: number;
  /** As text: parsed they take several times as much, and there are many. */
  readonly #fetched = new Map<Place, string>();
  #fetchedBytes = 0;
  readonly #events: ReportEvent[] = [];
  readonly #byPlace = new Map<Place, number>();
  readonly #byLine = new Map<string, number>();
  #bytes = 0;
  /** Events that there was no room for. */
  leftOut = 0;

  /** `mostFetched`: bytes of lines that were read again. */
  constructor(logs: readonly string[], redactor: Redactor, mostFetched: number = MOST_FETCHED_BYTES) {
    this.#mostFetched = mostFetched;
    this.#logs = logs;
    this.#redactor = redactor;
  }

  /** Takes a line as the log has it; what is kept is redacted. */
  fetched(place: Place, original: Buffer): void {
    if (this.#fetchedBytes + original.length > this.#mostFetched) {
      this.leftOut++;
      return;
    }
    this.#fetchedBytes += original.length;
    this.#fetched.set(place, this.#redactor.redactLine(original).toString("utf8"));
  }

  /** The redacted events by place, for comparing their bodies. */
  byPlace(): EventsByPlace {
    return { get: (place) => this.event(place) };
  }

  /** The redacted event at `place`, where it was fetched. */
  event(place: Place): AuditEvent | undefined {
    const line = this.#fetched.get(place);
    return line === undefined ? undefined : (JSON.parse(line) as AuditEvent);
  }

  /** Index in the report of the event at `place`; undefined when it was not fetched or there is no room. */
  index(place: Place | undefined): number | undefined {
    const fetched = place === undefined ? undefined : this.#fetched.get(place);
    if (place === undefined || fetched === undefined) {
      return undefined;
    }
    const known = this.#byPlace.get(place);
    if (known !== undefined) {
      return known;
    }
    const where = `${safeText(this.#logs[logOf(place)] ?? "", 400)}, byte ${offsetOf(place).toLocaleString("en-US")}`;
    const index = this.#add(() => JSON.parse(fetched) as AuditEvent, fetched, where);
    if (index !== undefined) {
      this.#byPlace.set(place, index);
    }
    return index;
  }

  /** Index of an event that is redacted already. */
  indexOf(event: AuditEvent): number | undefined {
    const line = lineOf(event);
    return line === undefined
      ? this.#add(() => event, withoutBodies(event, "").shown, TOO_DEEP)
      : this.#add(() => event, line, "");
  }

  events(): readonly ReportEvent[] {
    return this.#events;
  }

  #add(event: () => AuditEvent, line: string, where: string): number | undefined {
    const known = this.#byLine.get(line);
    if (known !== undefined) {
      return known;
    }
    const { shown, cut } = line.length > MOST_BYTES_AN_EVENT ? withoutBodies(event(), line) : { shown: line, cut: 0 };
    if (this.#bytes + shown.length > MOST_BYTES) {
      this.leftOut++;
      return undefined;
    }
    this.#bytes += shown.length;
    this.#events.push({ where, line: safeText(shown, ANY_LENGTH), cut });
    this.#byLine.set(line, this.#events.length - 1);
    return this.#events.length - 1;
  }
}

/** Undefined where its bodies are nested so deeply that they cannot be written. */
function lineOf(event: AuditEvent): string | undefined {
  try {
    return JSON.stringify(event);
  } catch {
    return undefined;
  }
}

function withoutBodies(event: AuditEvent, line: string): { readonly shown: string; readonly cut: number } {
  const { requestObject: _asked, responseObject: _answer, ...head } = event;
  const shown = JSON.stringify(head).slice(0, MOST_BYTES_AN_EVENT);
  return { shown, cut: line.length - shown.length };
}
