import type { JsonValue } from "@auditsieve/audit";

const UNITS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

/** Milliseconds of a span as Sigma writes it, `15m`; undefined when it is none, or over `mostDays` days. */
export function timespanMs(value: JsonValue | undefined, mostDays: number): number | undefined {
  const [, digits, unit = ""] = typeof value === "string" ? (/^(\d{1,9})([smhdw])$/.exec(value) ?? []) : [];
  const span = Number(digits) * (UNITS[unit] ?? Number.NaN);
  return span <= mostDays * 86_400_000 ? span : undefined;
}
