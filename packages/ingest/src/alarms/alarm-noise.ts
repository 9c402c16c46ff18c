import { isJsonObject } from "@auditsieve/audit";
import type { JsonValue } from "@auditsieve/audit";
import type { NoiseReceipt } from "../receipts/receipt-book.ts";

/** A class of noise that was steady and is not seen any more. */
export interface StoppedNoise {
  readonly actor: string;
  readonly verb: string;
  readonly resource: string;
  /** Minutes in a row in which it was seen. */
  readonly minutes: number;
  /** Last time of the log at which it was seen. */
  readonly last: string;
}

/** Minutes in a row that make a class steady: control loops come at least once a minute. */
const STEADY_MINUTES = 10;
/** Minutes without it, in a log that goes on, that make it stopped. */
const SILENT_MINUTES = 3;
const MAX_CLASSES = 10_000;
const MINUTE_MS = 60_000;

interface NoiseClass {
  readonly actor: string;
  readonly verb: string;
  readonly resource: string;
  streak: number;
  lastMinute: number;
  last: string;
}

/**
 * Learns from receipts which noise is steady, and tells when one of it stops while the log goes on: a lease that is not renewed
 * any more is a node that is gone, or somebody who took its place. Goes by the log's own time; where that has gone ahead of the
 * clock on the wall and comes back, a clock was set back, and it learns anew.
 */
export class NoiseWatch {
  readonly #classes = new Map<string, NoiseClass>();
  readonly #now: () => Date;
  #newest = -Infinity;

  /** Goes on from what {@link snapshot} gave. */
  constructor(snapshot?: JsonValue, now: () => Date = () => new Date()) {
    this.#now = now;
    const classes = isJsonObject(snapshot) ? snapshot["classes"] : undefined;
    for (const saved of Array.isArray(classes) ? (classes as readonly JsonValue[]) : []) {
      const [actor, verb, resource, streak, lastMinute, last] = Array.isArray(saved)
        ? (saved as readonly JsonValue[])
        : [];
      if (
        typeof actor === "string" &&
        typeof verb === "string" &&
        typeof resource === "string" &&
        typeof last === "string" &&
        typeof streak === "number" &&
        typeof lastMinute === "number" &&
        this.#classes.size < MAX_CLASSES
      ) {
        this.#classes.set(keyOf(actor, verb, resource), { actor, verb, resource, streak, lastMinute, last });
        this.#newest = Math.max(this.#newest, lastMinute);
      }
    }
  }

  /** What is remembered. Receipts that are noted a second time after it change nothing. */
  snapshot(): JsonValue {
    const classes = [...this.#classes.values()];
    return {
      classes: classes.map(({ actor, verb, resource, streak, lastMinute, last }) => [
        actor,
        verb,
        resource,
        streak,
        lastMinute,
        last,
      ]),
    };
  }

  /** Takes the receipts of one range; gives what has stopped. */
  note(receipts: readonly NoiseReceipt[]): readonly StoppedNoise[] {
    for (const receipt of receipts) {
      this.#see(receipt);
    }
    const stopped: StoppedNoise[] = [];
    for (const [key, { actor, verb, resource, streak, lastMinute, last }] of this.#classes) {
      if (this.#newest - lastMinute > SILENT_MINUTES) {
        this.#classes.delete(key);
        if (streak >= STEADY_MINUTES) {
          stopped.push({ actor, verb, resource, minutes: streak, last });
        }
      }
    }
    return stopped;
  }

  #see({ actor, verb, resource, first, last }: NoiseReceipt): void {
    const minute = Math.floor(Date.parse(last) / MINUTE_MS);
    if (actor === undefined || verb === undefined || resource === undefined || Number.isNaN(minute) || minute <= 0) {
      return;
    }
    if (minute < this.#newest - SILENT_MINUTES && this.#newest > this.#now().getTime() / MINUTE_MS + SILENT_MINUTES) {
      // What was seen last would hide until the clock has come there again that something stops.
      this.#classes.clear();
      this.#newest = minute;
    }
    this.#newest = Math.max(this.#newest, minute);
    const key = keyOf(actor, verb, resource);
    const known = this.#classes.get(key);
    if (known === undefined) {
      if (this.#classes.size < MAX_CLASSES) {
        this.#classes.set(key, { actor, verb, resource, streak: 1, lastMinute: minute, last });
      }
      return;
    }
    const from = Math.floor(Date.parse(first) / MINUTE_MS);
    // What comes every other minute is steady too.
    known.streak = from - known.lastMinute <= 2 ? known.streak + Math.max(0, minute - known.lastMinute) : 1;
    known.lastMinute = Math.max(known.lastMinute, minute);
    known.last = last;
  }
}

function keyOf(actor: string, verb: string, resource: string): string {
  return JSON.stringify([actor, verb, resource]);
}
