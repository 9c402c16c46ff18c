import type { LintRule } from "./lint-rule.ts";

const GROUP =
  /^system:(authenticated|unauthenticated|masters|nodes|node|monitoring|serviceaccounts(:.+)?|bootstrappers(:.+)?)$/;
const USER =
  /^system:(anonymous|apiserver|kube-scheduler|kube-controller-manager|kube-proxy|admin|serviceaccount:.+|node:.+)$/;

export const groupAsUser: LintRule = {
  id: "group-as-user",
  summary: "A group listed under users, or a user under userGroups, matches nobody.",
  bad: '- level: None\n  users: ["system:nodes"]\n  verbs: [get]\n- level: Metadata',
  good: '- level: None\n  userGroups: ["system:nodes"]\n  verbs: [get]\n- level: Metadata',
  check: ({ policy }) =>
    policy.rules.flatMap((rule, index) => [
      ...(rule.users ?? []).flatMap((value, at) =>
        GROUP.test(value)
          ? [
              {
                severity: "error" as const,
                steps: ["rules", index, "users", at],
                message: `Cannot match anyone by the user "${value}": it is a group`,
                hint: `Use userGroups: ["${value === "system:node" ? "system:nodes" : value}"]`,
              },
            ]
          : [],
      ),
      ...(rule.userGroups ?? []).flatMap((value, at) =>
        USER.test(value)
          ? [
              {
                severity: "error" as const,
                steps: ["rules", index, "userGroups", at],
                message: `Cannot match anyone by the group "${value}": it is a user`,
                hint: `Use users: ["${value}"]`,
              },
            ]
          : [],
      ),
    ]),
};
