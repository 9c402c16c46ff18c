import type { LintRule } from "./lint-rule.ts";

export const deadResource: LintRule = {
  id: "dead-resource",
  summary: "Patterns of resources that match nothing, above all */*.",
  bad: '- level: Request\n  resources:\n  - group: apps\n    resources: ["*/*"]\n- level: Metadata',
  good: '- level: Request\n  resources:\n  - group: apps\n    resources: ["*"]\n- level: Metadata',
  check: ({ policy }) =>
    policy.rules.flatMap((rule, index) =>
      (rule.resources ?? []).flatMap(({ resources = [] }, entry) =>
        resources.flatMap((pattern, at) => {
          const hint = hintFor(pattern);
          const steps = ["rules", index, "resources", entry, "resources", at];
          const message = `Cannot match anything by the resource "${pattern}"`;
          return hint === undefined ? [] : [{ severity: "error" as const, steps, message, hint }];
        }),
      ),
    ),
};

/** What to write instead, or undefined for a pattern that can match. */
function hintFor(pattern: string): string | undefined {
  if (pattern === "*/*") {
    return 'Use "*": it covers subresources too';
  }
  const [name = "", ...rest] = pattern.split("/");
  if (pattern === "" || name === "" || rest.includes("")) {
    return "Write resource, resource/subresource, */subresource, resource/* or *";
  }
  if (rest.length > 1) {
    return "A resource has one subresource at most";
  }
  if (pattern !== pattern.toLowerCase()) {
    return `Use "${pattern.toLowerCase()}": resources are in lower case and plural`;
  }
  const isWild = /\*/.test(pattern.replace(/^\*(?=\/|$)/, "").replace(/(?<=\/)\*$/, ""));
  return isWild ? 'A star stands alone: "*", "*/status" or "pods/*"' : undefined;
}
