import { evaluate } from "../evaluate.ts";
import { words } from "./describe-rule.ts";
import type { LintRule } from "./lint-rule.ts";
import { personsRequest } from "./person.ts";

const SESSIONS = ["pods/exec", "pods/attach", "pods/portforward"];

export const sessionStartLost: LintRule = {
  id: "session-start-lost",
  summary:
    "Without RequestReceived and ResponseStarted a session is written when it ends: hours later, or never if the apiserver dies.",
  bad: '- level: Metadata\n  resources: [{group: "", resources: [pods/exec, pods/attach, pods/portforward]}]\n  userGroups: [system:authenticated]\n  omitStages: [RequestReceived, ResponseStarted]\n- level: Metadata',
  good: '- level: Metadata\n  resources: [{group: "", resources: [pods/exec, pods/attach, pods/portforward]}]\n  omitStages: [RequestReceived]\n- level: Metadata',
  check: ({ policy }) => {
    const byRule = new Map<number, string[]>();
    for (const session of SESSIONS) {
      const { level, omitStages, rule } = evaluate(policy, personsRequest("get", session));
      const isLate = omitStages.includes("RequestReceived") && omitStages.includes("ResponseStarted");
      if (rule !== null && level !== "None" && isLate) {
        byRule.set(rule, [...(byRule.get(rule) ?? []), session]);
      }
    }
    return [...byRule].map(([rule, sessions]) => ({
      severity: "warning" as const,
      steps: ["rules", rule, "omitStages"],
      message: `Cannot see ${words(sessions)} before the session ends: by rules[${rule}] neither its request nor its beginning is written`,
      hint: "Omit RequestReceived only",
    }));
  },
};
