import type { Severity } from "@auditsieve/detect";
import { paint } from "./table.ts";

const STYLES = { critical: "magenta", high: "red", medium: "yellow", low: "cyan", informational: "dim" } as const;

/** A severity in its colour, padded to `width` characters. */
export function paintSeverity(severity: Severity, width = 0): string {
  return paint(STYLES[severity], severity.padEnd(width));
}
