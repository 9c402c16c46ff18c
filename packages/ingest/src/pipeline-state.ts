import { isJsonObject } from "@auditsieve/audit";
import type { JsonObject, JsonValue } from "@auditsieve/audit";
import type { Position } from "./ack-window.ts";
import { IngestError } from "./errors.ts";
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

const MAX_CUTS = 1000;

/** What a pipeline remembers over a restart beside its source's position: the counters, and cuts that are not passed yet. */
export class PipelineState {
  readonly ledger: Ledger;
  readonly #section: StateSection | undefined;
  #cuts: readonly Cut[];

  constructor(source: string, section: StateSection | undefined) {
    const saved = section?.get();
    if (saved !== undefined && !isJsonObject(saved)) {
      throw corrupt(source);
    }
    this.#section = section;
    this.ledger = new Ledger(decodeCounts(saved?.["counters"], source));
    this.#cuts = decodeCuts(saved, source);
  }

  /** The first cut of `input` behind `offset`, if an earlier run made one. */
  cutAfter(input: string, offset: number): number {
    return this.#cuts.find((cut) => cut.input === input && cut.offset > offset)?.offset ?? Infinity;
  }

  /** Everything before `position` is acknowledged with the next save. */
  pass({ input, offset, counts }: Position): void {
    this.ledger.add(counts);
    this.#cuts = this.#cuts.filter((cut) => cut.input !== input || cut.offset > offset);
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

  #put(): void {
    this.#section?.put({
      counters: this.ledger.totals(),
      cuts: this.#cuts.map(({ input, offset }) => ({ input, offset })),
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

function corrupt(source: string): IngestError {
  return new IngestError(
    "checkpoint-corrupt",
    `Cannot resume source "${source}": what the pipeline remembered is damaged`,
    {
      hint: "Restore the checkpoint from a backup; or move it away, and every log is read from its beginning again",
    },
  );
}
