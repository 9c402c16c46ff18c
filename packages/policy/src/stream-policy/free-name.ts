import { slotOf } from "@auditsieve/audit/stream";
import type { DecidedBy, EventScan, Span } from "@auditsieve/audit";
import { uriEnd } from "./decision-memo.ts";
import { resourceMatches } from "../evaluate.ts";
import type { Policy } from "../policy.ts";

const URI = slotOf("requestURI");
/** Behind them, or in their place, a path is read in another way. */
const SPECIAL = new Set(["namespaces", "status", "finalize", "proxy", "watch"]);
/** What a name may be made of that another one can stand for. */
const NAME = /^[A-Za-z0-9.:-]+$/;

const MAX_URIS = 2048;
const MAX_URI_LENGTH = 2048;

/** What of a URI decides, as places behind its opening quote. */
interface UriParts {
  readonly end: number;
  /** All of it that decides. NUL, which stands in no JSON text, is in the place of a name that does not. */
  readonly deciding: string;
  readonly name: Part | undefined;
  readonly namespace: Part | undefined;
}

type FreeParts = Pick<UriParts, "name" | "namespace">;
type Part = readonly [start: number, end: number];

/** Reads off each URI which part of it decides, and remembers that. */
export class UriMemo {
  readonly #policy: Policy;
  readonly #known = new Map<string, UriParts>();
  /** The event asked about last, and what its URI says: each is asked about more than once. */
  #scan: EventScan | undefined;
  #scans = -1;
  #last: UriParts | undefined;

  constructor(policy: Policy) {
    this.#policy = policy;
  }

  /** All of the URI of the event last scanned that decides: the same text for URIs that are decided alike. */
  decidingOf(scan: EventScan): string {
    return this.#partsOf(scan, scan.slotStart(URI) + 1).deciding;
  }

  /** Where in the event last scanned the deciding part of the URI ends, and where in it a name stands that does not decide. */
  of(scan: EventScan): Pick<DecidedBy, "uriEnd" | "name"> {
    const start = scan.slotStart(URI) + 1;
    const { end, name } = this.#partsOf(scan, start);
    return { uriEnd: start + end, name: name && { start: start + name[0], end: start + name[1] } };
  }

  /** Where a namespace stands in it that decides only where a rule asks for namespaces; undefined where the name of an object decides. */
  namespaceOf(scan: EventScan): Span | undefined {
    const start = scan.slotStart(URI) + 1;
    const { namespace } = this.#partsOf(scan, start);
    return namespace && { start: start + namespace[0], end: start + namespace[1] };
  }

  #partsOf(scan: EventScan, start: number): UriParts {
    if (this.#last === undefined || this.#scan !== scan || this.#scans !== scan.scans) {
      this.#last = this.#partsAt(scan, start);
      this.#scan = scan;
      this.#scans = scan.scans;
    }
    return this.#last;
  }

  #partsAt(scan: EventScan, start: number): UriParts {
    const uri = scan.bytes.toString("latin1", start, scan.slotEnd(URI) - 1);
    let parts = this.#known.get(uri);
    if (parts === undefined) {
      const end = (hasPlainQuery(uri) ? start + uri.indexOf("?") : uriEnd(scan)) - start;
      const { name, namespace } = freeParts(uri, this.#policy);
      const deciding = name === undefined ? uri.slice(0, end) : `${uri.slice(0, name[0])}\0${uri.slice(name[1], end)}`;
      parts = { end, deciding, name, namespace };
      if (this.#known.size === MAX_URIS) {
        this.#known.clear();
      }
      if (uri.length <= MAX_URI_LENGTH) {
        this.#known.set(uri, parts);
      }
    }
    return parts;
  }
}

/** Whether the URI has a query in which nothing could be a field selector, so that {@link uriEnd} would stop before it. */
function hasPlainQuery(uri: string): boolean {
  const query = uri.indexOf("?");
  return query !== -1 && !uri.includes("%", query) && !uri.includes("fieldS", query) && !uri.includes("\\", query);
}

/**
 * Where the namespace stands in a URI, and the object's name, if no rule of the policy can ask for it: an event with another name, in letters, digits,
 * `-`, `.` and `:`, is decided alike. Undefined where the name may decide or the path is an unusual one.
 */
function freeParts(uri: string, policy: Policy): FreeParts {
  const question = uri.indexOf("?");
  const path = question === -1 ? uri : uri.slice(0, question);
  if (path.includes("%") || path.includes("\\") || path.includes("//")) {
    return NONE;
  }
  const parts = path.split("/");
  const isCore = parts[1] === "api";
  if (parts[0] !== "" || (!isCore && parts[1] !== "apis")) {
    return NONE;
  }
  const version = isCore ? 2 : 3;
  const at = parts[version + 1] === "namespaces" ? version + 3 : version + 1;
  const resource = parts[at] ?? "";
  const name = parts[at + 1] ?? "";
  const group = isCore ? "" : (parts[2] ?? "");
  const space = at === version + 3 ? (parts[at - 1] ?? "") : "";
  const spaceStart = parts.slice(0, version + 2).join("/").length + 1;
  const namespace: Part | undefined = NAME.test(space) ? [spaceStart, spaceStart + space.length] : undefined;
  if (SPECIAL.has(resource)) {
    return NONE;
  }
  if (parts.length === at + 1 && NAME.test(resource)) {
    return { name: undefined, namespace };
  }
  if (!NAME.test(name) || isNamed(policy, group, resource, parts[at + 2] ?? "")) {
    return NONE;
  }
  const start = parts.slice(0, at + 1).join("/").length + 1;
  return { name: [start, start + name.length], namespace };
}

const NONE: FreeParts = { name: undefined, namespace: undefined };

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
