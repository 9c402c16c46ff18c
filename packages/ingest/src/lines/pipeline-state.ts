import { isJsonObject } from "@auditsieve/audit";
import type { JsonObject, JsonValue } from "@auditsieve/audit";
import type { Position } from "./ack-window.ts";
import { IngestError } from "../errors.ts";
import { decodeCounts, Ledger } from "./tally-ledger.ts";

/** One section of the checkpoint. `put` is durable with the next `save`, together with the position of the source. */
export interface StateSection {
  get(): JsonValue | undefined;
  put(value: JsonValue): void;
  save(): Promise<void>;
}

/** Where the receipts of an input end although the log itself does not say so: a stop, or a log that fell silent. */
export interface Cut {
  readonly input: string;
  readonly offset: number;
}

/** A stretch of an input whose receipts have gone to a sink. */
export interface CountedRange {
  readonly input: string;
  readonly sink: string;
  readonly from: number;
  readonly to: number;
}

const MAX_CUTS = 1000;
const MAX_RANGES = 10_000;

/**
 * What a pipeline remembers over a restart beside its source's position: the counters, cuts that are not passed yet, and ranges
 * that the position stands in although their receipts are stored, as it does where a kept line among them was slower.
 */
export class PipelineState {
  readonly ledger: Ledger;
  /** Whether this folder has never seen the pipeline: then no earlier run of it has delivered anything. */
  readonly isNew: boolean;
  /** Whether the run before has let go of everything: then nothing behind the position has gone to a sink. */
  readonly hasStopped: boolean;
  readonly #section: StateSection | undefined;
  #cuts: readonly Cut[];
  #ranges: readonly CountedRange[];
  /** Those of them that a restart must know. */
  #entered: readonly CountedRange[] = [];
  /** Where it is written what the detections remember at this position. */
  #detections: JsonValue | undefined;
  /** The same of the alarms that look at more than one event. */
  #watched: JsonValue | undefined;

  constructor(source: string, section: StateSection | undefined) {
    const saved = section?.get();
    if (saved !== undefined && !isJsonObject(saved)) {
      throw corrupt(source);
    }
    this.#section = section;
    this.isNew = section !== undefined && saved === undefined;
    this.hasStopped = saved === undefined || saved["stopped"] === true;
    this.ledger = new Ledger(decodeCounts(saved?.["counters"], source));
    this.#cuts = decodeCuts(saved, source);
    this.#ranges = decodeRanges(saved, source);
    this.#entered = this.#ranges;
    this.#detections = saved?.["detections"];
    this.#watched = saved?.["watched"];
  }

  /** Resolves when the next start would know that there was a run, and that it may not have come to its end. */
  async begin(): Promise<void> {
    this.#put();
    await this.#section?.save();
  }

  /** Everything that was read is acknowledged. Resolves when the next start would know. */
  async end(): Promise<void> {
    this.#put(true);
    await this.#section?.save();
  }

  /** The first cut of `input` behind `offset`, if an earlier run made one. */
  cutAfter(input: string, offset: number): number {
    return this.#cuts.find((cut) => cut.input === input && cut.offset > offset)?.offset ?? Infinity;
  }

  /** Up to where an earlier run has counted for `sink` what is dropped of `input` behind `offset`. */
  countedUntil(input: string, sink: string, offset: number): number {
    const range = this.#ranges.find(
      (each) => each.input === input && each.sink === sink && each.from < offset && each.to > offset,
    );
    return range?.to ?? offset;
  }

  /** The receipts of a range are about to go out. */
  note(range: CountedRange): void {
    this.#ranges = [...this.#ranges, range].slice(-MAX_RANGES);
  }

  /** Everything before `position` is acknowledged with the next save; `detections` and `watched` name what is remembered there. */
  pass({ input, offset, counts }: Position, detections?: JsonValue, watched?: JsonValue): void {
    this.#detections = detections;
    this.#watched = watched;
    this.ledger.add(counts);
    this.#cuts = this.#cuts.filter((cut) => cut.input !== input || cut.offset > offset);
    this.#ranges = this.#ranges.filter((range) => range.input !== input || range.to > offset);
    this.#entered = [
      ...this.#entered.filter((range) => range.input !== input),
      ...this.#ranges.filter((range) => range.input === input && range.from < offset),
    ].slice(-MAX_CUTS);
    this.#put();
  }

  /** Resolves when the cuts would survive a crash. */
  async cut(cuts: readonly Cut[]): Promise<void> {
    const fresh = cuts.filter(
      (cut) => !this.#cuts.some(({ input, offset }) => input === cut.input && offset === cut.offset),
    );
    // Those of inputs that are long done are never passed by name.
    this.#cuts = [...this.#cuts, ...fresh].slice(-MAX_CUTS);
    this.#put();
    await this.#section?.save();
  }

  #put(stopped = false): void {
    this.#section?.put({
      counters: this.ledger.totals(),
      ...(stopped && { stopped }),
      cuts: this.#cuts.map(({ input, offset }) => ({ input, offset })),
      ...(this.#detections !== undefined && { detections: this.#detections }),
      ...(this.#watched !== undefined && { watched: this.#watched }),
      ...(this.#entered.length > 0 && {
        counted: this.#entered.map(({ input, sink, from, to }) => ({ input, sink, from, to })),
      }),
    });
  }
}

function decodeCuts(saved: JsonObject | undefined, source: string): readonly Cut[] {
  const cuts = saved?.["cuts"] ?? [];
  if (!Array.isArray(cuts)) {
    throw corrupt(source);
  }
  return (cuts as readonly JsonValue[]).map((cut) => {
    if (isJsonObject(cut) && typeof cut["input"] === "string" && typeof cut["offset"] === "number") {
      return { input: cut["input"], offset: cut["offset"] };
    }
    throw corrupt(source);
  });
}

function decodeRanges(saved: JsonObject | undefined, source: string): readonly CountedRange[] {
  const ranges = saved?.["counted"] ?? [];
  if (!Array.isArray(ranges)) {
    throw corrupt(source);
  }
  return (ranges as readonly JsonValue[]).map((range) => {
    const { input, sink, from, to } = isJsonObject(range) ? range : {};
    if (typeof input === "string" && typeof sink === "string" && typeof from === "number" && typeof to === "number") {
      return { input, sink, from, to };
    }
    throw corrupt(source);
  });
}

function corrupt(source: string): IngestError {
  return new IngestError(
    "checkpoint-corrupt",
    `Cannot resume source "${source}": what the pipeline remembered is damaged`,
    {
      hint: "Restore the checkpoint from a backup; or move it away, and every log is read from its beginning again",
    },
  );
}
