import type { DecidedBy, EventScan } from "@auditsieve/audit";
import { uriEnd } from "./decision-memo.ts";
import { resourceMatches } from "./evaluate.ts";
import type { Policy } from "./policy.ts";

/** Behind them, or in their place, a path is read in another way. */
const SPECIAL = new Set(["namespaces", "status", "finalize", "proxy", "watch"]);
/** What a name may be made of that another one can stand for. */
const NAME = /^[A-Za-z0-9.:-]+$/;

const MAX_URIS = 2048;
const MAX_URI_LENGTH = 2048;

/** What of a URI decides, as places behind its opening quote. */
interface UriParts {
  readonly end: number;
  readonly name: readonly [start: number, end: number] | undefined;
}

/** Reads off each URI which part of it decides, and remembers that. */
export class UriMemo {
  readonly #policy: Policy;
  readonly #known = new Map<string, UriParts>();

  constructor(policy: Policy) {
    this.#policy = policy;
  }

  /** Where in the event last scanned the deciding part of the URI ends, and where in it a name stands that does not decide. */
  of(scan: EventScan): Pick<DecidedBy, "uriEnd" | "name"> {
    const start = scan.valueStart("requestURI") + 1;
    const uri = scan.bytes.toString("latin1", start, scan.valueEnd("requestURI") - 1);
    let parts = this.#known.get(uri);
    if (parts === undefined) {
      parts = {
        end: (hasPlainQuery(uri) ? start + uri.indexOf("?") : uriEnd(scan)) - start,
        name: freeName(uri, this.#policy),
      };
      if (this.#known.size === MAX_URIS) {
        this.#known.clear();
      }
      if (uri.length <= MAX_URI_LENGTH) {
        this.#known.set(uri, parts);
      }
    }
    const { end, name } = parts;
    return { uriEnd: start + end, name: name && { start: start + name[0], end: start + name[1] } };
  }
}

/** Whether the URI has a query in which nothing could be a field selector, so that {@link uriEnd} would stop before it. */
function hasPlainQuery(uri: string): boolean {
  const query = uri.indexOf("?");
  return query !== -1 && !uri.includes("%", query) && !uri.includes("fieldS", query) && !uri.includes("\\", query);
}

/**
 * Where the object's name stands in a URI, if no rule of the policy can ask for it: an event with another name, in letters, digits,
 * `-`, `.` and `:`, is decided alike. Undefined where the name may decide or the path is an unusual one.
 */
function freeName(uri: string, policy: Policy): UriParts["name"] {
  const question = uri.indexOf("?");
  const path = question === -1 ? uri : uri.slice(0, question);
  if (path.includes("%") || path.includes("\\") || path.includes("//")) {
    return undefined;
  }
  const parts = path.split("/");
  const isCore = parts[1] === "api";
  if (parts[0] !== "" || (!isCore && parts[1] !== "apis")) {
    return undefined;
  }
  const version = isCore ? 2 : 3;
  const at = parts[version + 1] === "namespaces" ? version + 3 : version + 1;
  const resource = parts[at] ?? "";
  const name = parts[at + 1] ?? "";
  const group = isCore ? "" : (parts[2] ?? "");
  if (SPECIAL.has(resource) || !NAME.test(name) || isNamed(policy, group, resource, parts[at + 2] ?? "")) {
    return undefined;
  }
  const start = parts.slice(0, at + 1).join("/").length + 1;
  return [start, start + name.length];
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
