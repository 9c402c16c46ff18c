import { isJsonObject } from "@auditsieve/audit";
import type { JsonValue } from "@auditsieve/audit";
import { IngestError } from "../errors.ts";

/** Counts by column of a {@link Ledger}; holes are zeros. */
export type Counts = number[];

/**
 * The counters of everything that is acknowledged, over all runs: kept in the checkpoint beside the position that they belong
 * to, so that they sum exactly whatever crash came between. Columns are named `lines`, `elasticsearch/delivered`,
 * `elasticsearch/dropped/3`.
 */
export class Ledger {
  readonly #columns = new Map<string, number>();
  readonly #names: string[] = [];
  readonly #totals: number[] = [];

  constructor(base: Readonly<Record<string, number>> = {}) {
    for (const [name, count] of Object.entries(base)) {
      this.#totals[this.column(name)] = count;
    }
  }

  column(name: string): number {
    const known = this.#columns.get(name);
    if (known !== undefined) {
      return known;
    }
    const column = this.#names.push(name) - 1;
    this.#columns.set(name, column);
    this.#totals[column] = 0;
    return column;
  }

  add(counts: Counts): void {
    addTo(this.#totals, counts);
  }

  /** All counters that are not zero. */
  totals(): Readonly<Record<string, number>> {
    const entries = this.#names.map((name, column) => [name, this.#totals[column] ?? 0] as const);
    return Object.fromEntries(entries.filter(([, count]) => count !== 0));
  }
}

export function addTo(sum: Counts, counts: Counts): void {
  for (let column = 0; column < counts.length; column++) {
    const count = counts[column];
    if (count !== undefined) {
      sum[column] = (sum[column] ?? 0) + count;
    }
  }
}

export function countIn(counts: Counts, column: number, by = 1): void {
  counts[column] = (counts[column] ?? 0) + by;
}

/** Reads what a checkpoint holds; undefined there means that nothing was counted yet. */
export function decodeCounts(value: JsonValue | undefined, source: string): Readonly<Record<string, number>> {
  if (value === undefined) {
    return {};
  }
  if (isJsonObject(value)) {
    const entries = Object.entries(value);
    const counts = entries.filter((entry): entry is [string, number] => Number.isSafeInteger(entry[1]));
    if (counts.length === entries.length) {
      return Object.fromEntries(counts);
    }
  }
  throw new IngestError("checkpoint-corrupt", `Cannot resume source "${source}": its counters are no numbers`, {
    hint: "Restore the checkpoint from a backup; or move it away, and every log is read from its beginning again",
  });
}
