import type { LintRule } from "./lint-rule.ts";
import type { PolicyRule } from "../policy.ts";

export const outdatedNoise: LintRule = {
  id: "outdated-noise",
  summary: "Noise rules that were right years ago match nobody today: the noise has other names.",
  bad: '- level: None\n  users: ["system:kube-proxy"]\n  verbs: [watch]\n  resources: [{group: "", resources: [endpoints, services]}]\n- level: Metadata',
  good: '- level: None\n  users: ["system:kube-proxy", "system:serviceaccount:kube-system:kube-proxy"]\n  verbs: [watch]\n  resources: [{group: "", resources: [services]}, {group: discovery.k8s.io, resources: [endpointslices]}]\n- level: Metadata',
  check: ({ policy }) =>
    policy.rules.flatMap((rule, index) =>
      rule.level === "None"
        ? OUTDATED.filter(({ isIn }) => isIn(rule)).map(({ what, why, hint, at }) => ({
            severity: "warning" as const,
            steps: ["rules", index, at],
            message: `Cannot expect noise by ${what} in rules[${index}]: ${why}`,
            hint,
          }))
        : [],
    ),
};

interface Outdated {
  readonly what: string;
  readonly why: string;
  readonly hint: string;
  readonly at: "users" | "resources";
  readonly isIn: (rule: PolicyRule) => boolean;
}

const OUTDATED: readonly Outdated[] = [
  {
    what: 'the user "system:kube-proxy" alone',
    why: "kubeadm and others run kube-proxy as the service account kube-system:kube-proxy",
    hint: 'Add "system:serviceaccount:kube-system:kube-proxy", and endpointslices of discovery.k8s.io',
    at: "users",
    isIn: ({ users = [] }) =>
      users.includes("system:kube-proxy") && !users.includes("system:serviceaccount:kube-system:kube-proxy"),
  },
  {
    what: 'the user "kubelet"',
    why: "kubelets are system:node:<name> in the group system:nodes since 1.8",
    hint: 'Use userGroups: ["system:nodes"]',
    at: "users",
    isIn: ({ users = [] }) => users.includes("kubelet"),
  },
  {
    what: 'the user "system:unsecured"',
    why: "the insecure port is gone since 1.24",
    hint: "Remove the rule",
    at: "users",
    isIn: ({ users = [] }) => users.includes("system:unsecured"),
  },
  {
    what: "leader election on endpoints",
    why: "controllers and the scheduler elect by leases since 1.20",
    hint: "Use group: coordination.k8s.io and resources: [leases]",
    at: "resources",
    isIn: ({ users = [], resources = [] }) =>
      users.some((user) => user === "system:kube-controller-manager" || user === "system:kube-scheduler") &&
      resources.length > 0 &&
      resources.every(({ group = "", resources: names = [] }) => group === "" && names.join() === "endpoints"),
  },
  {
    what: 'the config map "controller-leader"',
    why: "leader election uses leases since 1.20",
    hint: "Remove the rule: whoever names an object so is not seen",
    at: "resources",
    isIn: ({ resources = [] }) =>
      resources.some(({ resourceNames = [] }) => resourceNames.includes("controller-leader")),
  },
];
