import { generatePolicy } from "../generate/generate-policy.ts";
import type { GeneratedPolicy, GenerateOptions } from "../generate/generate-policy.ts";
import type { Profile, ProfileRule } from "../generate/profile.ts";
import type { Proposal } from "./tune-policy.ts";

/**
 * The policy of a profile with proposals in it, each with its reason, its source and what it saves. `ruleIds` are those of the policy
 * that the proposals were made for.
 */
export function tuneProfile(
  profile: Profile,
  ruleIds: readonly string[],
  proposals: readonly Proposal[],
  options: GenerateOptions = {},
): GeneratedPolicy {
  const noise = proposals.map((proposal, index) => ({ proposal, rule: toProfileRule(proposal, index) }));
  const rules = profile.rules.flatMap((rule) => [
    ...noise.filter(({ proposal }) => ruleIds[proposal.before] === rule.id).map((each) => each.rule),
    rule,
  ]);
  return generatePolicy({ ...profile, rules }, options);
}

function toProfileRule({ title, reason, source, saves, rule }: Proposal, index: number): ProfileRule {
  const { resources, omitStages: _stages, omitManagedFields: _managed, ...rest } = rule;
  return {
    id: `tuned-${index + 1}`,
    reason: `${title}. ${reason} Saved ${saves.events} events and ${saves.bytes} bytes of the log that this was tuned to.`,
    source,
    ...rest,
    ...(resources && { resources: resources.map(({ group = "", ...entry }) => ({ group, ...entry })) }),
  };
}
