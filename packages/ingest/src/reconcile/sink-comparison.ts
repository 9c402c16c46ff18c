import type { Letters } from "./dead-letters.ts";
import type { SinkContent } from "./reconcile-sinks.ts";
import type { Discrepancy, ReconciledSink, ReconcileOptions } from "./reconciliation.ts";
import { receiptKey } from "./sink-expectation.ts";
import type { Expected, ExpectedAtSink, Place } from "./sink-expectation.ts";

/** How a sink keeps documents. */
export interface Keeping {
  /** Each has its id there. */
  readonly hasIds: boolean;
  /** A crash may repeat one. */
  readonly mayRepeat: boolean;
  /** Lines that are equal to the byte are a document each; else one for all. */
  readonly isEach: boolean;
}

/** Holds what a sink and its dead letters have against what the inputs make, and tells what does not add up. */
export class SinkComparison {
  readonly discrepancies: Discrepancy[] = [];
  readonly #sink: string;
  readonly #keeping: Keeping;
  readonly #content: SinkContent;
  readonly #letters: Letters;
  /** Times that a document is there, by id where the sink keeps ids, else by content. */
  readonly #times = new Map<string, number>();
  /** How many lines make a document, in the same way. */
  readonly #lines = new Map<string, number>();
  /** How many lines of it were judged. */
  readonly #judged = new Map<string, number>();
  readonly #contents = new Map<string, string>();
  /** Documents that no line asked for, by likeness. */
  readonly #strangers = new Map<string, number>();

  #evidence: ReadonlySet<string> = new Set();
  /** Lines that would be there if a finding rested on them, and are not: then receipts account for them. */
  readonly #unfound: Expected[] = [];

  constructor(sink: string, keeping: Keeping, content: SinkContent, letters: Letters = new Map()) {
    this.#sink = sink;
    this.#keeping = keeping;
    this.#content = content;
    this.#letters = letters;
    for (const { id, content: hash } of content.documents) {
      const key = id ?? hash;
      countIn(this.#times, key);
      this.#contents.set(key, hash);
    }
  }

  run(
    { expected, salvaged, evidence, receipts, isEarlier, lines, dropped, earlierDropped }: ExpectedAtSink,
    options: ReconcileOptions,
  ): ReconciledSink {
    this.#evidence = evidence;
    for (const one of [...expected, ...salvaged]) {
      countIn(this.#lines, this.#keyOf(one));
    }
    this.#noteStrangers([...expected, ...salvaged]);
    const isIn = ({ time }: Expected): boolean =>
      (options.since === undefined || time >= options.since) && (options.until === undefined || time < options.until);
    const counts = { stored: 0, deadLettered: 0, pending: 0, missing: 0, unfound: 0 };
    const inTime = expected.filter(isIn);
    const judged = inTime.filter((one) => !one.isEarlier);
    for (const one of judged) {
      counts[this.#judge(one)]++;
    }
    const besides = { stored: 0, deadLettered: 0, pending: 0, missing: 0 };
    for (const one of salvaged.filter((each) => isIn(each) && !each.isEarlier)) {
      const what = this.#judge({ ...one, isOnlyEvidence: false });
      besides[what === "unfound" ? "missing" : what]++;
    }
    for (const { file, offset } of this.#content.damaged) {
      this.#tell("damaged-document", { file, offset }, "a line of the sink is no document");
    }
    const isWhole = options.since === undefined && options.until === undefined;
    if (isWhole) {
      this.#compareReceipts(receipts, isEarlier);
    }
    const withoutInput = [...this.#strangers.values()].reduce((sum, count) => sum + count, 0);
    const { unfound, ...rest } = counts;
    return {
      sink: this.#sink,
      lines: isWhole ? lines : judged.length,
      dropped: (isWhole ? dropped : 0) + unfound,
      ...rest,
      salvaged: besides,
      earlier: inTime.length - judged.length + (isWhole ? earlierDropped : 0),
      withoutInput,
    };
  }

  #noteStrangers(expected: readonly Expected[]): void {
    const contents = new Map(expected.map((one) => [one.content, one] as const));
    for (const { id, content, likeness } of this.#content.documents) {
      if (this.#lines.has(id ?? content) || this.#evidence.has(id ?? content)) {
        continue;
      }
      const twin = contents.get(content);
      if (twin === undefined) {
        countIn(this.#strangers, likeness);
      } else {
        this.#tell("repeated", twin, `the document of this line is stored a second time under the id ${id ?? "?"}`);
      }
    }
  }

  #judge(one: Expected): "stored" | "deadLettered" | "pending" | "missing" | "unfound" {
    const key = this.#keyOf(one);
    const times = this.#times.get(key) ?? 0;
    const nth = countIn(this.#judged, key);
    const isThere = times > 0 && (nth <= times || !this.#keeping.isEach || one.isOnlyEvidence);
    const letter = this.#letters.get(one.id);
    if (letter?.(one.content) === false) {
      this.#tell("changed", one, "its dead letter holds another document than its line makes");
    }
    const isUnfound = one.isOnlyEvidence && !one.isPending && !this.#content.rested.has(one.likeness);
    if (times === 0 && letter === undefined && isUnfound) {
      this.#unfound.push(one);
      return "unfound";
    }
    if (!isThere) {
      return letter !== undefined ? "deadLettered" : one.isPending ? "pending" : this.#missing(one);
    }
    if (nth === 1 && times > this.#most(key)) {
      this.#tell("repeated", one, `the document of this line is stored ${times} times`);
    }
    if (letter !== undefined) {
      this.#tell("stored-and-dead-lettered", one, "it is stored, and a dead letter says that it was refused");
    }
    if (this.#contents.get(key) !== one.content && !this.#content.rested.has(one.likeness)) {
      const message = "the stored document is another than its line makes";
      this.#tell("changed", one, message, one.isOnlyEvidence ? "warning" : "error");
    }
    return "stored";
  }

  /** How often a document is there at most. */
  #most(key: string): number {
    return this.#keeping.mayRepeat ? (this.#lines.get(key) ?? 1) : 1;
  }

  #missing(one: Expected): "stored" | "missing" {
    const alike = one.likeness === "" ? 0 : (this.#strangers.get(one.likeness) ?? 0);
    if (alike > 0 && !this.#keeping.hasIds) {
      this.#strangers.set(one.likeness, alike - 1);
      this.#tell("changed", one, "the stored document is another than its line makes");
      return "stored";
    }
    this.#tell("missing", one, "this line is acknowledged, but neither stored nor dead-lettered nor dropped by a rule");
    return "missing";
  }

  /**
   * What a finding rests on is stored in place of being dropped, and what is found depends on what the daemon remembered: it may
   * have receipts of lines that make a finding here, and events of stored findings may be ones that are dropped here.
   */
  #compareReceipts(wanted: ExpectedAtSink["receipts"], isEarlier: ExpectedAtSink["isEarlier"]): void {
    let excused = [...this.#strangers].reduce(
      (sum, [likeness, count]) => sum + (this.#content.rested.has(likeness) ? count : 0),
      0,
    );
    let uncounted = this.#unfound.length;
    const found = new Map<string, number>();
    const seen = new Set<string>();
    for (const receipt of this.#content.receipts) {
      const identity = JSON.stringify([receipt.input, receipt.from, receipt.to, receiptKey(receipt)]);
      // A sink that keeps no ids may have one twice after a crash.
      if (receipt.sink === this.#sink && !seen.has(identity) && !isEarlier(receipt)) {
        seen.add(identity);
        found.set(receiptKey(receipt), (found.get(receiptKey(receipt)) ?? 0) + receipt.count);
      }
    }
    for (const [key, { count, pending, place }] of wanted) {
      const receipted = found.get(key) ?? 0;
      if (receipted < count && count - receipted <= excused) {
        excused -= count - receipted;
      } else if (receipted < count) {
        const message = `receipts account for ${receipted} of ${count} lines that were dropped as ${key}; the first stands here`;
        this.#tell("receipts-differ", place, message);
      } else if (receipted > count && receipted - count - pending <= uncounted) {
        uncounted -= Math.min(uncounted, receipted - count);
      } else if (receipted > count + pending && this.#strangers.size === 0) {
        this.#tell(
          "receipts-differ",
          place,
          `receipts account for ${receipted} lines, the inputs have ${count} dropped as ${key}`,
          "warning",
        );
      }
    }
    for (const [key, receipted] of found) {
      uncounted -= wanted.has(key) ? 0 : Math.min(uncounted, receipted);
    }
    const [first] = this.#unfound;
    if (uncounted > 0 && first !== undefined) {
      const message = `${uncounted} of ${this.#unfound.length} lines like this one are neither stored, as they are where a finding rests on them, nor accounted for by receipts`;
      this.#tell("missing", first, message);
    }
  }

  #keyOf(one: Expected): string {
    return this.#keeping.hasIds ? one.id : one.content;
  }

  #tell(
    kind: Discrepancy["kind"],
    place: Partial<Place> & { readonly file: string; readonly offset: number; readonly id?: string },
    message: string,
    severity: Discrepancy["severity"] = kind === "repeated" && this.#keeping.mayRepeat ? "warning" : "error",
  ): void {
    const { source, file, offset, id } = place;
    this.discrepancies.push({
      kind,
      severity,
      sink: this.#sink,
      ...(source !== undefined && { source }),
      file,
      offset,
      ...(id !== undefined && { id }),
      message,
    });
  }
}

function countIn(counts: Map<string, number>, key: string): number {
  const count = (counts.get(key) ?? 0) + 1;
  counts.set(key, count);
  return count;
}
