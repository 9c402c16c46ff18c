import type { AuditEvent } from "@auditsieve/audit";
import type { Expression, Leaf } from "./condition/expression.ts";
import type { Detection } from "./definition/detection.ts";
import type { Outcome } from "./detection-engine.ts";
import { evaluateCase } from "./evaluate-case.ts";

/** What one selection says of an event. */
export interface ExplainedSelection {
  /** The detection that it is of. */
  readonly detection: Detection;
  readonly name: string;
  readonly outcome: Outcome;
  /** What in it comes out the same and is why, in the order of the document; a list of maps holds by any of them. */
  readonly by: readonly string[];
}

/**
 * What each selection of a detection says of `event`, when the log held the events of `before`: why {@link evaluateCase} says what it says.
 * Of a correlation, the selections of what it rests on; where only what was there before decides, `first-seen` stands behind them.
 *
 * @example
 * const { detections: [detection] } = loadDetections(`
 * title: Nodes deleted
 * id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10
 * level: medium
 * logsource: { product: kubernetes, service: audit }
 * detection:
 *   deletion: { verb: delete, objectRef.resource: nodes }
 *   filter: { user.username: autoscaler }
 *   condition: deletion and not filter
 * `, "nodes-deleted.yml");
 * const event = { level: "Metadata", auditID: "a", stage: "ResponseComplete", requestURI: "/api/v1/nodes/n", verb: "get",
 *   user: { username: "autoscaler" }, objectRef: { resource: "nodes", name: "n" } };
 * assert.deepEqual(explainCase(detection, event).map(({ name, outcome, by }) => [name, outcome, by]), [
 *   ["deletion", "miss", ["verb"]],
 *   ["filter", "hit", ["user.username"]],
 * ]);
 */
export function explainCase(
  detection: Detection,
  event: AuditEvent,
  before: readonly AuditEvent[] = [],
): readonly ExplainedSelection[] {
  return (detection.restsOn ?? [detection]).flatMap((one) => {
    const ask = (condition: Expression): Outcome => {
      const { firstSeen: _firstSeen, exceptions: _exceptions, ...stateless } = one;
      return evaluateCase({ ...stateless, condition }, event, before);
    };
    const selections = [...(one.selections ?? [])].map(([name, condition]) => {
      const outcome = ask(condition);
      const by = leavesOf(condition).filter((leaf) => ask(leaf) === outcome);
      return { detection: one, name, outcome, by: [...new Set(by.map(nameOf))] };
    });
    const { condition, firstSeen } = one;
    if (firstSeen === undefined || ask(condition) !== "hit") {
      return selections;
    }
    const by = firstSeen.fields.map(({ name }) => name);
    return [...selections, { detection: one, name: "first-seen", outcome: evaluateCase(one, event, before), by }];
  });
}

/** Of a `not` the whole: what is inside of it comes out the other way round. */
function leavesOf(expression: Expression): readonly Exclude<Expression, { readonly kind: "and" | "or" }>[] {
  return expression.kind === "and" || expression.kind === "or" ? expression.of.flatMap(leavesOf) : [expression];
}

function nameOf(leaf: Leaf | Extract<Expression, { kind: "not" }>): string {
  if (leaf.kind === "not") {
    return leavesOf(leaf.of).map(nameOf).join(", ");
  }
  return leaf.kind === "keyword" ? "keywords" : leaf.field.text;
}
