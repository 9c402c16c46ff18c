import { words } from "./describe-rule.ts";
import type { LintRule } from "./lint-rule.ts";

const HTTP = new Set(["get", "post", "put", "patch", "delete", "head", "options"]);
const ONLY_HTTP = new Set(["post", "put", "head", "options"]);
const KUBERNETES: Readonly<Record<string, string>> = { post: "create", put: "update", head: "get", options: "" };
const METHODS: Readonly<Record<string, string>> = { create: "post", update: "put", list: "get", watch: "get" };

export const verbOfOtherKind: LintRule = {
  id: "verb-of-other-kind",
  summary: "URLs are asked for by HTTP methods (post), resources by Kubernetes' verbs (create).",
  bad: '- level: Metadata\n  verbs: [create]\n  nonResourceURLs: ["/logs/*"]\n- level: Metadata',
  good: '- level: Metadata\n  verbs: [post]\n  nonResourceURLs: ["/logs/*"]\n- level: Metadata',
  check: ({ policy }) =>
    policy.rules.flatMap((rule, index) => {
      const isOfUrls = Boolean(rule.nonResourceURLs?.length);
      const isOfResources = Boolean(rule.resources?.length) || Boolean(rule.namespaces?.length);
      const verbs = (rule.verbs ?? []).filter((verb) => !verb.includes("*") && verb === verb.toLowerCase());
      const dead = verbs.filter((verb) => (isOfUrls ? !HTTP.has(verb) : isOfResources && ONLY_HTTP.has(verb)));
      if (dead.length === 0) {
        return [];
      }
      const instead = dead.map((verb) => (isOfUrls ? METHODS : KUBERNETES)[verb] ?? "").filter(Boolean);
      const kind = isOfUrls ? "URLs are asked for by HTTP methods" : "resources are asked for by Kubernetes' verbs";
      const steps = ["rules", index, "verbs"];
      const message = `Cannot match anything by the ${dead.length > 1 ? "verbs" : "verb"} ${words(dead)} here: ${kind}`;
      const hint = instead.length > 0 ? `Use ${words([...new Set(instead)])}` : "Remove what cannot match";
      return [
        {
          severity: dead.length === rule.verbs?.length ? ("error" as const) : ("warning" as const),
          steps,
          message,
          hint,
        },
      ];
    }),
};
