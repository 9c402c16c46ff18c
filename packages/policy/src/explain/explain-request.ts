import type { RequestAttributes } from "@auditsieve/audit";
import { evaluate } from "../evaluate.ts";
import type { Decision } from "../evaluate.ts";
import type { Policy } from "../policy.ts";
import { writtenOf } from "./recorded-bodies.ts";
import type { Written } from "./recorded-bodies.ts";
import { ruleMismatch } from "./rule-mismatch.ts";
import type { RuleMismatch } from "./rule-mismatch.ts";

/** Why a policy records a request as it does. */
export interface Explanation {
  readonly request: RequestAttributes;
  readonly decision: Decision;
  /** The rules before the one that decides, in order: what each wants that the request has not. */
  readonly passed: readonly (RuleMismatch & { readonly rule: number })[];
  readonly written: Written;
}

/**
 * Explains what a policy makes of a request: the rule that decides, why none of the earlier ones does, and what is
 * really in the log.
 *
 * @example
 * const policy = { rules: [{ level: "None", verbs: ["watch"] }, { level: "RequestResponse" }] };
 * const request = {
 *   user: { name: "ann", groups: ["system:authenticated"] }, verb: "get", isResourceRequest: true, path: "",
 *   apiGroup: "", apiVersion: "v1", resource: "pods", subresource: "exec", namespace: "prod", name: "web",
 * };
 * const { decision, passed, written } = explainRequest(policy, request);
 * assert.deepEqual([decision.rule, passed[0].field], [1, "verbs"]);
 * assert.equal(written.responseObject.isWritten, false);
 */
export function explainRequest(policy: Policy, request: RequestAttributes): Explanation {
  const decision = evaluate(policy, request);
  const passed = policy.rules.slice(0, decision.rule ?? policy.rules.length).map((rule, index) => {
    const mismatch = ruleMismatch(rule, request);
    if (mismatch === undefined) {
      throw new Error(`Expected rule ${index} not to match ${JSON.stringify(request)}`);
    }
    return { rule: index, ...mismatch };
  });
  return { request, decision, passed, written: writtenOf(request, decision) };
}
