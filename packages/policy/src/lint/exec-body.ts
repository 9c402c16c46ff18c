import { isLevelBelow } from "@auditsieve/audit";
import { words } from "./describe-rule.ts";
import type { LintRule } from "./lint-rule.ts";

const STREAMS = [
  "pods/exec",
  "pods/attach",
  "pods/portforward",
  "pods/proxy",
  "pods/log",
  "services/proxy",
  "nodes/proxy",
];

export const execBody: LintRule = {
  id: "exec-body",
  summary: "exec, attach, port-forward, log and proxies have no bodies: above Metadata they are recorded no better.",
  bad: '- level: RequestResponse\n  resources: [{group: "", resources: [pods/exec]}]\n- level: Metadata',
  good: '- level: Metadata\n  resources: [{group: "", resources: [pods/exec]}]\n- level: Metadata',
  check: ({ policy }) =>
    policy.rules.flatMap((rule, index) => {
      const named = (rule.resources ?? [])
        .filter(({ group = "" }) => group === "")
        .flatMap(({ resources = [] }) => resources.filter((name) => STREAMS.includes(name)));
      if (named.length === 0 || !isLevelBelow("Metadata", rule.level)) {
        return [];
      }
      const message = `Cannot record more of ${words(named)} at ${rule.level} than at Metadata: they have no bodies but an error's; the command of an exec is in the URL at every level`;
      const hint = "Use Metadata, or leave it: it costs nothing";
      return [{ severity: "info" as const, steps: ["rules", index, "level"], message, hint }];
    }),
};
