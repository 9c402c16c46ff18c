import type { Severity } from "@auditsieve/detect";

/** Points of one detection, whatever the number of its findings: a hundred times the same is one habit. */
export const SEVERITY_POINTS: Readonly<Record<Severity, number>> = {
  critical: 60,
  high: 30,
  medium: 10,
  low: 2,
  informational: 0,
};
/** A deed that was refused is one that the actor had no right to. */
export const REFUSED_FACTOR = 2;
