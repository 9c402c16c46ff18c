import { median } from "./measure.ts";
import type { Measured } from "./measure.ts";

/** What one part measured. */
export interface Section {
  readonly title: string;
  readonly note: string;
  readonly runs: number;
  readonly measured: readonly Measured[];
}

/** Megabytes per second of user CPU. */
export function speedOf({ bytes, userSeconds }: Measured): number {
  return bytes / 1e6 / median(userSeconds);
}

/** How much more of the same log the long parts read. */
export const TIMES_LONGER = 4;

/** The title of the section about more of the log that has this one. */
export function longerTitle(title: string): string {
  return `${title}, ${TIMES_LONGER} times as long`;
}
