import type { Problem } from "@auditsieve/audit";
import { DateTime, Duration } from "luxon";

/** How {@link parseInstant} reads a time that does not say everything itself. */
export interface InstantContext {
  /** What relative times count back from. */
  readonly now: Date;
  /** IANA zone for times without an offset. */
  readonly zone: string;
}

/** A moment as audit events write it: UTC, six decimals; such texts compare as times do. */
export type Instant =
  | { readonly ok: true; readonly instant: string }
  | { readonly ok: false; readonly problem: Problem };

const DATED = /^\d{4}-\d\d-\d\d/;
/** Of a time of day: its offset, or a zone in brackets. */
const WITH_OFFSET = /T.*(?:z|[+-]\d\d(?::?\d\d)?|\])$/i;
const RELATIVE = /^-?(?:\d+(?:\.\d+)?[smhdw])+$/;
const UNITS = { s: "seconds", m: "minutes", h: "hours", d: "days", w: "weeks" } as const;

/**
 * Reads a moment as people type it: `2026-11-24T00:13:26.471919Z`, `2026-11-24 00:13`, `2026-11-24`, or relative to now,
 * `90m`, `1d12h` (a day is 24 hours). Microseconds count: audit events carry them. Without an offset a time of day that the zone's clocks
 * show twice or never is refused, for either choice may leave out an hour; a date begins with its first moment.
 *
 * @example
 * const context = { now: new Date("2026-11-24T12:00:00Z"), zone: "utc" };
 * const parsed = parseInstant("90m", context);
 * assert.deepEqual(parsed, { ok: true, instant: "2026-11-24T10:30:00.000000Z" });
 */
export function parseInstant(text: string, { now, zone }: InstantContext): Instant {
  const trimmed = text.trim();
  if (RELATIVE.test(trimmed)) {
    return timeAgo(trimmed, now);
  }
  const iso = trimmed.replace(/^(\d{4}-\d\d-\d\d) (?=\d)/, "$1T");
  const moment = DateTime.fromISO(iso, { zone });
  // Luxon would also take a bare hour, a year or a week.
  if (!moment.isValid || !DATED.test(trimmed)) {
    return refusal(
      `Cannot read the time "${text}": ${moment.invalidExplanation ?? "it has no form that is known"}`,
      moment.invalidReason === "unsupported zone" ? ZONES : FORMS,
    );
  }
  const [first = moment, second] = WITH_OFFSET.test(iso) ? [] : moment.getPossibleOffsets();
  if (!iso.includes("T")) {
    return { ok: true, instant: write(first, undefined) };
  }
  if (second !== undefined) {
    const [one, other] = [first, second].map((choice) => choice.toISO({ suppressMilliseconds: true }));
    return refusal(`Cannot read the time "${text}": clocks of ${zone} show it twice`, `Write ${one} or ${other}`);
  }
  const wanted = DateTime.fromISO(iso, { zone: "utc" });
  if (!WITH_OFFSET.test(iso) && (moment.hour !== wanted.hour || moment.minute !== wanted.minute)) {
    return refusal(
      `Cannot read the time "${text}": it is skipped by clocks of ${zone}`,
      `Write ${moment.toUTC().toISO({ suppressMilliseconds: true })} for the time that clocks would show without that change`,
    );
  }
  return { ok: true, instant: write(moment, /[.,](\d{1,9})/.exec(trimmed)?.[1]) };
}

function timeAgo(text: string, now: Date): Instant {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)([smhdw])/g)];
  const sums: Record<string, number> = {};
  for (const [, amount = "", unit = "s"] of parts) {
    const name = UNITS[unit as keyof typeof UNITS];
    sums[name] = (sums[name] ?? 0) + Number(amount);
  }
  // In UTC every day has 24 hours, wherever the command runs.
  const moment = DateTime.fromJSDate(now, { zone: "utc" }).minus(Duration.fromObject(sums));
  return moment.isValid && moment.year >= 0
    ? { ok: true, instant: write(moment, undefined) }
    : refusal(`Cannot read the time "${text}": it is longer ago than years are counted`, FORMS);
}

function refusal(message: string, hint: string): Instant {
  return { ok: false, problem: { id: "bad-time", severity: "error", message, hint } };
}

const FORMS = "Write 2026-11-24T00:13:26Z, 2026-11-24 00:13, 2026-11-24, or how long ago: 90m, 1d12h";
const ZONES = "Write the zone as utc, local, Europe/Zurich or UTC+2";

/**
 * What is wrong with a time zone that {@link parseInstant} could not read a time in; undefined where nothing is.
 *
 * @example
 * assert.equal(zoneProblem("Europe/Zurich"), undefined);
 * assert.match(zoneProblem("Mars")?.message ?? "", /"Mars"/);
 */
export function zoneProblem(zone: string): Problem | undefined {
  return DateTime.utc().setZone(zone).isValid
    ? undefined
    : {
        id: "bad-zone",
        severity: "error",
        message: `Cannot read the time zone "${zone}": there is none of that name`,
        hint: ZONES,
      };
}

/** Luxon ends at milliseconds; `fraction` is what was written behind the seconds. */
function write(moment: DateTime, fraction: string | undefined): string {
  const utc = moment.toUTC();
  const digits = fraction ?? String(utc.millisecond).padStart(3, "0");
  return `${utc.toFormat("yyyy-MM-dd'T'HH:mm:ss")}.${digits.slice(0, 6).padEnd(6, "0")}Z`;
}
