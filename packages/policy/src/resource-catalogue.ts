import { createRequire } from "node:module";
import { parseKubernetesVersion } from "./kubernetes-version.ts";

/** A resource or subresource that Kubernetes itself serves. */
export interface ServedResource {
  readonly group: string;
  readonly resource: string;
  /** Empty for the resource itself. */
  readonly subresource: string;
  readonly namespaced: boolean;
  /** As the policy sees them; those of sessions and proxies are the HTTP methods that they can come by. */
  readonly verbs: readonly string[];
  /** First and last minor version that serves it, of those that are known; undefined: the oldest, the newest. */
  readonly since: string | undefined;
  readonly until: string | undefined;
}

interface CatalogueFile {
  readonly modules: readonly string[];
  readonly versions: readonly string[];
  readonly groups: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          { readonly namespaced: boolean; readonly verbs: string; readonly since?: string; readonly until?: string }
        >
      >
    >
  >;
}

/** Extracted from k8s.io/kubernetes, api/discovery (Apache-2.0); see catalogue/make-resources.ts. */
const FILE = createRequire(import.meta.url)("../catalogue/resources.json") as CatalogueFile;

/** Minor versions that are known, oldest first. */
export const KNOWN_VERSIONS: readonly string[] = FILE.versions;

/** All that any known version serves. */
export const ALL_RESOURCES: readonly ServedResource[] = Object.entries(FILE.groups).flatMap(([group, resources]) =>
  Object.entries(resources).map(([name, { namespaced, verbs, since, until }]) => {
    const [resource = "", subresource = ""] = name.split("/");
    return { group, resource, subresource, namespaced, verbs: verbs.split(" "), since, until };
  }),
);

/** What an apiserver of this version serves; older and newer ones than are known count as the oldest and the newest. */
export function resourcesOf(version: string): readonly ServedResource[] {
  const minor = parseKubernetesVersion(version)?.minor ?? newest;
  const at = Math.min(newest, Math.max(oldest, minor));
  return ALL_RESOURCES.filter(({ since, until }) => minorOf(since, oldest) <= at && at <= minorOf(until, newest));
}

const oldest = minorOf(KNOWN_VERSIONS[0], 0);
const newest = minorOf(KNOWN_VERSIONS.at(-1), 0);

function minorOf(version: string | undefined, otherwise: number): number {
  return version === undefined ? otherwise : (parseKubernetesVersion(version)?.minor ?? otherwise);
}
