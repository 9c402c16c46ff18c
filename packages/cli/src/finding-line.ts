import { safeText } from "@auditsieve/detect/safe-text";
import type { Finding } from "@auditsieve/detect";
import { paintSeverity } from "./paint-severity.ts";
import { paint } from "./table.ts";

/** A finding as one line for people, everything from the log made safe to print. */
export function findingLine({ time, detection, summary }: Finding): string {
  return [
    safeText(time, 40),
    paintSeverity(detection.level, WIDEST),
    summary,
    paint("dim", `(${safeText(detection.title)})`),
  ].join("  ");
}

const WIDEST = "informational".length;
