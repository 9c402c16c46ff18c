import type { Need } from "@auditsieve/audit";
import type { Expression } from "../condition/expression.ts";
import type { Correlation } from "./correlation.ts";
import type { DetectionException } from "./detection-exception.ts";
import type { FirstSeen } from "./first-seen-condition.ts";

/** Sigma's words for how bad a finding is, least first. Sigma's key for it is `level`. */
export const SEVERITIES = ["informational", "low", "medium", "high", "critical"] as const;
/** How bad a finding of a detection is. */
export type Severity = (typeof SEVERITIES)[number];

/** A Sigma document, loaded and compiled. Make one with {@link loadDetections}. */
export interface Detection {
  readonly id: string;
  /** By which filters and correlations may name it beside the id. */
  readonly name?: string;
  readonly title: string;
  readonly severity: Severity;
  readonly status?: string;
  readonly description?: string;
  readonly references: readonly string[];
  readonly tags: readonly string[];
  /** ATT&CK techniques of the tags, as MITRE writes them: `T1552.007`. */
  readonly techniques: readonly string[];
  readonly falsePositives: readonly string[];
  /** What to do about a finding, step by step. */
  readonly runbook: readonly string[];
  /** The file it was loaded from, as given to the loader. */
  readonly file: string;
  /** The line of its id there, counted from one; undefined where its text was not read. */
  readonly line?: number;
  /** Hash of all that decides what it finds: what another one has remembered is not its own. */
  readonly fingerprint?: string;
  /** What the log must hold for every kind of hit; derived from the condition. */
  readonly needs: readonly Need[];
  /** The compiled condition; its form may change. That of a correlation no event satisfies. */
  readonly condition: Expression;
  /** What the condition is made of, by the names that the document gives; undefined where the document was prepared, and of a correlation. */
  readonly selections?: ReadonlyMap<string, Expression>;
  /** The fields that the condition reads, where that is known without compiling it. */
  readonly reads?: ReadonlySet<string>;
  /** Set when it finds only what it has not seen before. */
  readonly firstSeen?: FirstSeen;
  /** Set when it detects by the findings of others, over time. */
  readonly correlation?: Correlation;
  /** Of a correlation: the detections of single events that it rests on, over any number of others. */
  readonly restsOn?: readonly Detection[];
  /** What it is excused from, in the order of their files. */
  readonly exceptions?: readonly DetectionException[];
}

/**
 * Whether `a` is less bad than `b`.
 *
 * @example
 * assert.equal(isSeverityBelow("medium", "high"), true);
 */
export function isSeverityBelow(a: Severity, b: Severity): boolean {
  return SEVERITIES.indexOf(a) < SEVERITIES.indexOf(b);
}
