import type { Level, Stage } from "@auditsieve/audit";

/** What a user may choose of a profile, by `--set NAME=VALUE`. */
export type Parameter =
  | {
      readonly type: "level";
      readonly default: Level;
      /** The levels that may be chosen: what is safe for the class, and what is of use. */
      readonly allowed: readonly Level[];
      readonly help: string;
    }
  | {
      readonly type: "list";
      /** `resource` values are written as kubectl writes them: `secrets`, `deployments.apps`, `pods/log`. */
      readonly of: "user" | "namespace" | "resource";
      readonly default: readonly string[];
      readonly help: string;
    };

/** Stands for the value of a parameter. */
export interface ParameterReference {
  readonly set: string;
}

/** API resources in a profile, or those of a parameter. */
export type ProfileResources =
  | { readonly group: string; readonly resources?: readonly string[]; readonly resourceNames?: readonly string[] }
  | ParameterReference;

/** One rule of a profile. A rule whose parameter lists are all empty is left out of the policy. */
export interface ProfileRule {
  /** Names the rule in cases and messages. */
  readonly id: string;
  /** Why the rule is there and why at this level; printed into the policy. */
  readonly reason: string;
  /** Where the facts come from: a bootstrap policy, a manifest, a document, with version. */
  readonly source: string;
  readonly level: Level | ParameterReference;
  readonly users?: readonly (string | ParameterReference)[];
  readonly userGroups?: readonly string[];
  readonly verbs?: readonly string[];
  readonly resources?: readonly ProfileResources[];
  readonly namespaces?: readonly (string | ParameterReference)[];
  readonly nonResourceURLs?: readonly string[];
  readonly omitStages?: readonly Stage[];
  readonly omitManagedFields?: boolean;
}

/** Something to tell who generates the policy: always, or if a parameter has one of these values. */
export interface Notice {
  readonly when?: { readonly parameter: string; readonly is: readonly string[] };
  readonly text: string;
  /** Id of the lint rule whose finding is meant to be there: it becomes a warning that carries `text`. */
  readonly declares?: string;
}

/** What a policy is generated from: data, no code. */
export interface Profile {
  readonly name: string;
  readonly summary: string;
  readonly omitStages?: readonly Stage[];
  readonly omitManagedFields?: boolean;
  readonly parameters: Readonly<Record<string, Parameter>>;
  readonly notices: readonly Notice[];
  readonly rules: readonly ProfileRule[];
}

/** A parameter that an extension alters: what it leaves out stays as the base has it. */
export interface ParameterChange {
  readonly default?: string | readonly string[];
  readonly allowed?: readonly Level[];
  readonly help?: string;
}

/** What an override says anew of a rule; `null` takes a field away, so that the rule matches whatever it says. */
export type RuleOverride = {
  readonly [Field in Exclude<keyof ProfileRule, "id" | "reason">]?: ProfileRule[Field] | null;
} & { readonly reason: string };

/** One step from the rules of a base to those of its extension. Steps are taken in order. */
export type RuleChange =
  | { readonly override: string; readonly with: RuleOverride }
  | { readonly remove: string; readonly reason: string }
  | { readonly before: string; readonly insert: readonly ProfileRule[] }
  | { readonly after: string; readonly insert: readonly ProfileRule[] };

/** A profile that says how it differs from another: all that it does not mention is as in its base. */
export interface ProfileExtension {
  readonly name: string;
  readonly summary: string;
  /** Name of a shipped profile, or the file of one. */
  readonly extends: string;
  readonly omitStages?: readonly Stage[];
  readonly omitManagedFields?: boolean;
  /** New parameters, altered ones, and `null` for those that are not wanted. */
  readonly parameters?: Readonly<Record<string, Parameter | ParameterChange | null>>;
  /** Said beside those of the base. */
  readonly notices?: readonly Notice[];
  readonly changes?: readonly RuleChange[];
}
