import type { RequestAttributes } from "@auditsieve/audit";
import { evaluate } from "../evaluate.ts";
import type { PolicyRule } from "../policy.ts";
import type { LintFinding, LintRule } from "./lint-rule.ts";
import { ruleContains } from "./rule-contains.ts";

export const failedLoginLost: LintRule = {
  id: "failed-login-lost",
  summary:
    "A failed login (401) has the stage ResponseStarted only, and no user: it matches no rule with users or groups.",
  bad: "- level: Metadata\n  omitStages: [RequestReceived, ResponseStarted]",
  good: "- level: Metadata\n  omitStages: [RequestReceived]",
  check: ({ policy }) => {
    const findings: LintFinding[] = [];
    if (policy.omitStages?.includes("ResponseStarted")) {
      findings.push(stageLost(["omitStages", policy.omitStages.indexOf("ResponseStarted")], "the policy"));
    }
    for (const [index, rule] of policy.rules.entries()) {
      const matchesAnyone = !rule.users?.length && !rule.userGroups?.length;
      const at = rule.omitStages?.indexOf("ResponseStarted") ?? -1;
      if (matchesAnyone && at !== -1 && rule.level !== "None") {
        findings.push(stageLost(["rules", index, "omitStages", at], `rules[${index}]`));
      }
    }
    const decision = TRIED_VERBS.map((verb) => evaluate(policy, { ...failedLogin, verb })).find(
      ({ level }) => level === "None",
    );
    if (decision) {
      const by = decision.rule === null ? "no rule matches one" : `rules[${decision.rule}] drops it`;
      findings.push({
        severity: "error",
        steps: decision.rule === null ? ["rules"] : ["rules", decision.rule],
        message: `Cannot see failed logins: ${by}, since a 401 has neither user nor groups`,
        hint:
          decision.rule === null
            ? "End with a rule that names no users and groups: - level: Metadata"
            : isCatchAll(policy.rules[decision.rule])
              ? "Let the last rule be: - level: Metadata"
              : "Name the users or groups whose requests are to be dropped",
      });
    }
    return findings;
  },
};

const TRIED_VERBS = ["list", "get", "watch", "create"];

/** What a bad token is tried on, if anything. */
const failedLogin: RequestAttributes = {
  user: undefined,
  verb: "list",
  isResourceRequest: true,
  apiGroup: "",
  apiVersion: "v1",
  resource: "pods",
  subresource: "",
  namespace: "default",
  name: "",
  path: "/api/v1/namespaces/default/pods",
};

function isCatchAll(rule: PolicyRule | undefined): boolean {
  return rule !== undefined && ruleContains(rule, { level: "None" });
}

function stageLost(steps: LintFinding["steps"], where: string): LintFinding {
  return {
    severity: "error",
    steps,
    message: `Cannot see failed logins: ${where} omits ResponseStarted, the only stage of a 401, and shows sessions and watches only at their end`,
    hint: "Omit RequestReceived only; to drop a watch's beginning, do it in a rule with verbs: [watch] and userGroups",
  };
}
