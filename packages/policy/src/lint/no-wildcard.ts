import type { LintFinding, LintRule } from "./lint-rule.ts";

const FIELDS = ["verbs", "users", "userGroups", "namespaces"] as const;

export const noWildcard: LintRule = {
  id: "no-wildcard",
  summary: "verbs, users, userGroups, namespaces and resourceNames have no wildcards, and verbs are in lower case.",
  bad: '- level: Metadata\n  users: ["system:serviceaccount:ci:*"]\n- level: Metadata',
  good: '- level: Metadata\n  userGroups: ["system:serviceaccounts:ci"]\n- level: Metadata',
  check: ({ policy }) =>
    policy.rules.flatMap((rule, index) => [
      ...FIELDS.flatMap((field) =>
        (rule[field] ?? []).flatMap((value, at) => complaint(["rules", index, field, at], field, value)),
      ),
      ...(rule.resources ?? []).flatMap(({ resourceNames = [] }, entry) =>
        resourceNames.flatMap((value, at) =>
          complaint(["rules", index, "resources", entry, "resourceNames", at], "resourceNames", value),
        ),
      ),
    ]),
};

function complaint(
  steps: LintFinding["steps"],
  field: (typeof FIELDS)[number] | "resourceNames",
  value: string,
): LintFinding[] {
  const isUpperCase = field === "verbs" && value !== value.toLowerCase();
  if (!value.includes("*") && !isUpperCase) {
    return [];
  }
  const why = isUpperCase ? "verbs are compared in lower case" : `${field} has no wildcards`;
  return [
    {
      severity: "error",
      steps,
      message: `Cannot match anything by ${field} "${value}": ${why}`,
      hint: hint(field, value),
    },
  ];
}

function hint(field: string, value: string): string {
  const namespace = /^system:serviceaccount:([^:*]+):\*$/.exec(value)?.[1];
  if (namespace !== undefined) {
    return `Use userGroups: ["system:serviceaccounts:${namespace}"]`;
  }
  if (value.startsWith("system:serviceaccount:")) {
    return 'Use userGroups: ["system:serviceaccounts"]';
  }
  if (value.startsWith("system:node:")) {
    return 'Use userGroups: ["system:nodes"]';
  }
  return value === "*" ? `Leave ${field} out: then the rule matches any` : "Write each one out";
}
