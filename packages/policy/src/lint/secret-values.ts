import { isLevelBelow } from "@auditsieve/audit";
import type { Level } from "@auditsieve/audit";
import type { LintContext, LintFinding, LintRule } from "./lint-rule.ts";
import { decidedWitness } from "../witness.ts";
import type { WitnessRequest } from "../witness.ts";

export const secretValues: LintRule = {
  id: "secret-values",
  summary: "Above Metadata the log holds the values of secrets: of writes in the request, of reads in the answer.",
  bad: '- level: Request\n  resources: [{group: "", resources: [secrets, configmaps]}]\n- level: Metadata',
  good: '- level: Metadata\n  resources: [{group: "", resources: [secrets, configmaps]}]\n- level: Metadata',
  isDeclarable: true,
  check: (context) => [
    ...leaks(context, "the values of secrets", [
      ...["create", "update", "patch"].map((verb) => leak(verb, "", "secrets", "", "Metadata")),
      ...["get", "list", "delete", "deletecollection"].map((verb) => leak(verb, "", "secrets", "", "Request")),
    ]),
  ],
};

export const tokenValues: LintRule = {
  id: "token-values",
  summary: "A TokenReview's request and a TokenRequest's answer hold a token that works.",
  bad: '- level: RequestResponse\n  resources: [{group: "", resources: [serviceaccounts/token]}]\n- level: Metadata',
  good: '- level: Request\n  resources: [{group: "", resources: [serviceaccounts/token]}]\n- level: Metadata',
  isDeclarable: true,
  check: (context) => [
    ...leaks(context, "the tokens of token reviews", [
      { ...leak("create", "authentication.k8s.io", "tokenreviews", "", "Metadata"), isNamespaced: false },
    ]),
    ...leaks(context, "the tokens of service accounts", [leak("create", "", "serviceaccounts", "token", "Request")]),
  ],
};

/** A class of requests and the highest level that is safe for it. */
interface Leak extends WitnessRequest {
  readonly safe: Level;
}

function leak(verb: string, group: string, resource: string, subresource: string, safe: Level): Leak {
  return { verb, group, resource, subresource, safe };
}

function leaks({ policy }: LintContext, what: string, classes: readonly Leak[]): LintFinding[] {
  return policy.rules.flatMap((rule, index) => {
    const leaking = classes.filter(
      (one) => isLevelBelow(one.safe, rule.level) && decidedWitness(policy, index, one) !== undefined,
    );
    const [first] = leaking;
    if (first === undefined) {
      return [];
    }
    const verbs = leaking.map(({ verb }) => verb).join(", ");
    const resource = first.subresource ? `${first.resource}/${first.subresource}` : first.resource;
    const group = first.group === "" ? '""' : first.group;
    const safest = leaking.some(({ safe }) => safe === "Metadata") ? "Metadata" : first.safe;
    return [
      {
        severity: "error" as const,
        steps: ["rules", index, "level"],
        message: `Cannot keep ${what} out of the log: rules[${index}] records ${verbs} of ${resource} at ${rule.level}`,
        hint: `Put before it: {level: ${safest}, resources: [{group: ${group}, resources: ["${resource}"]}]}`,
      },
    ];
  });
}
