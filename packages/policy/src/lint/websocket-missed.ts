import { evaluate } from "../evaluate.ts";
import type { LintRule } from "./lint-rule.ts";
import { decidedWitness } from "../witness.ts";

const SUBRESOURCES = ["exec", "attach", "portforward"];

export const websocketMissed: LintRule = {
  id: "websocket-missed",
  summary:
    "kubectl exec, attach, cp and port-forward come by WebSocket, which is the verb get; create is the older way.",
  bad: '- level: Metadata\n  verbs: [create]\n  resources: [{group: "", resources: [pods/exec]}]\n- level: None\n  userGroups: [system:authenticated]\n  verbs: [get]\n- level: Metadata',
  good: '- level: Metadata\n  resources: [{group: "", resources: [pods/exec, pods/attach, pods/portforward]}]\n- level: None\n  userGroups: [system:authenticated]\n  verbs: [get]\n- level: Metadata',
  check: ({ policy }) =>
    policy.rules.flatMap((rule, index) => {
      const missed = SUBRESOURCES.flatMap((subresource) => {
        const witness = decidedWitness(policy, index, { verb: "create", group: "", resource: "pods", subresource });
        const byGet = witness && evaluate(policy, { ...witness, verb: "get" });
        // Sessions have no bodies: at any level but None they are seen.
        return byGet?.level === "None" && rule.level !== "None" ? [{ subresource, byGet }] : [];
      });
      const [first] = missed;
      if (first === undefined) {
        return [];
      }
      const by = first.byGet.rule === null ? "no rule" : `rules[${first.byGet.rule}]`;
      const names = missed.map(({ subresource }) => `pods/${subresource}`).join(", ");
      const message = `Cannot see kubectl's sessions by rules[${index}] (${rule.level}): they are the verb get on ${names}, which is ${first.byGet.level} by ${by}`;
      const hint = "Put a rule for these subresources without verbs before it";
      return [{ severity: "error" as const, steps: ["rules", index, "verbs"], message, hint }];
    }),
};
