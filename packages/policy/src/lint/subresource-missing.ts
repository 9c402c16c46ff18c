import { isLevelBelow } from "@auditsieve/audit";
import { evaluate } from "../evaluate.ts";
import { words } from "./describe-rule.ts";
import type { LintRule } from "./lint-rule.ts";
import { decidedWitness } from "../witness.ts";

/** Subresources that do what their resource is watched for; those with a body are worth no less than it. */
const SUBRESOURCES: Readonly<
  Record<string, readonly { readonly name: string; readonly verb: string; readonly hasBody: boolean }[]>
> = {
  pods: [
    { name: "ephemeralcontainers", verb: "patch", hasBody: true },
    { name: "exec", verb: "get", hasBody: false },
    { name: "attach", verb: "get", hasBody: false },
    { name: "portforward", verb: "get", hasBody: false },
    { name: "eviction", verb: "create", hasBody: false },
  ],
  serviceaccounts: [{ name: "token", verb: "create", hasBody: false }],
  nodes: [{ name: "proxy", verb: "get", hasBody: false }],
  services: [{ name: "proxy", verb: "get", hasBody: false }],
};

export const subresourceMissing: LintRule = {
  id: "subresource-missing",
  summary: "A rule for pods does not match pods/exec or pods/ephemeralcontainers: subresources must be named.",
  bad: '- level: Request\n  resources: [{group: "", resources: [pods]}]\n- level: Metadata',
  good: '- level: Request\n  resources: [{group: "", resources: [pods, pods/ephemeralcontainers]}]\n- level: Metadata',
  check: ({ policy }) =>
    policy.rules.flatMap((rule, index) => {
      const named = (rule.resources ?? []).flatMap(({ group = "", resources = [] }) => (group === "" ? resources : []));
      const missing = Object.entries(SUBRESOURCES).flatMap(([resource, subresources]) => {
        const verb = rule.verbs?.find((one) => one !== "deletecollection" && one !== "delete") ?? "create";
        const isDeciding = decidedWitness(policy, index, { verb, group: "", resource }) !== undefined;
        if (rule.level === "None" || !named.includes(resource) || !isDeciding) {
          return [];
        }
        return subresources.flatMap(({ name, verb: by, hasBody }) => {
          const witness = decidedWitness(policy, index, { verb, group: "", resource });
          const { level, rule: other } = evaluate(policy, { ...witness!, verb: by, subresource: name, name: "x" });
          const isLess = hasBody ? isLevelBelow(level, "Request") && isLevelBelow(level, rule.level) : level === "None";
          const where = other === null ? "no rule" : `rules[${other}]`;
          return isLess ? [{ name: `${resource}/${name}`, level, where }] : [];
        });
      });
      if (missing.length === 0) {
        return [];
      }
      const what = words(missing.map(({ name, level, where }) => `${name} is ${level} by ${where}`));
      const message = `Cannot see all that is done to ${words(Object.keys(SUBRESOURCES).filter((one) => named.includes(one)))} by rules[${index}] (${rule.level}): ${what}`;
      const hint = `Add ${words(missing.map(({ name }) => name))}, in a rule without verbs`;
      return [{ severity: "warning" as const, steps: ["rules", index, "resources"], message, hint }];
    }),
};
