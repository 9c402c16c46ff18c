import type { LintRule } from "./lint-rule.ts";

export const starCoversParent: LintRule = {
  id: "star-covers-parent",
  summary: "pods/* matches pods too, though it reads like the subresources only.",
  bad: '- level: None\n  users: [robot]\n  verbs: [patch]\n  resources: [{group: "", resources: ["nodes/*"]}]\n- level: Metadata',
  good: '- level: None\n  users: [robot]\n  verbs: [patch]\n  resources: [{group: "", resources: [nodes/status]}]\n- level: Metadata',
  check: ({ policy }) =>
    policy.rules.flatMap((rule, index) =>
      (rule.resources ?? []).flatMap(({ resources = [] }, entry) =>
        resources.flatMap((pattern, at) => {
          const name = pattern.endsWith("/*") ? pattern.slice(0, -2) : "";
          if (name === "" || name === "*" || resources.includes(name)) {
            return [];
          }
          return [
            {
              severity: "info" as const,
              steps: ["rules", index, "resources", entry, "resources", at],
              message: `Cannot leave ${name} out by "${pattern}": it matches ${name} itself and all below it`,
              hint: `Name the subresources, or write ${name} beside it if it is meant`,
            },
          ];
        }),
      ),
    ),
};
