import { allFlags, commentLines, POLICY_FILE, policyFile } from "./install-plan.ts";
import type { InstallInput, InstallPlan } from "./install-plan.ts";

/** k3s: a drop-in of its configuration. The apiserver is part of the server process, so nothing is mounted. */
export function planK3s(input: InstallInput): InstallPlan {
  return planRancher(input, {
    program: "k3s",
    policy: `/var/lib/rancher/k3s/server/${POLICY_FILE}`,
    log: "/var/lib/rancher/k3s/server/logs/audit.log",
    hasPolicyOption: false,
  });
}

/** RKE2: the same, but the policy has an option of its own, by which the file is mounted into the apiserver's pod. */
export function planRke2(input: InstallInput): InstallPlan {
  return planRancher(input, {
    program: "rke2",
    policy: `/etc/rancher/rke2/${POLICY_FILE}`,
    log: "/var/lib/rancher/rke2/server/logs/audit.log",
    hasPolicyOption: true,
  });
}

interface Rancher {
  readonly program: string;
  readonly policy: string;
  readonly log: string;
  readonly hasPolicyOption: boolean;
}

function planRancher(input: InstallInput, { program, policy, log, hasPolicyOption }: Rancher): InstallPlan {
  const flags = allFlags(input, policy, log).filter(({ name }) => !(hasPolicyOption && name === "audit-policy-file"));
  const lines = [
    commentLines(
      `Goes to /etc/rancher/${program}/config.yaml.d/90-audit.yaml on each server.\nThe plus adds to arguments that other files give.`,
    ),
    ...(hasPolicyOption ? [`audit-policy-file: ${JSON.stringify(policy)}`] : []),
    "kube-apiserver-arg+:",
    ...flags.map(({ name, value }) => `  - ${JSON.stringify(`${name}=${value}`)}`),
  ];
  return {
    files: [
      policyFile(input, policy),
      { name: "90-audit.yaml", text: `${lines.join("\n")}\n`, what: `goes to /etc/rancher/${program}/config.yaml.d` },
    ],
    steps: [
      `Copy ${POLICY_FILE} to ${policy} and 90-audit.yaml to /etc/rancher/${program}/config.yaml.d on each server.`,
      `Create the log's folder if it is not there: install -d -m 0700 ${log.slice(0, log.lastIndexOf("/"))}`,
      `systemctl restart ${program === "k3s" ? "k3s" : "rke2-server"}, one server after the other.`,
    ],
    logPath: log,
  };
}
