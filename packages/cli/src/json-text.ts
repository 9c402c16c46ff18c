import { safeJson } from "@auditsieve/detect/safe-text";

/** A value as JSON in one line that may be printed: what comes out of a log may hold what acts on a terminal. */
export function jsonText(value: unknown): string {
  return safeJson(JSON.stringify(value));
}

/** The same with two spaces for each level. */
export function wideJson(value: unknown): string {
  return safeJson(JSON.stringify(value, undefined, 2));
}
