import type { EventScan } from "@auditsieve/audit";
import { resourceMatches } from "./evaluate.ts";
import type { Policy } from "./policy.ts";

/** Behind them, or in their place, a path is read in another way. */
const SPECIAL = new Set(["namespaces", "status", "finalize", "proxy", "watch"]);
/** A resource request as an apiserver reads it; its groups are the API group, the resource, the name and the subresource. */
const PATH =
  /^\/(?:api|apis\/([^/]+))\/[^/]+\/(?:namespaces\/[^/]+\/)?([^/]+)\/([A-Za-z0-9.:-]+)(?:\/([^/]+))?(?=\/|$)/d;

/**
 * Where the object's name stands in the path of the event last scanned, if no rule of the policy can ask for it: an event with another
 * name, in letters, digits, `-`, `.` and `:`, is decided alike. Undefined where the name may decide or the path is an unusual one.
 */
export function freeName(
  scan: EventScan,
  policy: Policy,
): { readonly start: number; readonly end: number } | undefined {
  const start = scan.valueStart("requestURI") + 1;
  const end = scan.valueEnd("requestURI") - 1;
  const uri = scan.bytes.toString("latin1", start, end);
  const question = uri.indexOf("?");
  const path = question === -1 ? uri : uri.slice(0, question);
  if (path.includes("%") || path.includes("\\") || path.includes("//")) {
    return undefined;
  }
  const match = PATH.exec(path);
  const span = match?.indices?.[3];
  if (match === null || span === undefined) {
    return undefined;
  }
  const [, group = "", resource = "", , subresource = ""] = match;
  if (SPECIAL.has(resource) || isNamed(policy, group, resource, subresource)) {
    return undefined;
  }
  return { start: start + span[0], end: start + span[1] };
}

/** Whether any rule names objects of this resource. */
function isNamed({ rules }: Policy, apiGroup: string, resource: string, subresource: string): boolean {
  return rules.some((rule) =>
    rule.resources?.some(
      ({ group = "", resources, resourceNames }) =>
        resourceNames !== undefined &&
        (group === apiGroup || group === "*") &&
        (resources?.some((pattern) => resourceMatches(pattern, resource, subresource)) ?? true),
    ),
  );
}
