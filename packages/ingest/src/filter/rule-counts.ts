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

interface DecisionCount {
  events: number;
  bytes: number;
}

/** Counts events by what was decided of them. */
export class RuleCounts {
  readonly #byDecision = new Map<StreamDecision, DecisionCount>();

  /** So many events more, and their bytes: all of them where they were dropped, else those that were cut out. */
  add(decision: StreamDecision, bytes: number, events = 1): void {
    const count = this.#byDecision.get(decision);
    if (count === undefined) {
      this.#byDecision.set(decision, { events, bytes });
    } else {
      count.events += events;
      count.bytes += bytes;
    }
  }

  /** The counts of rules, in their order. */
  byRule(): RuleCount[] {
    return countByRule(this.#byDecision);
  }
}

function countByRule(byDecision: ReadonlyMap<StreamDecision, DecisionCount>): RuleCount[] {
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
