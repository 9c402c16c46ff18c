import { safeJson } from "@auditsieve/detect/safe-text";

/** A value as JSON that may be printed: what comes out of a log may hold what acts on a terminal. With two spaces for each level where it `isWide`. */
export function jsonText(value: unknown, isWide = false): string {
  return safeJson(JSON.stringify(value, undefined, isWide ? 2 : undefined));
}
