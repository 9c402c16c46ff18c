import { KNOWN_VERSIONS, resourcesOf } from "./resource-catalogue.ts";

/** Groups of Kubernetes' own API that no supported version serves any more. */
const GONE_GROUPS = ["auditregistration.k8s.io", "extensions", "settings.k8s.io"];

/** Names of the resources of Kubernetes' own groups; a group without names is one that is not served any more. */
export type KnownResources = ReadonlyMap<string, readonly string[]>;

/** Resources that an apiserver of this version serves. Groups that are not listed are taken for custom ones. */
export function knownResources(kubernetesVersion: string): KnownResources {
  const known = new Map<string, string[]>(GONE_GROUPS.map((group) => [group, []]));
  for (const { group, resource } of resourcesOf(kubernetesVersion)) {
    const names = known.get(group) ?? [];
    known.set(group, names.includes(resource) ? names : [...names, resource]);
  }
  return known;
}

/** Those of the newest version that is known. */
export const KNOWN_RESOURCES: KnownResources = knownResources(KNOWN_VERSIONS.at(-1) ?? "");

/** Groups of Kubernetes' own API that serve a resource of this name. */
export function groupsServing(resource: string, known: KnownResources = KNOWN_RESOURCES): readonly string[] {
  return [...known].filter(([, names]) => names.includes(resource)).map(([group]) => group);
}
