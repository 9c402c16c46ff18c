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
