import { LEVELS } from "@auditsieve/audit";
import type { EventScan, Level } from "@auditsieve/audit";

/** What a log holds: what a reader must know before believing that something is not in it. */
export interface LogCoverage {
  readonly events: number;
  /** First and last stageTimestamp; absent where there is no event. */
  readonly from?: string;
  readonly to?: string;
  readonly byLevel: Readonly<Record<Level, number>>;
  /** Events whose bodies the apiserver cut off because they were too large. */
  readonly truncated: number;
}

const TRUNCATED = Buffer.from('"audit.k8s.io/truncated":"true"');

/** Counts what goes by. */
export class CoverageCount {
  readonly #byLevel = new Map<Level, number>(LEVELS.map((level) => [level, 0]));
  #events = 0;
  #truncated = 0;
  #from: string | undefined;
  #to: string | undefined;

  /** Takes the event last scanned. */
  add(scan: EventScan): void {
    this.#events++;
    this.#byLevel.set(scan.level, (this.#byLevel.get(scan.level) ?? 0) + 1);
    const time = scan.text("stageTimestamp");
    if (time !== undefined && isInstant(time)) {
      this.#from = this.#from === undefined || time < this.#from ? time : this.#from;
      this.#to = this.#to === undefined || time > this.#to ? time : this.#to;
    }
    if (scan.has("annotations")) {
      const at = scan.bytes.indexOf(TRUNCATED, scan.valueStart("annotations"));
      if (at !== -1 && at < scan.valueEnd("annotations")) {
        this.#truncated++;
      }
    }
  }

  total(): LogCoverage {
    return {
      events: this.#events,
      ...(this.#from === undefined ? {} : { from: this.#from }),
      ...(this.#to === undefined ? {} : { to: this.#to }),
      byLevel: Object.fromEntries(this.#byLevel) as Record<Level, number>,
      truncated: this.#truncated,
    };
  }
}

/** Only what the apiserver writes: anything else would not compare as a time. */
function isInstant(text: string): boolean {
  return text.length === 27 && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(text);
}
