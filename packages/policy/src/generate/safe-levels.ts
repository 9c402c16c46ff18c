import { isLevelBelow } from "@auditsieve/audit";
import type { Level } from "@auditsieve/audit";
import { decidedWitness } from "../witness.ts";
import type { Policy } from "../policy.ts";

/** A class of requests, and the highest level at which no credential of it stands in the log. */
export interface SafeLevel {
  readonly name: string;
  readonly verbs: readonly string[];
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly isNamespaced?: boolean;
  /** Rules that name objects one by one are somebody's decision, and no conflict. */
  readonly mayBeNamed?: boolean;
  readonly most: Level;
  readonly why: string;
  readonly source: string;
}

/** A class that a policy writes above its safe level. */
export interface LevelConflict {
  readonly class: string;
  readonly verbs: readonly string[];
  readonly level: Level;
  readonly safe: Level;
  readonly ruleId: string;
  readonly why: string;
}

const WRITES = ["create", "update", "patch"];
const ANSWERED = ["get", "list", "delete", "deletecollection"];

/** What is known to hold credentials by its nature. Others, such as the environment of pods, hold them by mistake. */
const SAFE_LEVELS: readonly SafeLevel[] = [
  {
    name: "secrets, written",
    verbs: WRITES,
    group: "",
    resource: "secrets",
    most: "Metadata",
    why: "the request holds their values",
    source: "core/v1 Secret; CIS Kubernetes Benchmark 3.2.2",
  },
  {
    name: "secrets, read or deleted",
    verbs: ANSWERED,
    group: "",
    resource: "secrets",
    most: "Request",
    why: "the answer holds their values",
    source: "core/v1 Secret; CIS Kubernetes Benchmark 3.2.2",
  },
  {
    name: "token reviews",
    verbs: ["create"],
    group: "authentication.k8s.io",
    resource: "tokenreviews",
    isNamespaced: false,
    most: "Metadata",
    why: "the request holds the token that is reviewed",
    source: "authentication.k8s.io/v1 TokenReview, spec.token; CIS Kubernetes Benchmark 3.2.2",
  },
  {
    name: "tokens of service accounts",
    verbs: ["create"],
    group: "",
    resource: "serviceaccounts",
    subresource: "token",
    most: "Request",
    why: "the answer holds the token",
    source: "authentication.k8s.io/v1 TokenRequest, status.token",
  },
  {
    name: "configmaps, written",
    verbs: WRITES,
    group: "",
    resource: "configmaps",
    mayBeNamed: true,
    most: "Metadata",
    why: "many hold passwords that should be in a secret",
    source: "CIS Kubernetes Benchmark 3.2.2",
  },
  {
    name: "configmaps, read or deleted",
    verbs: ANSWERED,
    group: "",
    resource: "configmaps",
    mayBeNamed: true,
    most: "Request",
    why: "many hold passwords that should be in a secret",
    source: "CIS Kubernetes Benchmark 3.2.2",
  },
];

/** Where `policy` writes more than is safe; `ruleIds` names its rules. */
export function levelConflicts(policy: Policy, ruleIds: readonly string[]): readonly LevelConflict[] {
  return SAFE_LEVELS.flatMap((safe) =>
    policy.rules.flatMap((rule, index) => {
      const isNamed = rule.resources?.every(({ resourceNames }) => resourceNames?.length) ?? false;
      if (!isLevelBelow(safe.most, rule.level) || (safe.mayBeNamed && isNamed)) {
        return [];
      }
      const verbs = safe.verbs.filter((verb) => decidedWitness(policy, index, { ...safe, verb }) !== undefined);
      return verbs.length === 0
        ? []
        : [
            {
              class: safe.name,
              verbs,
              level: rule.level,
              safe: safe.most,
              ruleId: ruleIds[index] ?? `rules[${index}]`,
              why: safe.why,
            },
          ];
    }),
  );
}
