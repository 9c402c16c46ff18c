import { createRequire } from "node:module";
import { readYaml } from "@auditsieve/audit";
import type { Problem } from "@auditsieve/audit";
import { checkShape, list, object, oneOf, text } from "../generate/shape.ts";
import type { Shape } from "../generate/shape.ts";
import type { SimulationResult } from "./simulation-result.ts";

/** What is charged for one unit of audit log taken in, and where that is known from. */
export interface Price {
  readonly id: string;
  readonly name: string;
  readonly unit: "GB" | "GiB" | "million events";
  readonly price: number;
  readonly source: string;
  /** When the source said so: a year, a month or a day. */
  readonly date: string;
  readonly note?: string;
}

/** Prices as they were known on a day. */
export interface PriceTable {
  readonly asOf: string;
  readonly currency: string;
  readonly prices: readonly Price[];
  /** Where no trustworthy price was found. */
  readonly unpriced: readonly { readonly name: string; readonly why: string }[];
}

/** What {@link loadPriceTable} gives. */
export type LoadedPriceTable =
  | { readonly outcome: "loaded"; readonly table: PriceTable }
  | { readonly outcome: "refused"; readonly problems: readonly Problem[] };

/** A price applied to 30 days of a simulated log. */
export interface MonthlyCost {
  readonly price: Price;
  readonly before: number;
  readonly after: number;
}

/** The prices that we know of; each names its source and date. */
export const KNOWN_PRICES: PriceTable = createRequire(import.meta.url)("../../catalogue/prices.json") as PriceTable;

/**
 * Reads a price table from JSON or YAML of the shape of {@link PriceTable}.
 *
 * @example
 * const loaded = loadPriceTable(`
 * asOf: "2026-11-01"
 * currency: EUR
 * prices: [{ id: ours, name: Our contract, unit: GB, price: 0.2, source: contract, date: "2026-01" }]
 * unpriced: []`);
 * assert.equal(loaded.outcome, "loaded");
 */
export function loadPriceTable(source: string): LoadedPriceTable {
  const { documents, problems } = readYaml(source);
  const [document] = documents;
  if (problems.length > 0 || document === undefined) {
    return { outcome: "refused", problems: problems.length > 0 ? problems : [EMPTY] };
  }
  const found = checkShape(document, TABLE, "prices-shape");
  return found.length > 0
    ? { outcome: "refused", problems: found }
    : { outcome: "loaded", table: document.value as unknown as PriceTable };
}

/** What 30 days like the log would cost; nothing where the log is too short to say. */
export function monthlyCosts({ perDay }: SimulationResult, { prices }: PriceTable): readonly MonthlyCost[] {
  return perDay === undefined
    ? []
    : prices.map((price) => ({ price, before: monthly(price, perDay.before), after: monthly(price, perDay.after) }));
}

const DAYS = 30;
const UNIT_BYTES = { GB: 1e9, GiB: 2 ** 30 } as const;

function monthly(
  { unit, price }: Price,
  { events, bytes }: { readonly events: number; readonly bytes: number },
): number {
  const units = unit === "million events" ? events / 1e6 : bytes / UNIT_BYTES[unit];
  return Math.round(units * DAYS * price * 100) / 100;
}

const EMPTY: Problem = {
  id: "prices-empty",
  severity: "error",
  message: "Cannot read the prices: the file is empty",
  hint: "Write asOf, currency, prices and unpriced; `auditsieve policy simulate --help` says more",
};

const amount: Shape = (value, at, report) => {
  if (typeof value !== "number" || !Number.isFinite(value) || value < 0) {
    report(at, `a number of at least 0 is wanted, ${JSON.stringify(value)} is given`);
  }
};

const TABLE = object({
  asOf: text(),
  currency: text(),
  prices: list(
    object({
      id: text(),
      name: text(),
      unit: oneOf(["GB", "GiB", "million events"]),
      price: amount,
      source: text(),
      date: text(),
      "note?": text(),
    }),
    true,
  ),
  unpriced: list(object({ name: text(), why: text() }), true),
});
