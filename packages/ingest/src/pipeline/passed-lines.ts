import type { EventScan } from "@auditsieve/audit";
import type { StreamDecision } from "@auditsieve/policy";
import type { Held } from "../lines/ack-window.ts";
import { KnownLines, LikeDelivered } from "./known-lines.ts";
import type { DroppedKind } from "./known-lines.ts";
import type { LineCounts } from "./line-counts.ts";
import type { LineFindings } from "./line-findings.ts";
import type { HandledLine, LineHandlerOptions } from "./line-handler-options.ts";
import { LinePlaces } from "../lines/line-shape.ts";
import type { ReceiptRanges } from "../receipts/receipt-ranges.ts";

/** What lines are passed over with. */
export interface PassedLinesParts {
  readonly scan: EventScan;
  readonly findings: LineFindings;
  readonly receipts: ReceiptRanges;
  readonly counts: LineCounts;
  /** Counts a line with its newline as the one in hand. */
  readonly begin: (offset: number, bytes: number) => HandledLine;
  /** Nothing follows about it. */
  readonly cover: (line: HandledLine) => void;
  /** For the receipts of the line in hand. */
  readonly hold: () => Held;
}

const NEWLINE = 10;

/** What became of a line that was looked at: what decided that it goes to no sink, or that it goes to some. */
export type SeenLine = readonly (StreamDecision | undefined)[] | "delivered";

/** Whole lines one after the other: those that are like one that was dropped are counted without being scanned. */
export class PassedLines {
  readonly #parts: PassedLinesParts;
  readonly #outlets: LineHandlerOptions["outlets"];
  readonly #known: KnownLines | undefined;
  readonly #places = new LinePlaces();
  /** What is known of the line that is being looked at, if it is an event that is written as an apiserver writes. */
  like: LikeDelivered | undefined;
  /** Where in the bytes taken last the line begins that was not taken. */
  stoppedAt: number | undefined;

  constructor({ outlets, onEvent, redactor, detections, states }: LineHandlerOptions, parts: PassedLinesParts) {
    this.#parts = parts;
    this.#outlets = outlets;
    const feeds = outlets.map(({ to }) => to);
    const hasDetections = detections !== undefined && detections.detections.length > 0 && states === undefined;
    this.#known = onEvent === undefined ? KnownLines.of({ feeds, redactor, hasDetections }) : undefined;
  }

  /**
   * Takes the lines of `bytes[start, end)`. `look` is given each that is not passed over, with where it starts in the bytes and in the input
   * and where its newline stands, and says what became of the event that it is and the scan holds: undefined where that is none. Behind one
   * that was `not-taken` none is. Gives the time of the last line where that was passed over.
   */
  take(
    bytes: Buffer,
    start: number,
    end: number,
    offset: number,
    look: (start: number, newline: number, offset: number) => SeenLine | "not-taken" | undefined,
  ): string | undefined {
    const lines = this.#known;
    this.stoppedAt = undefined;
    let isPassed = false;
    for (let at = start; at < end;) {
      const to = lines?.load(bytes, at, end) ?? at;
      do {
        const behind = bytes.indexOf(NEWLINE, at) + 1;
        const known = at < to ? lines?.take(behind, this.#parts.findings.epoch) : undefined;
        this.like = known instanceof LikeDelivered ? known : undefined;
        isPassed =
          known !== undefined &&
          !(known instanceof LikeDelivered) &&
          this.#pass(known, bytes, at, behind, offset + at - start);
        if (!isPassed) {
          const seen = look(at, behind - 1, offset + at - start);
          this.like = undefined;
          if (seen === "not-taken") {
            this.stoppedAt = at;
            return undefined;
          }
          if (at < to) {
            this.#learn(known === undefined ? seen : undefined);
            lines?.goOn(behind);
          }
        }
        at = behind;
      } while (at < to);
    }
    const { bytes: line, time, timeEnd } = this.#places;
    return isPassed ? line.toString("latin1", time + 1, timeEnd - 1) : undefined;
  }

  /** Has lines like the event that the scan holds known. */
  #learn(seen: SeenLine | undefined): void {
    const lines = this.#known;
    if (lines === undefined || seen === undefined || !lines.isLearnable) {
      return;
    }
    const { scan, findings, receipts } = this.#parts;
    if (seen === "delivered") {
      const answer = findings.answer();
      if (answer !== undefined) {
        lines.learnDelivered(scan, answer, findings.unasked());
      }
      return;
    }
    const passable = findings.passable();
    if (passable !== undefined) {
      lines.learnDropped(scan, passable, seen, () => receipts.known(scan));
    }
  }

  /** Counts a line of a known kind, `bytes[start, behind)`, as it was dropped. False, and nothing is changed, where it must be looked at. */
  #pass(kind: DroppedKind, bytes: Buffer, start: number, behind: number, offset: number): boolean {
    const { findings, receipts, counts, begin, cover, hold } = this.#parts;
    const length = behind - 1 - start;
    const places = this.#places;
    kind.shape.find(bytes, start, behind - 1, places);
    if (!findings.passOver(kind.watched, places, offset + length + 1, counts.read.bytes + length)) {
      return false;
    }
    receipts.endBeforeTime(offset, bytes, places.time, places.timeEnd);
    const line = begin(offset, length);
    for (let i = 0; i < this.#outlets.length; i++) {
      const { counter } = this.#outlets[i] as LineHandlerOptions["outlets"][number];
      const by = kind.by[i] as DroppedKind["by"][number];
      counts.in(counter.drop(by, length));
      receipts.addKnown(i, kind.receipt, by === "feed" ? by : by.rule, places, offset, length, hold);
    }
    cover(line);
    return true;
  }
}
