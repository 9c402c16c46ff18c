import { loadPolicy } from "@auditsieve/policy";
import type { Policy } from "@auditsieve/policy";
import { sayProblem } from "./output.ts";
import { readText } from "./read-text.ts";

/** The policy in a file, as the apiserver of that version would load it; undefined after its refusal has been said. */
export async function readPolicy(file: string, kubernetesVersion: string): Promise<Policy | undefined> {
  const loaded = loadPolicy(await readText(file, "policy"), { kubernetesVersion });
  if (loaded.outcome === "refused") {
    sayProblem(
      {
        id: "policy-refused",
        severity: "error",
        message: `Cannot load the policy: ${loaded.error}`,
        ...loaded.position,
        hint: "An apiserver would not start with it either; `auditsieve policy check` says more",
      },
      file,
    );
    return undefined;
  }
  if (loaded.strict !== undefined) {
    sayProblem(
      {
        id: "policy-strict",
        severity: "warning",
        message: loaded.strict.warning,
        hint: "A field that is ignored lets its rule match more; `auditsieve policy check` names the place",
      },
      file,
    );
  }
  return loaded.policy;
}
