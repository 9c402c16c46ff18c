import type { Level } from "@auditsieve/audit";
import type { StreamDecision } from "@auditsieve/policy/stream";

/** What one rule did; `rule` is its index, null stands for no rule matching. */
export interface RuleCount {
  readonly rule: number | null;
  /** Level of the rule's decision: None for dropped events. */
  readonly level: Level;
  readonly dropped: number;
  readonly stripped: number;
  /** Bytes of the events dropped, and bytes cut out of those stripped. */
  readonly bytes: number;
}

/** Events that were decided alike, and their bytes. */
export interface DecisionCount {
  events: number;
  bytes: number;
}

/** The counts of rules, in their order. */
export function countByRule(byDecision: ReadonlyMap<StreamDecision, DecisionCount>): RuleCount[] {
  const sums = new Map<
    string,
    { rule: number | null; level: Level; dropped: number; stripped: number; bytes: number }
  >();
  for (const [{ action, rule, level }, { events, bytes }] of byDecision) {
    const key = `${rule}/${level}`;
    const sum = sums.get(key) ?? { rule, level, dropped: 0, stripped: 0, bytes: 0 };
    sum.bytes += bytes;
    sum[action === "drop" ? "dropped" : "stripped"] += events;
    sums.set(key, sum);
  }
  // What no rule matched comes last.
  return [...sums.values()].sort((a, b) => (a.rule ?? Infinity) - (b.rule ?? Infinity));
}
