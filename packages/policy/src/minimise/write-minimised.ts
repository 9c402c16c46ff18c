import { DEFAULT_KUBERNETES_VERSION } from "../kubernetes-version.ts";
import { decideAlike } from "../diff/diff-policies.ts";
import { loadPolicy } from "../load.ts";
import type { LoadedPolicy } from "../load.ts";
import { minimisePolicy } from "./minimise-policy.ts";
import type { Omission } from "./minimise-policy.ts";
import { printPolicy } from "./print-policy.ts";

/** What {@link writeMinimised} gives. */
export type WrittenMinimised =
  | {
      readonly outcome: "written";
      /** The shorter policy as YAML; it has been loaded and compared. */
      readonly text: string;
      /** Number of its rules. */
      readonly rules: number;
      readonly omissions: readonly Omission[];
    }
  /** What was printed is not what was meant: nothing is to be used. */
  | { readonly outcome: "unproven"; readonly reason: string };

/**
 * The shortest policy that decides as a loaded one does, as text. The text itself is loaded again as an apiserver would,
 * and compared with the original.
 *
 * @example
 * const loaded = loadPolicy("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n- level: None\n");
 * const written = writeMinimised(loaded);
 * assert.deepEqual(written.omissions, [{ kind: "unreachable", rule: 1 }]);
 */
export function writeMinimised(
  loaded: LoadedPolicy & { readonly outcome: "accepted" },
  kubernetesVersion: string = DEFAULT_KUBERNETES_VERSION,
): WrittenMinimised {
  const { policy, origins, omissions } = minimisePolicy(loaded.policy);
  const comments = origins.map((rules) => `Was ${rules.map((rule) => `rules[${rule}]`).join(", ")}`);
  const text = printPolicy(policy, { metadata: loaded.source.valueAt(["metadata"]), comments });
  const again = loadPolicy(text, { kubernetesVersion });
  if (again.outcome === "refused") {
    return { outcome: "unproven", reason: `an apiserver would not load it: ${again.error}` };
  }
  if (!decideAlike(loaded.policy, again.policy)) {
    return { outcome: "unproven", reason: "what is printed decides otherwise" };
  }
  return { outcome: "written", text, rules: policy.rules.length, omissions };
}
