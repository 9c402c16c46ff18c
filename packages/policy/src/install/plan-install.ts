import type { Problem } from "@auditsieve/audit";
import type { Policy } from "../policy.ts";
import { logFlags, webhookFlags } from "./backend-flags.ts";
import type { EventLoad } from "./backend-flags.ts";
import { planGeneric } from "./generic.ts";
import type { InstallInput, InstallPlan } from "./install-plan.ts";
import { planK3s, planRke2 } from "./k3s.ts";
import { planKind } from "./kind.ts";
import { planKops } from "./kops.ts";
import { planKubeadm } from "./kubeadm.ts";
import { planKubespray } from "./kubespray.ts";
import { planManaged } from "./managed.ts";
import { planTalos } from "./talos.ts";

/** A kind of cluster that a policy can be installed on. */
export type InstallTarget =
  | "generic"
  | "kubeadm"
  | "kind"
  | "k3s"
  | "rke2"
  | "talos"
  | "kops"
  | "kubespray"
  | "openshift"
  | "eks"
  | "gke"
  | "aks";

const PLANS: Readonly<Record<InstallTarget, (input: InstallInput) => InstallPlan>> = {
  generic: planGeneric,
  kubeadm: planKubeadm,
  kind: planKind,
  k3s: planK3s,
  rke2: planRke2,
  talos: planTalos,
  kops: planKops,
  kubespray: planKubespray,
  openshift: (input) => planManaged(input, "openshift"),
  eks: (input) => planManaged(input, "eks"),
  gke: (input) => planManaged(input, "gke"),
  aks: (input) => planManaged(input, "aks"),
};

/** All of them, in the order of the help. */
export const INSTALL_TARGETS = Object.keys(PLANS) as readonly InstallTarget[];

/** Targets whose files can name a webhook. */
const WEBHOOK_TARGETS: readonly InstallTarget[] = ["generic", "kubeadm"];

/** What {@link planInstall} takes. */
export interface InstallOptions {
  readonly target: InstallTarget;
  readonly text: string;
  readonly policy: Policy;
  readonly kubernetesVersion: string;
  /** What the policy writes, as measured; without it the least that benchmarks ask for. */
  readonly load?: EventLoad;
  /** Address for the webhook backend; the log backend without one. */
  readonly webhookUrl?: string;
}

/** What {@link planInstall} gives. */
export type PlannedInstall =
  | { readonly outcome: "planned"; readonly plan: InstallPlan; readonly notes: readonly string[] }
  | { readonly outcome: "refused"; readonly problems: readonly Problem[] };

/**
 * The files and flags that bring a policy into force on a kind of cluster.
 *
 * @example
 * const text = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n  - level: Metadata\n";
 * const planned = planInstall({ target: "k3s", text, policy: { rules: [{ level: "Metadata" }] }, kubernetesVersion: "1.37" });
 * assert.ok(planned.outcome === "planned");
 * assert.equal(planned.plan.logPath, "/var/lib/rancher/k3s/server/logs/audit.log");
 */
export function planInstall({ target, load, ...rest }: InstallOptions): PlannedInstall {
  if (rest.webhookUrl !== undefined && !WEBHOOK_TARGETS.includes(target)) {
    return {
      outcome: "refused",
      problems: [
        {
          id: "install-webhook",
          severity: "error",
          message: `Cannot write files with a webhook for ${target}`,
          hint: `Leave the webhook out and tail the log, or use the flags of one of: ${WEBHOOK_TARGETS.join(", ")}`,
        },
      ],
    };
  }
  const isManaged = PLANS_OF_PROVIDERS.includes(target);
  const { flags, notes } = rest.webhookUrl === undefined ? logFlags(load) : webhookFlags(load);
  return { outcome: "planned", plan: PLANS[target]({ ...rest, flags }), notes: isManaged ? [] : notes };
}

/** There the provider sets the flags. */
const PLANS_OF_PROVIDERS: readonly InstallTarget[] = ["openshift", "eks", "gke", "aks"];
