import type { PolicyRule } from "../policy.ts";
import type { StreamRules } from "./stream-policy.ts";

/**
 * One stream policy of several that each name what they drop and end with a rule that keeps everything else, as the
 * shipped noise policies do: what one of them drops is dropped, what one keeps by `stream.keep` is kept. Undefined
 * where one of them is of another kind, since its last rule would then decide what a later one names.
 *
 * @example
 * const of = (verb) => ({ policy: { rules: [{ level: "None", verbs: [verb] }, { level: "RequestResponse" }] }, keep: [], conditions: [] });
 * assert.deepEqual(joinStreamRules([of("get"), of("list")])?.policy.rules.map(({ level }) => level), ["None", "None", "RequestResponse"]);
 */
export function joinStreamRules(policies: readonly StreamRules[]): StreamRules | undefined {
  const isSound = policies.every(
    ({ policy, conditions }) =>
      policy.omitStages === undefined &&
      policy.omitManagedFields === undefined &&
      isKeepAll(policy.rules.at(-1)) &&
      conditions[policy.rules.length - 1] === undefined,
  );
  if (!isSound) {
    return undefined;
  }
  return {
    policy: { rules: [...policies.flatMap(({ policy }) => policy.rules.slice(0, -1)), { level: "RequestResponse" }] },
    keep: policies.flatMap(({ keep }) => keep),
    conditions: [
      ...policies.flatMap(({ policy, conditions }) => policy.rules.slice(0, -1).map((_, index) => conditions[index])),
      undefined,
    ],
  };
}

function isKeepAll(rule: PolicyRule | undefined): boolean {
  return rule?.level === "RequestResponse" && Object.keys(rule).length === 1;
}
