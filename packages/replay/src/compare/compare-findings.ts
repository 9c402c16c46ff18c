import { EventScan } from "@auditsieve/audit";
import type { Redactor } from "@auditsieve/audit";
import { DetectionEngine } from "@auditsieve/detect";
import type { Detection, Finding, HeadView } from "@auditsieve/detect";
import { scanHead } from "@auditsieve/ingest";
import type { StreamPolicy } from "@auditsieve/policy";
import { FindingJudge } from "../finding-judge.ts";
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
  /** In order of time. */
  readonly changes: readonly FindingChange[];
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

/** Reads the log that is replayed a second time in the same pass: with other detections, or behind a stream policy. */
export class OtherFindings implements ReplayVisitor {
  readonly findings: Finding[] = [];
  readonly #reading: OtherReading;
  readonly #engine: DetectionEngine;
  readonly #scan = new EventScan();
  readonly #stripped: EventInHand;
  readonly #strippedHead: HeadView;
  #judge: FindingJudge;
  #head: HeadView | undefined;
  #dropped = 0;
  #strippedEvents = 0;

  constructor(reading: OtherReading) {
    this.#reading = reading;
    this.#engine = new DetectionEngine(reading.detections);
    this.#judge = new FindingJudge(this.#engine);
    this.#stripped = new EventInHand(this.#scan, reading.redactor);
    this.#strippedHead = scanHead(this.#scan);
  }

  begin(): void {
    this.findings.length = 0;
    this.#judge = new FindingJudge(this.#engine);
    this.#dropped = 0;
    this.#strippedEvents = 0;
  }

  event(event: ReplayedEvent): void {
    const { policy } = this.#reading;
    const decision = policy?.decide(event.scan);
    if (decision === undefined || decision.action === "keep" || policy === undefined) {
      this.#head ??= scanHead(event.scan);
      this.findings.push(...this.#judge.event(event, this.#head));
    } else if (decision.action === "drop") {
      this.#dropped++;
    } else {
      this.#strippedEvents++;
      const line = policy.strip(event.scan, decision);
      if (this.#scan.scan(line, 0, line.length)) {
        this.#stripped.next(event.log, event.offset);
        this.findings.push(...this.#judge.event(this.#stripped, this.#strippedHead));
      }
    }
  }

  end(): void {
    this.findings.push(...this.#judge.flush());
  }

  /** What this reading found and the replay did not, and the other way round; `isOlder` says which of them came first. */
  compareWith(
    findings: readonly Finding[],
    undecided: Readonly<Record<string, number>>,
    { isOlder }: { readonly isOlder: boolean },
  ): ComparedFindings {
    const own = { findings: this.findings, undecided: this.#judge.counts().undecided };
    const replayed = { findings, undecided };
    const [before, after] = isOlder ? [own, replayed] : [replayed, own];
    const { policy, detections } = this.#reading;
    return {
      ...compareFindings(before.findings, after.findings),
      couldNotDecide: compareCounts(before.undecided, after.undecided, detections),
      ...(policy !== undefined && { dropped: this.#dropped, stripped: this.#strippedEvents }),
    };
  }
}

/** The difference of two lists of findings, by their ids, which are the same for the same detection and request. */
export function compareFindings(
  before: readonly Finding[],
  after: readonly Finding[],
): Pick<ComparedFindings, "changes" | "same"> {
  const old = new Map(before.map((finding) => [finding.id, finding]));
  const fresh = new Set(after.map(({ id }) => id));
  let same = 0;
  const changes: FindingChange[] = [];
  for (const finding of after) {
    const known = old.get(finding.id);
    if (known === undefined) {
      changes.push({ change: "added", finding });
    } else if (known.detection.level !== finding.detection.level || known.detection.title !== finding.detection.title) {
      changes.push({ change: "changed", finding, before: known });
    } else {
      same++;
    }
  }
  for (const finding of before) {
    if (!fresh.has(finding.id)) {
      changes.push({ change: "removed", finding });
    }
  }
  return { changes: changes.sort(byTime), same };
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

function byTime(a: FindingChange, b: FindingChange): number {
  const [x, y] = [`${a.finding.time} ${a.finding.id}`, `${b.finding.time} ${b.finding.id}`];
  return x < y ? -1 : x > y ? 1 : 0;
}
