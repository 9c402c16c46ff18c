import { attributesOf, readYaml } from "@auditsieve/audit";
import type { Position } from "@auditsieve/audit";
import { evaluate } from "./evaluate.ts";
import type { ProfileCase } from "./generate/profile-cases.ts";
import type { Policy } from "./policy.ts";

/** What became of one case. */
export type CaseResult =
  | { readonly outcome: "passed" }
  | { readonly outcome: "failed"; readonly reason: string }
  /** It asks for what a policy by itself has not. */
  | { readonly outcome: "skipped"; readonly reason: string };

/**
 * Places of the cases in the text that they were loaded from, in their order.
 *
 * @example
 * const [place] = casePositions("cases:\n  - { request: get /livez, level: None, why: a probe }\n");
 * assert.deepEqual(place, { line: 2, column: 5 });
 */
export function casePositions(source: string): readonly (Position | undefined)[] {
  const [document] = readYaml(source).documents;
  const cases = (document?.value as { readonly cases?: readonly unknown[] } | undefined)?.cases ?? [];
  return cases.map((_, index) => document?.locate(["cases", index]));
}

/**
 * Runs a case against a policy that stands for itself, as the policies of others do. It has no parameters, so that a
 * case that sets one is skipped; a rule is named by its index (`rules[3]`), and a profile's name for it is passed over.
 *
 * @example
 * const policy = { rules: [{ level: "Metadata" }] };
 * const result = runPolicyCase(policy, { request: "get /livez", user: "ann", level: "None", why: "a probe" });
 * assert.equal(result.reason, "get /livez is Metadata by rules[0]: None is wanted");
 */
export function runPolicyCase(policy: Policy, { request, ...expected }: ProfileCase): CaseResult {
  if (Object.keys(expected.set ?? {}).length > 0) {
    return {
      outcome: "skipped",
      reason: `it sets ${Object.keys(expected.set ?? {}).join(", ")}, which a policy has not`,
    };
  }
  const [verb = "", requestURI = ""] = request.split(" ");
  const groups = expected.groups ?? ["system:authenticated"];
  const decision = evaluate(policy, attributesOf({ requestURI, verb, username: expected.user, groups }));
  const rule = decision.rule === null ? "no rule" : `rules[${decision.rule}]`;
  const wantedRule = /^rules\[\d+\]$/.test(expected.rule ?? "") ? expected.rule : undefined;
  if (decision.level !== expected.level || (wantedRule !== undefined && wantedRule !== rule)) {
    const by = wantedRule === undefined ? "" : ` by ${wantedRule}`;
    return failed(`${request} is ${decision.level} by ${rule}: ${expected.level}${by} is wanted`);
  }
  const lost = (expected.writes ?? []).filter((stage) => decision.omitStages.includes(stage));
  if (lost.length > 0) {
    return failed(`${request} loses the stage ${lost.join(" and ")} by ${rule}`);
  }
  return (expected.omitManagedFields ?? decision.omitManagedFields) === decision.omitManagedFields
    ? { outcome: "passed" }
    : failed(`${request} has omitManagedFields ${decision.omitManagedFields} by ${rule}`);
}

function failed(reason: string): CaseResult {
  return { outcome: "failed", reason };
}
