import type { LintRule } from "./lint-rule.ts";

export const logsNothing: LintRule = {
  id: "logs-nothing",
  summary:
    "A policy of None switches auditing off, though the apiserver's flags say that it is on and benchmarks are content.",
  bad: "- level: None",
  good: "- level: Metadata",
  check: ({ policy }) =>
    policy.rules.every(({ level }) => level === "None")
      ? [
          {
            severity: "error",
            steps: ["rules"],
            message: "Cannot record anything: every rule is None, so the audit log stays empty",
            hint: "Generate a policy: auditsieve policy generate",
          },
        ]
      : [],
};
