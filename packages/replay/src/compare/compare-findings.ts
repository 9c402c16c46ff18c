import { EventScan } from "@auditsieve/audit";
import type { Redactor } from "@auditsieve/audit";
import { DetectionEngine } from "@auditsieve/detect";
import type { Detection, Finding, HeadView } from "@auditsieve/detect";
import { scanHead } from "@auditsieve/ingest/findings";
import type { StreamPolicy } from "@auditsieve/policy";
import { FindingJudge } from "../judge/finding-judge.ts";
import type { JudgeSnapshot } from "../judge/finding-judge.ts";
import { byTime, FindingStore } from "../findings/finding-store.ts";
import type { FindingStoreOptions, FindingStoreSnapshot } from "../findings/finding-store.ts";
import { EventInHand } from "../replayed-event.ts";
import type { ReplayedEvent, ReplayVisitor } from "../replayed-event.ts";

/** What the other reading of the same log is made with. */
export interface OtherReading {
  readonly detections: readonly Detection[];
  /** Looks at what this policy leaves of the log. */
  readonly policy?: StreamPolicy;
  readonly redactor: Redactor;
}

/** How a finding differs between two readings of one log. */
export type FindingChange =
  | { readonly change: "added" | "removed"; readonly finding: Finding }
  /** The same detection and request, another title or severity. */
  | { readonly change: "changed"; readonly finding: Finding; readonly before: Finding };

/** Two readings of one log, compared. */
export interface ComparedFindings {
  /** In order of time, as often as they are asked for. */
  readonly changes: Iterable<FindingChange>;
  readonly same: number;
  /** Requests that a detection could not decide, where the two readings differ. */
  readonly couldNotDecide: readonly {
    readonly id: string;
    readonly title: string;
    readonly before: number;
    readonly after: number;
  }[];
  /** Events that the policy dropped and stripped; absent without one. */
  readonly dropped?: number;
  readonly stripped?: number;
}

interface OtherSnapshot {
  readonly findings: FindingStoreSnapshot;
  readonly judge: JudgeSnapshot;
  readonly counts: readonly [number, number];
}

/** Reads the log that is replayed a second time in the same pass: with other detections, or behind a stream policy. */
export class OtherFindings implements ReplayVisitor {
  readonly #findings: FindingStore;
  readonly #reading: OtherReading;
  readonly #engine: DetectionEngine;
  readonly #scan = new EventScan();
  readonly #stripped: EventInHand;
  readonly #strippedHead: HeadView;
  #judge: FindingJudge;
  #head: HeadView | undefined;
  #dropped = 0;
  #strippedEvents = 0;

  constructor(reading: OtherReading, options?: FindingStoreOptions) {
    this.#reading = reading;
    this.#findings = new FindingStore(options);
    this.#engine = new DetectionEngine(reading.detections);
    this.#judge = new FindingJudge(this.#engine);
    this.#stripped = new EventInHand(this.#scan, reading.redactor);
    this.#strippedHead = scanHead(this.#scan);
  }

  begin(): void {
    this.#findings.close();
    this.#judge = new FindingJudge(this.#engine);
    this.#dropped = 0;
    this.#strippedEvents = 0;
  }

  event(event: ReplayedEvent): void {
    const { policy } = this.#reading;
    const decision = policy?.decide(event.scan);
    if (decision === undefined || decision.action === "keep" || policy === undefined) {
      this.#head ??= scanHead(event.scan);
      this.#take(this.#judge.event(event, this.#head));
    } else if (decision.action === "drop") {
      this.#dropped++;
    } else {
      this.#strippedEvents++;
      const line = policy.strip(event.scan, decision);
      if (this.#scan.scan(line, 0, line.length)) {
        this.#stripped.next(event.log, event.offset);
        this.#take(this.#judge.event(this.#stripped, this.#strippedHead));
      }
    }
  }

  snapshot(): unknown {
    const counts = [this.#dropped, this.#strippedEvents] as const;
    return { findings: this.#findings.snapshot(), judge: this.#judge.snapshot(), counts } satisfies OtherSnapshot;
  }

  restore(snapshot: unknown): void {
    const { findings, judge, counts } = snapshot as OtherSnapshot;
    this.#findings.restore(findings);
    this.#judge.restore(judge);
    [this.#dropped, this.#strippedEvents] = counts;
  }

  end(): void {
    for (const findings of this.#judge.flush()) {
      this.#take(findings);
    }
  }

  /**
   * What this reading found and the replay did not, and the other way round; `isOlder` says which of them came first. Findings for
   * which `isAsked` holds in neither reading do not count.
   */
  compareWith(
    findings: Iterable<Finding>,
    undecided: Readonly<Record<string, number>>,
    { isOlder, isAsked }: { readonly isOlder: boolean; readonly isAsked?: (finding: Finding) => boolean },
  ): ComparedFindings {
    const own = { findings: this.#findings, undecided: this.#judge.counts().undecided };
    const replayed = { findings, undecided };
    const [before, after] = isOlder ? [own, replayed] : [replayed, own];
    const { policy, detections } = this.#reading;
    return {
      ...compareFindings(before.findings, after.findings, isAsked),
      couldNotDecide: compareCounts(before.undecided, after.undecided, detections),
      ...(policy !== undefined && { dropped: this.#dropped, stripped: this.#strippedEvents }),
    };
  }

  /** Lets go of findings that were put aside on the disk. */
  close(): void {
    this.#findings.close();
  }

  #take(findings: readonly Finding[]): void {
    findings.forEach((finding) => this.#findings.add(finding));
  }
}

/**
 * The difference of two lists of findings in order of time, by their ids, which are the same for the same detection and request; of
 * those only for which `isAsked` holds before or after.
 *
 * @example
 * const { changes, same } = compareFindings(findings, []);
 * assert.equal(same, 0);
 * assert.deepEqual(Array.from(changes, ({ change }) => change), ["removed", "removed"]);
 */
export function compareFindings(
  before: Iterable<Finding>,
  after: Iterable<Finding>,
  isAsked: (finding: Finding) => boolean = always,
): Pick<ComparedFindings, "changes" | "same"> {
  const asked = function* (): Generator<Pair, void> {
    for (const pair of pairs(before, after)) {
      if ((pair.before && isAsked(pair.before)) || (pair.after && isAsked(pair.after))) {
        yield pair;
      }
    }
  };
  let same = 0;
  for (const pair of asked()) {
    same += changeOf(pair) === undefined ? 1 : 0;
  }
  return {
    changes: {
      *[Symbol.iterator]() {
        for (const pair of asked()) {
          const change = changeOf(pair);
          if (change !== undefined) {
            yield change;
          }
        }
      },
    },
    same,
  };
}

function always(): boolean {
  return true;
}

interface Pair {
  readonly before: Finding | undefined;
  readonly after: Finding | undefined;
}

/** Undefined if nothing has changed. */
function changeOf({ before, after }: Pair): FindingChange | undefined {
  if (after === undefined) {
    return before && { change: "removed", finding: before };
  }
  if (before === undefined) {
    return { change: "added", finding: after };
  }
  const [old, fresh] = [before.detection, after.detection];
  return old.level === fresh.level && old.title === fresh.title
    ? undefined
    : { change: "changed", finding: after, before };
}

/** Both lists side by side: neither need be held as a whole. */
function* pairs(before: Iterable<Finding>, after: Iterable<Finding>): Generator<Pair, void> {
  const [left, right] = [before[Symbol.iterator](), after[Symbol.iterator]()];
  let [a, b] = [left.next(), right.next()];
  while (a.done !== true || b.done !== true) {
    const order = a.done === true ? 1 : b.done === true ? -1 : byTime(a.value, b.value);
    yield {
      before: order <= 0 && a.done !== true ? a.value : undefined,
      after: order >= 0 && b.done !== true ? b.value : undefined,
    };
    [a, b] = [order <= 0 ? left.next() : a, order >= 0 ? right.next() : b];
  }
}

function compareCounts(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
  detections: readonly Detection[],
): ComparedFindings["couldNotDecide"] {
  const titles = new Map(detections.map(({ id, title }) => [id, title]));
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .map((id) => ({ id, title: titles.get(id) ?? id, before: before[id] ?? 0, after: after[id] ?? 0 }))
    .filter((each) => each.before !== each.after);
}
