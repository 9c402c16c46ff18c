import type { JsonValue } from "@auditsieve/audit";

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const MAX_MS = 90 * 86_400_000;

/** Milliseconds of a span as Sigma writes it, `15m`; undefined when it is none, or over 90 days. */
export function timespanMs(value: JsonValue): number | undefined {
  const [, digits, unit = ""] = typeof value === "string" ? (/^(\d{1,7})([smhd])$/.exec(value) ?? []) : [];
  const span = Number(digits) * (UNITS[unit] ?? Number.NaN);
  return value === 0 ? 0 : span <= MAX_MS ? span : undefined;
}
