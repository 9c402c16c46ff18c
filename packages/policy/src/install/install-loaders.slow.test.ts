import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildGoProgram } from "../../../../test/engines/policy-oracle/go-program.ts";
import { loadPolicy } from "../load.ts";
import { planInstall } from "./plan-install.ts";

const BUILD_TIMEOUT_MS = 30 * 60_000;
const TEXT = readFileSync(new URL("../../../../profiles/policies/hardened.policy.yaml", import.meta.url), "utf8");
const folder = mkdtempSync(join(tmpdir(), "auditsieve-install-"));
let kubeadm: string;
let kind: string;

beforeAll(async () => {
  const at = (name: string): string =>
    fileURLToPath(new URL(`../../../../test/engines/install/${name}`, import.meta.url));
  kubeadm = await buildGoProgram({ name: "kubeadm", folder: at("kubeadm") });
  kind = await buildGoProgram({ name: "kind", folder: at("kind") });
}, BUILD_TIMEOUT_MS);
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes the plan for a target and gives its folder. */
function written(target: "kubeadm" | "kind", kubernetesVersion = "1.37"): string {
  const loaded = loadPolicy(TEXT);
  if (loaded.outcome === "refused") throw new Error(loaded.error);
  const planned = planInstall({
    target,
    text: TEXT,
    policy: loaded.policy,
    kubernetesVersion,
    load: { eventsPerMinute: 400, bytesPerEvent: 1500 },
  });
  if (planned.outcome === "refused") throw new Error(planned.problems.map(({ message }) => message).join("\n"));
  const place = join(folder, `${target}-${kubernetesVersion}`);
  for (const { name, text } of planned.plan.files) {
    mkdirSync(dirname(join(place, name)), { recursive: true });
    writeFileSync(join(place, name), text);
  }
  return place;
}

describe("kubeadm's own code", () => {
  test("reads the configuration strictly, and its patch gives a kube-apiserver that audits", () => {
    const pod = JSON.parse(execFileSync(kubeadm, [written("kubeadm")], { encoding: "utf8", stdio: "pipe" })) as {
      readonly spec: {
        readonly containers: readonly {
          readonly command: readonly string[];
          readonly volumeMounts: readonly object[];
        }[];
        readonly volumes: readonly { readonly name: string }[];
      };
    };
    const [container] = pod.spec.containers;
    expect(container?.command).toEqual(
      expect.arrayContaining([
        "--audit-policy-file=/etc/kubernetes/audit/audit-policy.yaml",
        "--audit-log-path=/var/log/kubernetes/audit/audit.log",
      ]),
    );
    expect(container?.volumeMounts).toContainEqual(
      expect.objectContaining({ mountPath: "/etc/kubernetes/audit", readOnly: true }),
    );
    expect(pod.spec.volumes.map(({ name }) => name)).toEqual(["k8s-certs", "audit-policy", "audit-log"]);
  });

  test("refuses a field that it does not know, so that the strict reading is one", () => {
    const place = written("kubeadm", "1.36");
    const file = join(place, "kubeadm-config.yaml");
    writeFileSync(file, readFileSync(file, "utf8").replace("extraVolumes:", "extraVolume:"));
    const { status, stderr } = spawnSync(kubeadm, [place], { encoding: "utf8" });
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/unknown field "apiServer.extraVolume"/);
  });
});

describe("kind's own code", () => {
  test.each(["v1.30.0", "v1.35.0", "v1.37.0"])("loads, validates and patches for Kubernetes %s", (version) => {
    const file = join(written("kind"), "kind-config.yaml");
    const made = execFileSync(kind, [file, version], { encoding: "utf8" });
    expect(made).toMatch(/audit-policy-file(: |\n +value: )\/etc\/kubernetes\/audit\/audit-policy.yaml/);
    expect(made).toMatch(/hostPath: \/etc\/kubernetes\/audit\n/);
    expect(made).toMatch(/audit-log-path(: |\n +value: )\/var\/log\/kubernetes\/audit\/audit.log/);
  });
});
