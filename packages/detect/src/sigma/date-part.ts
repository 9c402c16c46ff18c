import type { JsonValue } from "@auditsieve/audit";

/** A number that stands in a date; the modifiers of the same names compare with it. */
export type DatePart = "minute" | "hour" | "day" | "week" | "month" | "year";

const PARTS: Readonly<Record<DatePart, (date: Date) => number>> = {
  minute: (date: Date) => date.getUTCMinutes(),
  hour: (date: Date) => date.getUTCHours(),
  day: (date: Date) => date.getUTCDate(),
  week: isoWeek,
  month: (date: Date) => date.getUTCMonth() + 1,
  year: (date: Date) => date.getUTCFullYear(),
};

/** The least and the largest number that stands there in a date of our time. */
export const DATE_PART_RANGES: Readonly<Record<DatePart, readonly [number, number]>> = {
  minute: [0, 59],
  hour: [0, 23],
  day: [1, 31],
  week: [1, 53],
  month: [1, 12],
  year: [1970, 9999],
};

export function isDatePart(name: string): name is DatePart {
  return Object.hasOwn(PARTS, name);
}

/** The part of a timestamp, in UTC as audit logs are; undefined when `value` is none. */
export function datePartOf(value: JsonValue, part: DatePart): number | undefined {
  if (typeof value !== "string" || !/^\d{4}-\d{2}-\d{2}(?:T|$)/.test(value) || value.length > 64) {
    return undefined;
  }
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? undefined : PARTS[part](date);
}

const DAY_MS = 86_400_000;

/** ISO 8601: a week belongs to the year that its Thursday is in. */
function isoWeek(date: Date): number {
  const day = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate());
  const thursday = new Date(day + (3 - ((date.getUTCDay() + 6) % 7)) * DAY_MS);
  return Math.floor((thursday.getTime() - Date.UTC(thursday.getUTCFullYear(), 0, 1)) / (7 * DAY_MS)) + 1;
}
