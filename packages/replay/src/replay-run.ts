import { beginsDocument, EventScan, salvageEvents, slotOf, unwrapLine, WrapperHints } from "@auditsieve/audit";
import type { Redactor, Undecidable } from "@auditsieve/audit";
import type { Finding } from "@auditsieve/detect";
import { HeadMemo } from "@auditsieve/ingest/findings";
import type { LineAlarm } from "@auditsieve/ingest";
import { CoverageCount } from "./coverage/coverage.ts";
import type { CoverageSnapshot } from "./coverage/coverage.ts";
import { Duplicates } from "./lines/duplicates.ts";
import type { DuplicatesSnapshot } from "./lines/duplicates.ts";
import { microsText, NO_TIME, textMicros } from "./lines/event-time.ts";
import type { JudgeSnapshot } from "./judge/finding-judge.ts";
import type { RunJudge } from "./judge/run-judge.ts";
import type { LogLine } from "./lines/log-line.ts";
import type { ReplayLog } from "./lines/log-reader.ts";
import { GuessedWrong } from "./time-order/merge-logs.ts";
import { EventInHand } from "./replayed-event.ts";
import type { ReplayVisitor } from "./replayed-event.ts";

/** What is read, and who is told. */
export interface RunOptions {
  readonly logs: readonly ReplayLog[];
  readonly redactor: Redactor;
  /** Told of lines that are no event. */
  readonly onLineAlarm?: (alarm: LineAlarm) => void;
  /** Told of a log that cannot be read, or not to its end; the others are read all the same. Without it the error is thrown. */
  readonly onUnreadable?: (error: unknown, log: string) => void;
  /** Shown every event and finding, whatever the selection. */
  readonly visitors?: readonly ReplayVisitor[];
}

/** What became of one log. */
export interface ReplayedLog {
  readonly name: string;
  readonly lines: number;
  readonly bytes: number;
  readonly events: number;
  /** First and last stageTimestamp. */
  readonly from?: string;
  readonly to?: string;
  /** Lines that stand byte for byte in another place too, and are counted there. */
  readonly duplicates: number;
  /** Lines that are no event, by why. */
  readonly undecidable: Readonly<Partial<Record<Undecidable | "over-the-limit", number>>>;
  /** Lines over the limit of which only what stands outside the bodies was read. */
  readonly reduced: number;
  /** Whole events that were found in undecidable lines; they are part of `events`. */
  readonly salvaged: number;
  /** Why it could not be read, or not to its end. */
  readonly problem?: string;
}

/** What {@link ReplayRun.restore} goes on from. */
export interface RunSnapshot {
  readonly logs: readonly LogCount[];
  readonly coverage: CoverageSnapshot;
  readonly duplicates: DuplicatesSnapshot;
  readonly judge: JudgeSnapshot;
  readonly visitors: readonly unknown[];
}

interface LogCount {
  readonly name: string;
  lines: number;
  bytes: number;
  events: number;
  from: number;
  to: number;
  duplicates: number;
  reduced: number;
  salvaged: number;
  readonly undecidable: Map<Undecidable | "over-the-limit", number>;
  problem: string | undefined;
}

/** One reading of all logs, line by line in order of time. */
export class ReplayRun {
  readonly coverage: CoverageCount = new CoverageCount();
  readonly judge: RunJudge;
  readonly #options: RunOptions;
  readonly #isSorted: boolean;
  readonly #scan = new EventScan();
  readonly #memo = new HeadMemo(this.#scan);
  readonly #inHand: EventInHand;
  readonly #duplicates = new Duplicates();
  readonly #hints = new WrapperHints();
  readonly #visitors: readonly ReplayVisitor[];
  readonly #eventVisitors: readonly ReplayVisitor[];
  #logs: readonly LogCount[];
  readonly #take: (finding: Finding) => void;

  constructor(
    options: RunOptions,
    judgeFor: (scan: EventScan, memo: HeadMemo) => RunJudge,
    { isSorted, take }: { readonly isSorted: boolean; readonly take: (finding: Finding) => void },
  ) {
    this.#options = options;
    this.#isSorted = isSorted;
    this.#take = take;
    this.#inHand = new EventInHand(this.#scan, options.redactor, this.#memo);
    this.#visitors = options.visitors ?? [];
    this.#eventVisitors = this.#visitors.filter((visitor) => visitor.event !== undefined);
    this.judge = judgeFor(this.#scan, this.#memo);
    this.#logs = options.logs.map(({ name }) => ({ ...NOTHING, name, undecidable: new Map(), problem: undefined }));
    this.#visitors.forEach((visitor) => visitor.begin?.());
  }

  /** Takes the next line. Throws {@link GuessedWrong} if its place in the order was. */
  take(line: LogLine): void {
    const scan = this.#scan;
    const log = this.#logs[line.log] as LogCount;
    if (line.isSalvaged === true) {
      scan.scan(line.bytes, line.start, line.end);
      this.#event(log, line);
      return;
    }
    log.lines++;
    log.bytes += line.oversizeBytes ?? line.end - line.start;
    if (line.oversizeBytes !== undefined) {
      if (line.isDocument === true && !this.#isSorted) {
        // What stands in it has times of its own.
        throw new GuessedWrong();
      }
      this.#alarm("oversize", line, "over-the-limit");
    } else if (this.#duplicates.isSurelyRepeated(line)) {
      // Its bytes have been scanned.
      log.duplicates++;
      return;
    }
    if (!scan.scan(line.bytes, line.start, line.end)) {
      this.#undecidable(log, line);
      return;
    }
    this.#event(log, line);
  }

  /** Takes the event that the scan holds. */
  #event(log: LogCount, line: LogLine): void {
    const scan = this.#scan;
    const micros = this.#microsOf(line);
    if (this.#duplicates.isRepeated(line)) {
      log.duplicates++;
      return;
    }
    log.events++;
    log.reduced += line.oversizeBytes === undefined ? 0 : 1;
    log.salvaged += line.isSalvaged === true ? 1 : 0;
    if (micros > 0) {
      log.from = log.from === 0 ? micros : Math.min(log.from, micros);
      log.to = Math.max(log.to, micros);
    }
    this.coverage.add(scan, micros, this.#memo.unnamed);
    const event = this.#inHand;
    event.next(log.name, line.offset, line.isSalvaged === true);
    for (const visitor of this.#eventVisitors) {
      visitor.event?.(event);
    }
    const ready = this.judge.event(event, line);
    if (ready.length > 0) {
      this.#found(ready);
    }
  }

  /** So many lines wait to be judged that {@link ReplayRun.room} must be waited for. */
  get isFull(): boolean {
    return this.judge.isFull;
  }

  room(): Promise<void> {
    return this.judge.room();
  }

  /** No line follows. */
  async finish(): Promise<void> {
    this.#visitors.forEach((visitor) => visitor.end?.());
    await this.judge.finish((findings) => this.#found(findings));
  }

  /** A log could not be read to its end. Throws the error if nobody wants to be told. */
  fail(log: number, error: unknown): void {
    const count = this.#logs[log] as LogCount;
    count.problem = error instanceof Error ? error.message : String(error);
    if (this.#options.onUnreadable === undefined) {
      throw error;
    }
    this.#options.onUnreadable(error, count.name);
  }

  /** All that the lines so far have told, the visitors' part too: data that `v8.serialize` takes. */
  async snapshot(): Promise<RunSnapshot> {
    await this.judge.settle((findings) => this.#found(findings));
    return {
      logs: this.#logs,
      coverage: this.coverage.snapshot(),
      duplicates: this.#duplicates.snapshot(),
      judge: await this.judge.snapshot(),
      visitors: this.#visitors.map((visitor) => visitor.snapshot?.()),
    };
  }

  /** Goes on from a snapshot, as if its lines had been taken. */
  restore(snapshot: RunSnapshot): void {
    this.#logs = snapshot.logs;
    this.coverage.restore(snapshot.coverage);
    this.#duplicates.restore(snapshot.duplicates);
    this.judge.restore(snapshot.judge);
    this.#visitors.forEach((visitor, i) => visitor.restore?.(snapshot.visitors[i]));
  }

  logs(): readonly ReplayedLog[] {
    return this.#logs.map(({ from, to, undecidable, problem, ...counts }) => ({
      ...counts,
      ...(to === 0 ? {} : { from: microsText(from), to: microsText(to) }),
      undecidable: Object.fromEntries(undecidable),
      ...(problem !== undefined && { problem }),
    }));
  }

  /** The event's own time; the one that it was put in order by was only guessed. */
  #microsOf(line: LogLine): number {
    const scan = this.#scan;
    if (scan.slotEnd(STAGE_TIMESTAMP) === 0) {
      return line.micros;
    }
    const micros = textMicros(scan.bytes, scan.slotStart(STAGE_TIMESTAMP) + 1, scan.end);
    if (!this.#isSorted && micros !== line.micros && micros !== NO_TIME) {
      throw new GuessedWrong();
    }
    return Math.max(0, micros);
  }

  #undecidable(log: LogCount, line: LogLine): void {
    const reason = line.oversizeBytes === undefined ? (this.#scan.reason ?? "not-json") : "over-the-limit";
    log.undecidable.set(reason, (log.undecidable.get(reason) ?? 0) + 1);
    if (line.oversizeBytes !== undefined) {
      return;
    }
    if (!this.#isSorted && (beginsDocument(this.#scan) || unwrapLine(this.#scan) !== undefined)) {
      // What stands in it has times of its own.
      throw new GuessedWrong();
    }
    const hint = this.#hints.next(this.#scan);
    const events = salvageEvents(this.#scan, { isText: line.lineOffset !== undefined });
    this.#alarm("undecidable", line, reason, {
      ...(events.length > 0 && { salvaged: events.length }),
      ...(hint !== undefined && { hint }),
    });
    // Where lines were sorted, these were sorted with them.
    for (const { bytes, start, end, at } of this.#isSorted ? [] : events) {
      this.take({ ...line, offset: line.offset + at - line.start, bytes, start, end, isSalvaged: true });
    }
  }

  #alarm(
    kind: "undecidable" | "oversize",
    line: LogLine,
    reason: string,
    more: Pick<LineAlarm, "salvaged" | "hint"> = {},
  ): void {
    const { name } = this.#logs[line.log] as LogCount;
    this.#options.onLineAlarm?.({
      kind,
      source: "replay",
      input: `${line.log}:${name}`,
      offset: line.offset,
      bytes: line.oversizeBytes ?? line.end - line.start,
      reason,
      ...more,
    });
  }

  #found(findings: readonly Finding[]): void {
    for (const finding of findings) {
      this.#take(finding);
      this.#visitors.forEach((visitor) => visitor.finding?.(finding));
    }
  }
}

const STAGE_TIMESTAMP = slotOf("stageTimestamp");
const NOTHING = { lines: 0, bytes: 0, events: 0, from: 0, to: 0, duplicates: 0, reduced: 0, salvaged: 0 };
