import type { LineProblem } from "./filter-options.ts";

/** A line in hand of so many bytes may become too long: far below the limit, far above an event. */
export const LONG_BYTES: number = 2 * 1024 * 1024;
const DEFAULT_LIMIT = 16 * 1024 * 1024;

/** What is said of a line that is too long to be decided. */
export function longLineProblem(
  line: number,
  offset: number,
  bytes: number,
  limit: number = DEFAULT_LIMIT,
): LineProblem {
  return {
    line,
    offset,
    problem: {
      id: "line-too-long",
      severity: "warning",
      message: `Cannot decide a line of ${bytes} bytes: at most ${limit} are read`,
      hint: "It is kept; look at it apart, an apiserver rarely writes more than a few MB",
    },
    salvaged: 0,
  };
}
