import { LEVELS, STAGES } from "@auditsieve/audit";
import type { EventScan, Level, Stage } from "@auditsieve/audit";
import type { HeadEntry } from "@auditsieve/ingest";
import { ApiserverLeases } from "./apiserver-leases.ts";
import type { ApiserverSeen, LeasesSnapshot } from "./apiserver-leases.ts";
import { microsText } from "../lines/event-time.ts";
import { LogGaps } from "./log-gaps.ts";
import type { GapsSnapshot, LogGap } from "./log-gaps.ts";
import { HEAD_PLACE } from "../replayed-event.ts";
import { isClassedByPath, RequestClasses } from "./request-classes.ts";
import type { ClassCount, ClassCoverage, ClassesSnapshot } from "./request-classes.ts";

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

/** What all events of one head count as. */
interface HeadCount {
  readonly owner: object;
  readonly level: number;
  readonly stage: number;
  readonly isTruncated: boolean;
  /** Undefined where it depends on the path, or there is no room for it. */
  readonly known: ClassCount | undefined;
}

const TRUNCATED = Buffer.from('"audit.k8s.io/truncated":"true"');

/** Counts what goes by, in order of time. */
export class CoverageCount {
  readonly #byLevel = LEVELS.map(() => 0);
  readonly #byStage = STAGES.map(() => 0);
  readonly #classes = new RequestClasses();
  readonly #gaps = new LogGaps();
  readonly #leases = new ApiserverLeases();
  /** What is kept for heads belongs to these counts. */
  #owner = {};
  #events = 0;
  #truncated = 0;
  #from = 0;
  #to = 0;

  /** Takes the event last scanned, its time in microseconds (0 where it has none), and where its head is remembered. */
  add(scan: EventScan, micros: number, head?: HeadEntry): void {
    const kept = head?.kept[HEAD_PLACE.coverage] as HeadCount | undefined;
    const counted = kept?.owner === this.#owner ? kept : this.#read(scan, head);
    const { level, stage, isTruncated } = counted;
    this.#events++;
    (this.#byLevel[level] as number)++;
    (this.#byStage[stage] as number)++;
    this.#truncated += isTruncated ? 1 : 0;
    this.#classes.add(counted.known ?? this.#classes.find(scan), level, isTruncated);
    if (micros > 0) {
      this.#from = this.#from === 0 ? micros : Math.min(this.#from, micros);
      this.#to = Math.max(this.#to, micros);
      this.#gaps.add(micros);
      this.#leases.add(scan, micros);
    }
  }

  snapshot(): CoverageSnapshot {
    return {
      byLevel: new Map(LEVELS.map((level, i) => [level, this.#byLevel[i] as number])),
      byStage: new Map(STAGES.map((stage, i) => [stage, this.#byStage[i] as number])),
      classes: this.#classes.snapshot(),
      gaps: this.#gaps.snapshot(),
      leases: this.#leases.snapshot(),
      counts: [this.#events, this.#truncated, this.#from, this.#to],
    };
  }

  restore({ byLevel, byStage, classes, gaps, leases, counts }: CoverageSnapshot): void {
    LEVELS.forEach((level, i) => (this.#byLevel[i] = byLevel.get(level) ?? 0));
    STAGES.forEach((stage, i) => (this.#byStage[i] = byStage.get(stage) ?? 0));
    this.#classes.restore(classes);
    this.#owner = {};
    this.#gaps.restore(gaps);
    this.#leases.restore(leases);
    [this.#events, this.#truncated, this.#from, this.#to] = counts;
  }

  total(): LogCoverage {
    const { classes, others } = this.#classes.total();
    return {
      events: this.#events,
      ...(this.#to === 0 ? {} : { from: microsText(this.#from), to: microsText(this.#to) }),
      byLevel: Object.fromEntries(LEVELS.map((level, i) => [level, this.#byLevel[i]])) as Record<Level, number>,
      byStage: Object.fromEntries(STAGES.map((stage, i) => [stage, this.#byStage[i]])) as Record<Stage, number>,
      truncated: this.#truncated,
      gaps: this.#gaps.total(),
      apiservers: this.#leases.total(this.#to),
      classes,
      otherClasses: others,
    };
  }

  #read(scan: EventScan, head: HeadEntry | undefined): HeadCount {
    const counted: HeadCount = {
      owner: this.#owner,
      level: LEVELS.indexOf(scan.level),
      stage: STAGES.indexOf(scan.stage),
      isTruncated: scan.has("annotations") && isTruncatedEvent(scan),
      known: isClassedByPath(scan) ? undefined : this.#classes.find(scan),
    };
    if (head !== undefined) {
      head.kept[HEAD_PLACE.coverage] = counted;
    }
    return counted;
  }
}

function isTruncatedEvent(scan: EventScan): boolean {
  const annotations = scan.bytes.subarray(scan.valueStart("annotations"), scan.valueEnd("annotations"));
  return annotations.includes(TRUNCATED);
}
