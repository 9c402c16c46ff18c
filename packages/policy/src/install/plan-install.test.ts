import { isJsonObject, readYaml } from "@auditsieve/audit";
import type { JsonObject, JsonValue } from "@auditsieve/audit";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { loadPolicy } from "../load.ts";
import { loadStreamPolicy } from "../stream-policy/load-stream-policy.ts";
import type { Policy } from "../policy.ts";
import type { EventLoad } from "./backend-flags.ts";
import type { InstallPlan } from "./install-plan.ts";
import { INSTALL_TARGETS, planInstall } from "./plan-install.ts";
import type { InstallTarget } from "./plan-install.ts";

const profiles = ["tiered", "hardened", "cost", "stig"].map((name) => {
  const text = readFileSync(new URL(`../../../../profiles/policies/${name}.policy.yaml`, import.meta.url), "utf8");
  return [name, text, policyOf(text)] as const;
});
const [, TEXT, POLICY] = profiles[1] ?? ["", "", { rules: [] }];
const QUIET: EventLoad = { eventsPerMinute: 400, bytesPerEvent: 1_500 };
const HUGE: EventLoad = { eventsPerMinute: 600_000, bytesPerEvent: 4_000 };

function policyOf(text: string): Policy {
  const loaded = loadPolicy(text);
  if (loaded.outcome === "refused" || loaded.strict !== undefined) {
    throw new Error(loaded.outcome === "refused" ? loaded.error : loaded.strict?.strictError);
  }
  return loaded.policy;
}

interface Asked {
  readonly load?: EventLoad;
  readonly kubernetesVersion?: string;
  readonly webhookUrl?: string;
  readonly text?: string;
  readonly policy?: Policy;
}

function plan(target: InstallTarget, asked: Asked = {}): InstallPlan {
  const planned = planInstall({ target, text: TEXT, policy: POLICY, kubernetesVersion: "1.37", load: QUIET, ...asked });
  if (planned.outcome === "refused") {
    throw new Error(planned.problems.map(({ message }) => message).join("\n"));
  }
  return planned.plan;
}

function textOf({ files }: InstallPlan, name: string): string {
  const file = files.find((one) => one.name === name);
  if (file === undefined) {
    throw new Error(`no ${name} among ${files.map((one) => one.name).join(", ")}`);
  }
  return file.text;
}

/** The only document of a YAML text. */
function valueOf(text: string): JsonValue {
  const { documents, problems } = readYaml(text);
  expect([documents.length, problems]).toEqual([1, []]);
  return documents[0]?.value ?? null;
}

function at(value: JsonValue | undefined, ...steps: readonly (string | number)[]): JsonValue | undefined {
  return steps.reduce<JsonValue | undefined>(
    (inner, step) =>
      typeof step === "number" ? (inner as readonly JsonValue[])[step] : isJsonObject(inner) ? inner[step] : undefined,
    value,
  );
}

describe.each(INSTALL_TARGETS)("planInstall() for %s", (target) => {
  test("writes YAML that is read, and names no file twice", () => {
    const { files, steps } = plan(target);
    const names = files.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(steps).not.toEqual([]);
    for (const { name, text } of files) {
      expect(text.endsWith("\n") && !text.endsWith("\n\n")).toBe(true);
      if (/\.ya?ml$/.test(name)) {
        valueOf(text);
      }
    }
  });

  test("holds a policy that loads", () => {
    const { files } = plan(target);
    const own = files.find(({ name }) => name === "audit-policy.yaml");
    const stream = files.find(({ name }) => name === "stream.policy.yaml");
    expect(own?.text ?? TEXT).toBe(TEXT);
    expect(own ?? stream).toBeDefined();
  });

  test("sets each flag once", () => {
    for (const { text } of plan(target).files) {
      const flags = [...text.matchAll(/(?:--|name: |^ *)(audit-(?:log|webhook|policy)-[a-z-]+)[=:\n]/gm)].map(
        ([, name]) => name,
      );
      const most = target === "kind" ? 2 : 1;
      expect(flags.filter((name) => flags.filter((one) => one === name).length > most)).toEqual([]);
    }
  });
});

describe("planInstall()", () => {
  test("writes kubeadm's arguments as the version of its configuration has them", () => {
    const listed = valueOf(textOf(plan("kubeadm"), "kubeadm-config.yaml"));
    const mapped = valueOf(textOf(plan("kubeadm", { kubernetesVersion: "1.30" }), "kubeadm-config.yaml"));
    const policy = "/etc/kubernetes/audit/audit-policy.yaml";
    expect(at(listed, "apiVersion")).toBe("kubeadm.k8s.io/v1beta4");
    expect(at(listed, "apiServer", "extraArgs")).toContainEqual({ name: "audit-policy-file", value: policy });
    expect(at(mapped, "apiVersion")).toBe("kubeadm.k8s.io/v1beta3");
    expect(at(mapped, "apiServer", "extraArgs", "audit-policy-file")).toBe(policy);
    expect(at(mapped, "apiServer", "extraArgs", "audit-log-maxage")).toBe("30");
  });

  test("patches kubeadm's static pod so that each flag and each mounted folder has its volume", () => {
    const operations = valueOf(textOf(plan("kubeadm"), "patches/kube-apiserver0+json.yaml")) as readonly JsonObject[];
    const added = (path: string): JsonValue[] =>
      operations.filter((one) => one["path"] === path).map((one) => one["value"] ?? null);
    expect(operations.every(({ op }) => op === "add")).toBe(true);
    expect(added("/spec/containers/0/command/-")).toContain("--audit-log-path=/var/log/kubernetes/audit/audit.log");
    expect(added("/spec/containers/0/volumeMounts/-").map((mount) => at(mount, "name"))).toEqual(
      added("/spec/volumes/-").map((volume) => at(volume, "name")),
    );
  });

  test("gives kind patches for both versions of kubeadm's configuration, and mounts the policy", () => {
    const config = valueOf(textOf(plan("kind"), "kind-config.yaml"));
    const patches = at(config, "nodes", 0, "kubeadmConfigPatches") as readonly string[];
    expect(patches.map((patch) => at(valueOf(patch), "apiVersion"))).toEqual([
      "kubeadm.k8s.io/v1beta3",
      "kubeadm.k8s.io/v1beta4",
    ]);
    expect(at(config, "nodes", 0, "extraMounts", 0, "hostPath")).toBe("./audit-policy.yaml");
  });

  test("gives RKE2 its own option for the policy, and k3s an argument", () => {
    const k3s = valueOf(textOf(plan("k3s"), "90-audit.yaml"));
    const rke2 = valueOf(textOf(plan("rke2"), "90-audit.yaml"));
    expect(at(k3s, "kube-apiserver-arg+", 0)).toBe("audit-policy-file=/var/lib/rancher/k3s/server/audit-policy.yaml");
    expect(at(rke2, "audit-policy-file")).toBe("/etc/rancher/rke2/audit-policy.yaml");
    expect(JSON.stringify(at(rke2, "kube-apiserver-arg+"))).not.toContain("audit-policy-file");
  });

  test.each(profiles)("embeds %s where a target takes it inline", (_name, text, policy) => {
    const talos = valueOf(textOf(plan("talos", { text, policy }), "talos-audit.patch.yaml"));
    const kops = valueOf(textOf(plan("kops", { text, policy }), "kops-cluster.yaml"));
    expect(policyOf(JSON.stringify(at(talos, "cluster", "apiServer", "auditPolicy")))).toEqual(policy);
    expect(at(kops, "spec", "fileAssets", 0, "content")).toBe(text);
  });

  test.each(profiles)(
    "gives kubespray the rules of %s, each with what the policy says for all",
    (_name, text, policy) => {
      const rules = at(valueOf(textOf(plan("kubespray", { text, policy }), "audit.yml")), "audit_policy_custom_rules");
      const alone = policyOf(
        `apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n${typeof rules === "string" ? rules : ""}`,
      );
      expect(alone.omitStages).toBeUndefined();
      expect(alone.rules).toEqual(
        policy.rules.map((rule) => {
          const omitStages = [...(policy.omitStages ?? []), ...(rule.omitStages ?? [])];
          const omitManagedFields = rule.omitManagedFields ?? policy.omitManagedFields;
          return rule.level === "None"
            ? rule
            : {
                ...rule,
                ...(omitStages.length > 0 && { omitStages }),
                ...(omitManagedFields !== undefined && { omitManagedFields }),
              };
        }),
      );
    },
  );

  test.each(["openshift", "eks", "gke", "aks"] as const)(
    "gives %s a stream policy that keeps what is refused",
    (target) => {
      const loaded = loadStreamPolicy(textOf(plan(target), "stream.policy.yaml"));
      expect(loaded).toMatchObject({
        outcome: "accepted",
        problems: [],
        rules: { keep: [{ impersonated: true }, { responseCodes: [401, 403] }] },
      });
      expect(loaded.outcome === "accepted" && loaded.rules.policy).toEqual(POLICY);
    },
  );

  test("chooses OpenShift's profile by whether the policy asks for bodies", () => {
    const profile = (policy: Policy): JsonValue | undefined =>
      at(valueOf(textOf(plan("openshift", { policy }), "openshift-apiserver.yaml")), "spec", "audit", "profile");
    expect(profile(POLICY)).toBe("WriteRequestBodies");
    expect(profile({ rules: [{ level: "Metadata" }] })).toBe("Default");
  });

  test("names a webhook where it can, and refuses it elsewhere", () => {
    const webhookUrl = "https://sieve.example:8443/audit";
    const files = plan("kubeadm", { webhookUrl });
    expect(at(valueOf(textOf(files, "audit-webhook.yaml")), "clusters", 0, "cluster", "server")).toBe(webhookUrl);
    expect(textOf(files, "kubeadm-config.yaml")).not.toContain("audit-log-path");
    expect(files.logPath).toBeUndefined();
    expect(
      planInstall({ target: "talos", text: TEXT, policy: POLICY, kubernetesVersion: "1.37", webhookUrl }),
    ).toMatchObject({
      outcome: "refused",
      problems: [{ message: "Cannot write files with a webhook for talos" }],
    });
  });
});

describe("flags of the backend", () => {
  const flagsOf = (asked: Asked): Readonly<Record<string, string>> =>
    Object.fromEntries(
      [...textOf(plan("generic", asked), "kube-apiserver.flags").matchAll(/^--(\S+?)=(\S+)$/gm)].map(
        ([, name = "", value = ""]) => [name, value],
      ),
    );

  test("block requests at a calm rate, and never keep less than the benchmark asks for", () => {
    expect(flagsOf({ load: QUIET })).toMatchObject({
      "audit-log-mode": "blocking",
      "audit-log-maxage": "30",
      "audit-log-maxbackup": "25",
      "audit-log-maxsize": "100",
    });
  });

  test("buffer a burst that no disk keeps pace with, within half a gigabyte", () => {
    const flags = flagsOf({ load: HUGE });
    expect(flags).toMatchObject({
      "audit-log-mode": "batch",
      "audit-log-maxsize": "1024",
      "audit-log-maxbackup": "500",
    });
    expect(flags).toMatchObject({
      "audit-log-batch-buffer-size": "135000",
      "audit-log-batch-throttle-enable": "false",
    });
  });

  test("let a webhook take twice the burst, in batches within the limit of ten megabytes", () => {
    const flags = flagsOf({ load: HUGE, webhookUrl: "https://x" });
    const perSecond = Number(flags["audit-webhook-batch-max-size"]) * Number(flags["audit-webhook-batch-throttle-qps"]);
    expect(perSecond).toBeGreaterThanOrEqual((2 * HUGE.eventsPerMinute * 20) / 60);
    expect(Number(flags["audit-webhook-batch-max-size"]) * HUGE.bytesPerEvent).toBeLessThan(10 * 1024 * 1024);
    expect(flags).toMatchObject({ "audit-webhook-mode": "batch", "audit-webhook-truncate-enabled": "true" });
  });

  test("are the apiserver's own defaults or more without a measured load", () => {
    const { load: _load, ...unmeasured } = { load: undefined };
    const planned = planInstall({
      target: "generic",
      text: TEXT,
      policy: POLICY,
      kubernetesVersion: "1.37",
      ...unmeasured,
    });
    expect(planned.outcome === "planned" && textOf(planned.plan, "kube-apiserver.flags")).toBe(
      [
        "--audit-policy-file=/etc/kubernetes/audit/audit-policy.yaml",
        "--audit-log-path=/var/log/kubernetes/audit/audit.log",
        "--audit-log-maxage=30",
        "--audit-log-maxbackup=10",
        "--audit-log-maxsize=100",
        "",
      ].join("\n"),
    );
  });
});
