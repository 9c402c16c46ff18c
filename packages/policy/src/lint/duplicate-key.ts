import type { LintRule } from "./lint-rule.ts";

const YAML_DUPLICATE = /line (\d+): key (.*) already set in map/g;

export const duplicateKey: LintRule = {
  id: "duplicate-key",
  summary: "Of a key that is set twice the last one wins.",
  bad: "- level: None\n  users: [robot]\n  verbs: [list]\n  verbs: [watch]\n- level: Metadata",
  good: "- level: None\n  users: [robot]\n  verbs: [list, watch]\n- level: Metadata",
  check: ({ strict }) => [
    ...[...(strict?.strictError ?? "").matchAll(YAML_DUPLICATE)].map(([, line, key]) => ({
      severity: "error" as const,
      steps: [],
      message: `Cannot set the key ${key} twice in one object: the one in line ${line} comes second and the last wins`,
      hint: "Join the two, or remove one",
    })),
    ...(strict?.fields ?? [])
      .filter(({ kind }) => kind === "duplicate field")
      .map(({ steps, path }) => ({
        severity: "error" as const,
        steps,
        atKey: true,
        message: `Cannot set ${path} twice: the last one wins`,
        hint: "Join the two, or remove one",
      })),
  ],
};
