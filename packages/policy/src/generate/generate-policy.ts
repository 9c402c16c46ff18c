import { DEFAULT_KUBERNETES_VERSION } from "../kubernetes-version.ts";
import type { Problem } from "@auditsieve/audit";
import { loadPolicy } from "../load.ts";
import type { GroupResources, Policy, PolicyRule } from "../policy.ts";
import type { ParameterReference, Profile, ProfileResources, ProfileRule } from "./profile.ts";
import { levelConflicts } from "./safe-levels.ts";
import type { LevelConflict } from "./safe-levels.ts";
import { parseResource, setParameters } from "./set-parameters.ts";
import type { ParameterValues } from "./set-parameters.ts";
import { writePolicy } from "./write-policy.ts";

/** What to make of a profile. */
export interface GenerateOptions {
  /** Values of parameters, as text: lists are comma-separated. */
  readonly set?: Readonly<Record<string, string>>;
  /** Version of the apiserver that will load the policy. Default 1.37. */
  readonly kubernetesVersion?: string;
}

/** What {@link generatePolicy} gives. */
export type GeneratedPolicy =
  | {
      readonly outcome: "generated";
      /** The policy as YAML, with the reason and the source of each rule as comments. */
      readonly text: string;
      readonly policy: Policy;
      /** Ids of the profile's rules, in the order of the policy's. */
      readonly ruleIds: readonly string[];
      /** What whoever generates this must be told. */
      readonly notices: readonly string[];
      /** Classes of requests that are written above the level that is safe for them; never settled in silence. */
      readonly conflicts: readonly LevelConflict[];
    }
  | { readonly outcome: "refused"; readonly problems: readonly Problem[] };

/**
 * Generates the policy of a profile. What comes out has been loaded as the apiserver of that version would.
 *
 * @example
 * const all = { id: "all", reason: "nothing is missed", source: "none", level: { set: "level" } };
 * const level = { type: "level", default: "Metadata", allowed: ["Metadata", "Request"], help: "how much" };
 * const profile = { name: "all", summary: "All.", parameters: { level }, notices: [], rules: [all] };
 * const generated = generatePolicy(profile, { set: { level: "Request" } });
 * assert.ok(generated.outcome === "generated");
 * assert.equal(generated.policy.rules[0].level, "Request");
 */
export function generatePolicy(profile: Profile, options: GenerateOptions = {}): GeneratedPolicy {
  const { set = {}, kubernetesVersion = DEFAULT_KUBERNETES_VERSION } = options;
  const parameters = setParameters(profile, set);
  if (parameters.outcome === "refused") {
    return parameters;
  }
  const { values } = parameters;
  const kept = profile.rules.flatMap((rule) => {
    const resolved = resolveRule(rule, values);
    return resolved === undefined ? [] : [{ source: rule, resolved }];
  });
  const notices = profile.notices.filter(
    ({ when }) => when === undefined || when.is.includes(values.levels.get(when.parameter) ?? ""),
  );
  const text = writePolicy({ profile, set, kubernetesVersion, rules: kept, notices });
  const loaded = loadPolicy(text, { kubernetesVersion });
  if (loaded.outcome === "refused" || loaded.strict !== undefined) {
    return { outcome: "refused", problems: [notLoadable(profile, kubernetesVersion, loaded)] };
  }
  const ruleIds = kept.map(({ source }) => source.id);
  return {
    outcome: "generated",
    text,
    policy: loaded.policy,
    ruleIds,
    notices: notices.map((notice) => notice.text.trim()),
    conflicts: levelConflicts(loaded.policy, ruleIds),
  };
}

/** The rule with its parameters filled in, or undefined where all lists of a field came out empty. */
function resolveRule(rule: ProfileRule, values: ParameterValues): PolicyRule | undefined {
  const { id: _id, reason: _reason, source: _source, level, users, resources, namespaces, ...rest } = rule;
  const filled = {
    users: resolveNames(users, values),
    resources: resolveResources(resources, values),
    namespaces: resolveNames(namespaces, values),
  };
  // An empty list would restrict nothing: the rule would match far more than was meant.
  if (Object.values(filled).some((list) => list?.length === 0)) {
    return undefined;
  }
  return {
    level: typeof level === "string" ? level : (values.levels.get(level.set) ?? "Metadata"),
    ...(filled.users && { users: filled.users }),
    ...(filled.resources && { resources: filled.resources }),
    ...(filled.namespaces && { namespaces: filled.namespaces }),
    ...rest,
  };
}

function resolveNames(
  names: readonly (string | ParameterReference)[] | undefined,
  values: ParameterValues,
): readonly string[] | undefined {
  return names?.flatMap((name) => (typeof name === "string" ? [name] : (values.lists.get(name.set) ?? [])));
}

function resolveResources(
  resources: readonly ProfileResources[] | undefined,
  values: ParameterValues,
): readonly GroupResources[] | undefined {
  return resources?.flatMap((entry) =>
    "set" in entry ? joinGroups((values.lists.get(entry.set) ?? []).map(parseResource)) : [entry],
  );
}

function joinGroups(entries: readonly GroupResources[]): GroupResources[] {
  const groups = new Map<string, string[]>();
  for (const { group = "", resources = [] } of entries) {
    groups.set(group, [...(groups.get(group) ?? []), ...resources]);
  }
  return [...groups].map(([group, resources]) => ({ group, resources }));
}

function notLoadable(profile: Profile, version: string, loaded: ReturnType<typeof loadPolicy>): Problem {
  const reason = loaded.outcome === "refused" ? loaded.error : (loaded.strict?.strictError ?? "");
  return {
    id: "profile-not-loadable",
    severity: "error",
    message: `Cannot generate ${profile.name} for Kubernetes ${version}: the apiserver would say: ${reason}`,
    hint: "Correct the profile's rules",
  };
}
