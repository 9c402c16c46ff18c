import { LineTemplates } from "@auditsieve/audit/stream";
import type { DecidedBy, EventScan } from "@auditsieve/audit";
import type { QuietAnswer } from "@auditsieve/detect";
import type { StreamDecision } from "@auditsieve/policy/stream";
import { withHead, withKept } from "../detections/event-watch.ts";
import type { FilterOptions } from "./filter-options.ts";
import type { KeptLines } from "./kept-lines.ts";
import type { RuleCounts } from "./rule-counts.ts";

const NEWLINE = 10;

/** What lines that are alike are taken with. */
export interface AlikeLinesParts {
  readonly scan: EventScan;
  readonly kept: KeptLines;
  readonly rules: RuleCounts;
  /**
   * Takes one line, `bytes[start, end)` at `offset` of the input, with an `answer` of the watch about events like the one in it, and what was
   * `decided` of them, if that is known. What was decided of it, if it is an event itself; `not-taken`: a document begins with it.
   */
  readonly look: (
    bytes: Buffer,
    start: number,
    end: number,
    offset: number,
    answer: QuietAnswer | undefined,
    decided: StreamDecision | undefined,
  ) => StreamDecision | "not-taken" | undefined;
  /** So many lines, of so many bytes, were taken without. */
  readonly pass: (lines: number, bytes: number) => void;
}

/** Takes whole lines one after the other: those that are like a line decided before are taken together. */
export class AlikeLines {
  readonly #options: FilterOptions;
  readonly #parts: AlikeLinesParts;
  readonly #templates: LineTemplates<StreamDecision, QuietAnswer>;
  /** What of the watch's answers was looked at last. */
  #epoch: number | undefined;

  constructor(options: FilterOptions, parts: AlikeLinesParts) {
    this.#options = options;
    this.#parts = parts;
    this.#templates = new LineTemplates(
      (decision, lines, bytes) => {
        if (decision.action === "drop") {
          parts.rules.add(decision, bytes, lines);
        }
      },
      { isExact: options.verify ?? false },
    );
  }

  /** Counts by rule what was not counted yet. */
  drain(): void {
    this.#templates.drain();
  }

  /** Takes the lines of `bytes[start, end)`; gives the beginning of the first that was not taken, with all behind it. */
  take(bytes: Buffer, start: number, end: number, offset: number): number | undefined {
    const templates = this.#templates;
    this.#options.unredacted?.prepare();
    for (let from = start; from < end;) {
      const to = templates.load(bytes, from, end);
      for (let at = from; at < to;) {
        this.#sync();
        const stop = templates.take();
        this.#takeKnown(bytes, stop - at);
        at = stop;
        const { teller } = templates;
        if (teller !== undefined) {
          this.#options.watch?.tell(teller, templates.told);
        } else if (at < to) {
          const behind = this.#takeSuspect(at) ?? this.#takeUnknown(bytes, at, offset + at - start, true);
          if (behind === undefined) {
            return at;
          }
          at = behind;
          templates.goOn(at);
        }
      }
      const behind = to > from ? to : this.#takeUnknown(bytes, from, offset + from - start, false);
      if (behind === undefined) {
        return from;
      }
      from = behind;
    }
    return undefined;
  }

  #sync(): void {
    const epoch = this.#options.watch?.epoch;
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#templates.sync();
    }
  }

  #takeKnown(bytes: Buffer, length: number): void {
    const { lines, memory, keptStart, keptEnd, keptLines, isInPlace } = this.#templates;
    this.#parts.pass(lines, length);
    this.#parts.kept.addKnown(isInPlace ? bytes : undefined, memory, keptStart, keptEnd, keptLines);
  }

  /** One line that is known but for what has to be redacted in it; gives where the next one begins, undefined where it is to be taken as any other. */
  #takeSuspect(at: number): number | undefined {
    const { unredacted, watch } = this.#options;
    const templates = this.#templates;
    const { suspect, standing, memory } = templates;
    if (suspect === undefined) {
      return undefined;
    }
    const { start, end } = suspect;
    const edits = unredacted?.edits(start, end - 1);
    if (edits === undefined) {
      return undefined;
    }
    if (standing?.tells !== undefined) {
      watch?.tell(standing, templates.told);
    }
    this.#parts.pass(1, end - start);
    this.#parts.kept.addEdited(memory, start, end, edits);
    return at + end - start;
  }

  /** One line; gives where the next one begins, or undefined if it was not taken. `isLoaded`: it was compared with others. */
  #takeUnknown(bytes: Buffer, start: number, offset: number, isLoaded: boolean): number | undefined {
    const end = bytes.indexOf(NEWLINE, start);
    const answer = isLoaded ? this.#templates.standing : undefined;
    const decided = isLoaded ? this.#templates.decided : undefined;
    const decision = this.#parts.look(bytes, start, end, offset, answer, decided);
    if (decision === "not-taken") {
      return undefined;
    }
    if (isLoaded && decision !== undefined && decision.action !== "strip" && this.#templates.isLearnable) {
      this.#learn(decision);
    }
    return end + 1;
  }

  /** Has lines like the one in hand taken together, where they come out as they are, or not at all. */
  #learn(decision: StreamDecision): void {
    const { policy, redact, unredacted, watch } = this.#options;
    const { scan } = this.#parts;
    const isKept = decision.action === "keep";
    const isSearched = isKept && redact !== undefined;
    const standing = watch?.unwanted(scan);
    if (watch !== undefined && standing === undefined) {
      return;
    }
    const ofHead = isSearched ? unredacted?.about(scan) : [];
    const ofWhole = ofHead === undefined ? unredacted?.aboutWhole(scan) : undefined;
    const kept = ofHead ?? ofWhole;
    // Each line may have to be redacted then.
    const isLookedAt = kept === undefined;
    const isOfNamespace = standing?.isOfNamespace ?? false;
    const namespace = isOfNamespace ? undefined : policy.freeNamespace(scan);
    let by: DecidedBy = { ...policy.decidedBy(scan), namespace };
    by = standing === undefined ? by : withHead(by, scan, standing, watch?.unasked?.(scan));
    by = isSearched ? withKept(by, kept ?? []) : by;
    const isTold = !isLookedAt && standing?.tells !== undefined;
    const taken = { isKept, isSearched, isLookedAt, standing, isTold, ...(ofWhole && { isHeadOnly: false }) };
    this.#templates.learn(scan, decision, taken, by);
  }
}
