import type { FieldPath } from "../condition/field-path.ts";

/** Sigma's kinds of correlation. */
export const CORRELATION_TYPES = [
  "event_count",
  "value_count",
  "temporal",
  "temporal_ordered",
  "value_sum",
  "value_avg",
  "value_percentile",
] as const;
/** What a correlation counts or compares within its window. */
export type CorrelationType = (typeof CORRELATION_TYPES)[number];

/** The comparisons of a correlation's condition; all must hold. */
export interface Threshold {
  readonly gt?: number;
  readonly gte?: number;
  readonly lt?: number;
  readonly lte?: number;
  readonly eq?: number;
  readonly neq?: number;
}

/** A field as a correlation names it: what to read in the events of every detection, and what in those of one. */
export interface CorrelationField {
  readonly name: string;
  readonly paths: readonly FieldPath[];
  /** Fields that an alias gives for single detections, by their ids or names. */
  readonly perDetection: ReadonlyMap<string, readonly FieldPath[]>;
  /** Whether an event without the field has the empty text there; else it has no value. */
  readonly isOptional?: boolean;
}

/** The `correlation` part of a Sigma document: detections that tell more together. */
export interface Correlation {
  readonly type: CorrelationType;
  /** Ids or names of detections and correlations, in their order. */
  readonly rules: readonly string[];
  /** Line of these names in the file. */
  readonly line?: number;
  readonly groupBy: readonly CorrelationField[];
  readonly timespanMs: number;
  readonly threshold: Threshold;
  /** What value_* types read. */
  readonly fields: readonly CorrelationField[];
  /** Of value_percentile: 0 to 100. */
  readonly percentile: number;
  /** Whether the detections that it names give findings of their own too. */
  readonly generate: boolean;
}

/** Whether numbers are measured: then equal ones count each. */
export function isMeasured(type: CorrelationType): boolean {
  return type === "value_sum" || type === "value_avg" || type === "value_percentile";
}

/** Whether `value` satisfies every comparison. */
export function meets(value: number, { gt, gte, lt, lte, eq, neq }: Threshold): boolean {
  return (
    (gt === undefined || value > gt) &&
    (gte === undefined || value >= gte) &&
    (lt === undefined || value < lt) &&
    (lte === undefined || value <= lte) &&
    (eq === undefined || value === eq) &&
    (neq === undefined || value !== neq)
  );
}

/** Whether what meets the condition once still meets it when more is counted: then nothing has to be waited for. */
export function isSettledEarly({ type, threshold: { lt, lte, eq, neq } }: Correlation): boolean {
  const isOpen = lt === undefined && lte === undefined && eq === undefined && neq === undefined;
  return isOpen && type !== "value_avg" && type !== "value_percentile";
}

/** Where the field stands in events of this detection, which may have names of its own for it. */
export function pathsOf(
  field: CorrelationField,
  { id, name }: { readonly id: string; readonly name?: string },
): readonly FieldPath[] {
  return field.perDetection.get(id) ?? field.perDetection.get(name ?? "") ?? field.paths;
}
