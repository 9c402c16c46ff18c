import { DEFAULT_KUBERNETES_VERSION, loadPolicy } from "@auditsieve/policy";
import type { LoadedPolicy } from "@auditsieve/policy";
import { Failure } from "./failure.ts";
import { sayProblem } from "./output.ts";
import { readText } from "./read-text.ts";
import { inputName } from "./standard-input.ts";

/** A policy that an apiserver would load. */
export type AcceptedPolicy = LoadedPolicy & { readonly outcome: "accepted" };

/**
 * Loads the policy of a file, or of standard input for `-`, as an apiserver would; one that it would not start with ends
 * the command. What an apiserver only warns of goes to stderr.
 */
export async function loadPolicyFile(
  file: string,
  kubernetesVersion: string = DEFAULT_KUBERNETES_VERSION,
): Promise<AcceptedPolicy> {
  const name = inputName(file);
  const loaded = loadPolicy(await readText(file, "policy"), { kubernetesVersion });
  if (loaded.outcome === "refused") {
    const place = [name, loaded.position?.line, loaded.position?.column];
    const where = place.filter((part) => part !== undefined).join(":");
    throw new Failure(`Cannot load the policy at ${where}: an apiserver would not start with it: ${loaded.error}`, {
      hint: "`auditsieve policy check FILE` says all that is wrong with it",
    });
  }
  for (const { steps, text } of loaded.strict?.fields ?? []) {
    const isStream = steps.at(-1) === "stream";
    sayProblem(
      {
        id: "ignored-field",
        severity: "warning",
        ...loaded.source.locateKey(steps),
        message: `An apiserver ignores a part of the policy: ${text}`,
        hint: isStream
          ? "Conditions on the stream are for `filter` and `ingest`: what is said here is without them"
          : "`auditsieve policy check FILE` says what its rules match without it",
      },
      name,
    );
  }
  return loaded;
}
