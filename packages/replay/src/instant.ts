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
const RELATIVE = /^-?(?:\d+(?:\.\d+)?[smhdw])+$/;
const UNITS = { s: "seconds", m: "minutes", h: "hours", d: "days", w: "weeks" } as const;

/**
 * Reads a moment as people type it: `2026-11-24T00:13:26.471919Z`, `2026-11-24 00:13`, `2026-11-24`, or relative to now,
 * `90m`, `1d12h`. Microseconds count: audit events carry them.
 *
 * @example
 * const context = { now: new Date("2026-11-24T12:00:00Z"), zone: "utc" };
 * const parsed = parseInstant("90m", context);
 * assert.deepEqual(parsed, { ok: true, instant: "2026-11-24T10:30:00.000000Z" });
 */
export function parseInstant(text: string, { now, zone }: InstantContext): Instant {
  const trimmed = text.trim();
  if (RELATIVE.test(trimmed)) {
    const parts = [...trimmed.matchAll(/(\d+(?:\.\d+)?)([smhdw])/g)];
    const sums: Record<string, number> = {};
    for (const [, amount = "", unit = "s"] of parts) {
      const name = UNITS[unit as keyof typeof UNITS];
      sums[name] = (sums[name] ?? 0) + Number(amount);
    }
    return { ok: true, instant: write(DateTime.fromJSDate(now).minus(Duration.fromObject(sums)), undefined) };
  }
  const moment = DateTime.fromISO(trimmed.replace(/^(\d{4}-\d\d-\d\d) (?=\d)/, "$1T"), { zone });
  // Luxon would also take a bare hour, a year or a week.
  if (!moment.isValid || !DATED.test(trimmed)) {
    return {
      ok: false,
      problem: {
        id: "bad-time",
        severity: "error",
        message: `Cannot read the time "${text}": ${moment.invalidExplanation ?? "it has no form that is known"}`,
        hint:
          moment.invalidReason === "unsupported zone"
            ? ZONES
            : "Write 2026-11-24T00:13:26Z, 2026-11-24 00:13, 2026-11-24, or how long ago: 90m, 1d12h",
      },
    };
  }
  return { ok: true, instant: write(moment, /[.,](\d{1,9})/.exec(trimmed)?.[1]) };
}

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
