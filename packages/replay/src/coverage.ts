import { LEVELS, STAGES } from "@auditsieve/audit";
import type { EventScan, Level, Stage } from "@auditsieve/audit";
import { ApiserverLeases } from "./apiserver-leases.ts";
import type { ApiserverSeen, LeasesSnapshot } from "./apiserver-leases.ts";
import { microsText } from "./event-time.ts";
import { LogGaps } from "./log-gaps.ts";
import type { GapsSnapshot, LogGap } from "./log-gaps.ts";
import { RequestClasses } from "./request-classes.ts";
import type { ClassCoverage, ClassesSnapshot } from "./request-classes.ts";

/** What a log holds: what a reader must know before believing that something is not in it. */
export interface LogCoverage {
  readonly events: number;
  /** First and last stageTimestamp; absent where there is no event. */
  readonly from?: string;
  readonly to?: string;
  readonly byLevel: Readonly<Record<Level, number>>;
  readonly byStage: Readonly<Record<Stage, number>>;
  /** Events whose bodies the apiserver cut off because they were too large. */
  readonly truncated: number;
  /** Times in which nothing at all was written, though events stand close before and after; the longest first. */
  readonly gaps: readonly LogGap[];
  /** The apiservers that renewed their own lease in the log, and those that stopped before its end. */
  readonly apiservers: readonly ApiserverSeen[];
  /** Level by class of request, most events first. */
  readonly classes: readonly ClassCoverage[];
  /** Events of classes that are not listed, because there are too many. */
  readonly otherClasses: number;
}

/** What {@link CoverageCount.restore} goes on from. */
export interface CoverageSnapshot {
  readonly byLevel: Map<Level, number>;
  readonly byStage: Map<Stage, number>;
  readonly classes: ClassesSnapshot;
  readonly gaps: GapsSnapshot;
  readonly leases: LeasesSnapshot;
  /** Events, truncated ones, first and last time. */
  readonly counts: readonly [number, number, number, number];
}

const TRUNCATED = Buffer.from('"audit.k8s.io/truncated":"true"');

/** Counts what goes by, in order of time. */
export class CoverageCount {
  #byLevel = new Map<Level, number>(LEVELS.map((level) => [level, 0]));
  #byStage = new Map<Stage, number>(STAGES.map((stage) => [stage, 0]));
  readonly #classes = new RequestClasses();
  readonly #gaps = new LogGaps();
  readonly #leases = new ApiserverLeases();
  #events = 0;
  #truncated = 0;
  #from = 0;
  #to = 0;

  /** Takes the event last scanned, and its time in microseconds (0 where it has none). */
  add(scan: EventScan, micros: number): void {
    this.#events++;
    this.#byLevel.set(scan.level, (this.#byLevel.get(scan.level) ?? 0) + 1);
    this.#byStage.set(scan.stage, (this.#byStage.get(scan.stage) ?? 0) + 1);
    const isTruncated = scan.has("annotations") && isTruncatedEvent(scan);
    this.#truncated += isTruncated ? 1 : 0;
    this.#classes.add(scan, isTruncated);
    if (micros > 0) {
      this.#from = this.#from === 0 ? micros : Math.min(this.#from, micros);
      this.#to = Math.max(this.#to, micros);
      this.#gaps.add(micros);
      this.#leases.add(scan, micros);
    }
  }

  snapshot(): CoverageSnapshot {
    return {
      byLevel: this.#byLevel,
      byStage: this.#byStage,
      classes: this.#classes.snapshot(),
      gaps: this.#gaps.snapshot(),
      leases: this.#leases.snapshot(),
      counts: [this.#events, this.#truncated, this.#from, this.#to],
    };
  }

  restore({ byLevel, byStage, classes, gaps, leases, counts }: CoverageSnapshot): void {
    this.#byLevel = byLevel;
    this.#byStage = byStage;
    this.#classes.restore(classes);
    this.#gaps.restore(gaps);
    this.#leases.restore(leases);
    [this.#events, this.#truncated, this.#from, this.#to] = counts;
  }

  total(): LogCoverage {
    const { classes, others } = this.#classes.total();
    return {
      events: this.#events,
      ...(this.#to === 0 ? {} : { from: microsText(this.#from), to: microsText(this.#to) }),
      byLevel: Object.fromEntries(this.#byLevel) as Record<Level, number>,
      byStage: Object.fromEntries(this.#byStage) as Record<Stage, number>,
      truncated: this.#truncated,
      gaps: this.#gaps.total(),
      apiservers: this.#leases.total(this.#to),
      classes,
      otherClasses: others,
    };
  }
}

function isTruncatedEvent(scan: EventScan): boolean {
  const annotations = scan.bytes.subarray(scan.valueStart("annotations"), scan.valueEnd("annotations"));
  return annotations.includes(TRUNCATED);
}
