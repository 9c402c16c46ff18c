import type { Level, Stage } from "@auditsieve/audit";

/** API resources of one group; absent or empty `resources` means all of the group. */
export interface GroupResources {
  readonly group?: string;
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** One rule of a policy. An absent or empty list restricts nothing. */
export interface PolicyRule {
  readonly level: Level;
  readonly users?: readonly string[];
  readonly userGroups?: readonly string[];
  readonly verbs?: readonly string[];
  readonly resources?: readonly GroupResources[];
  readonly namespaces?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly omitStages?: readonly Stage[];
  readonly omitManagedFields?: boolean;
}

/**
 * An audit policy that has been accepted: what is matched, without the document's metadata.
 *
 * @see https://github.com/kubernetes/apiserver/blob/v0.37.2/pkg/apis/audit/v1/types.go
 */
export interface Policy {
  readonly rules: readonly PolicyRule[];
  readonly omitStages?: readonly Stage[];
  readonly omitManagedFields?: boolean;
}
