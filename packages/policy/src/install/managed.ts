import { isLevelBelow } from "@auditsieve/audit";
import { commentLines } from "./install-plan.ts";
import type { InstallInput, InstallPlan } from "./install-plan.ts";

/** Clusters whose apiserver takes no policy of ours: what is written is the provider's, and the same file tailors it in the stream. */
export function planManaged(input: InstallInput, target: "openshift" | "eks" | "gke" | "aks"): InstallPlan {
  const file = "stream.policy.yaml";
  return {
    files: [
      {
        name: file,
        text: streamPolicy(input.text, target),
        what: `for \`auditsieve filter --policy ${file}\` and the sinks of \`auditsieve ingest\``,
      },
      ...(target === "openshift" ? [openshiftProfile(input)] : []),
    ],
    steps: [
      ...STEPS[target],
      `auditsieve filter --policy ${file} LOG… keeps of it what this policy would have written, and all that is impersonated or refused; ` +
        `\`--policy ${target}\` only drops the noise. Neither can show what the provider left out.`,
    ],
    logPath: target === "openshift" ? "/var/log/kube-apiserver/audit.log" : undefined,
  };
}

const STEPS: Readonly<Record<"openshift" | "eks" | "gke" | "aks", readonly string[]>> = {
  openshift: [
    "OpenShift has four profiles and takes no rules: oc apply -f openshift-apiserver.yaml chooses the one that writes enough.",
  ],
  eks: [
    "EKS has one policy, which cannot be changed. Switch the log on: aws eks update-cluster-config --name NAME " +
      `--logging '{"clusterLogging":[{"types":["audit"],"enabled":true}]}'`,
    "It goes to CloudWatch, group /aws/eks/NAME/cluster, streams kube-apiserver-audit-*; entries over 256 kB are cut there.",
  ],
  gke: [
    "GKE has one policy, which cannot be changed. Changes are in Admin Activity; reads, and with them exec by WebSocket, only in " +
      "Data Access logs: switch those on for container.googleapis.com and send both to a Pub/Sub topic or a bucket.",
  ],
  aks: [
    "AKS has one policy, which cannot be changed. Choose the category kube-audit in the diagnostic settings: kube-audit-admin leaves " +
      "out get and list, and with them exec by WebSocket.",
  ],
};

/** The policy with what a stream knows beside: impersonated and refused requests are kept whole. */
function streamPolicy(text: string, target: string): string {
  const keep = "stream:\n  keep:\n    - impersonated: true\n    - responseCodes: [401, 403]\n";
  return text
    .replace(/^# Audit policy of/, `# Stream policy for ${target}, not for an apiserver, from the`)
    .replace(/^rules:$/m, `${keep}rules:`);
}

function openshiftProfile({ policy }: InstallInput): InstallPlan["files"][number] {
  const needsBodies = policy.rules.some(({ level }) => isLevelBelow("Metadata", level));
  const text = `${commentLines(
    `OpenShift's own profiles keep secrets, routes and OAuth objects at Metadata, whichever is chosen.\n${
      needsBodies
        ? "The policy asks for bodies of some changes: WriteRequestBodies writes those of all."
        : "The policy asks for no bodies."
    }`,
  )}
apiVersion: config.openshift.io/v1
kind: APIServer
metadata:
  name: cluster
spec:
  audit:
    profile: ${needsBodies ? "WriteRequestBodies" : "Default"}
`;
  return { name: "openshift-apiserver.yaml", text, what: "the audit profile of the cluster, for `oc apply`" };
}
