/**
 * The parts of a request that the apiserver reads off its URL path.
 *
 * @see https://github.com/kubernetes/apiserver/blob/master/pkg/endpoints/request/requestinfo.go
 */
export interface RequestInfo {
  readonly isResourceRequest: boolean;
  readonly apiGroup: string;
  readonly apiVersion: string;
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
  /** Decoded, without the query. */
  readonly path: string;
}

const VERBS_IN_PATH = new Set(["proxy", "watch"]);
const NAMESPACE_SUBRESOURCES = new Set(["status", "finalize"]);

/**
 * Reads `requestURI` (as it stands in an audit event: path percent-encoded, then the query) as upstream does.
 * `verb` is the audit event's verb; it decides only whether a field selector may name the object.
 *
 * @example
 * const info = requestInfo("/api/v1/namespaces/shop/pods/web/exec?command=sh", "get");
 * assert.deepEqual([info.resource, info.subresource, info.namespace, info.name], ["pods", "exec", "shop", "web"]);
 */
export function requestInfo(requestURI: string, verb: string): RequestInfo {
  const question = requestURI.indexOf("?");
  const path = decodePath(question === -1 ? requestURI : requestURI.slice(0, question));
  const nonResource: RequestInfo = {
    isResourceRequest: false,
    apiGroup: "",
    apiVersion: "",
    namespace: "",
    resource: "",
    subresource: "",
    name: "",
    path,
  };
  const parts = splitPath(path);
  const prefix = parts[0];
  if (parts.length < 3 || (prefix !== "api" && prefix !== "apis") || (prefix === "apis" && parts.length < 4)) {
    return nonResource;
  }
  const apiGroup = prefix === "apis" ? (parts[1] ?? "") : "";
  const versionAt = prefix === "apis" ? 2 : 1;
  const apiVersion = parts[versionAt] ?? "";
  let rest = parts.slice(versionAt + 1);
  let pathVerb: string | undefined;
  if (VERBS_IN_PATH.has(rest[0] ?? "")) {
    if (rest.length < 2) {
      // Upstream answers with an error and hands on what it has read so far.
      return { ...nonResource, isResourceRequest: true, apiGroup, apiVersion };
    }
    pathVerb = rest[0];
    rest = rest.slice(1);
  }
  let namespace = "";
  if (rest[0] === "namespaces" && rest.length > 1) {
    namespace = rest[1] ?? "";
    if (rest.length > 2 && !NAMESPACE_SUBRESOURCES.has(rest[2] ?? "")) {
      rest = rest.slice(2);
    }
  }
  const name = rest[1] ?? "";
  return {
    isResourceRequest: true,
    apiGroup,
    apiVersion,
    namespace,
    resource: rest[0] ?? "",
    subresource: rest.length >= 3 && pathVerb !== "proxy" ? (rest[2] ?? "") : "",
    name: name === "" && pathVerb === undefined && isSelecting(verb) ? selectedName(requestURI, question) : name,
    path,
  };
}

/** Whether a nameless GET of this verb may take its name from `fieldSelector=metadata.name=x`. */
function isSelecting(verb: string): boolean {
  return verb === "list" || verb === "watch";
}

function selectedName(requestURI: string, question: number): string {
  // Most lists select nothing, and taking a query apart takes longer than all else here.
  if (question === -1 || !/fieldSelector|%/.test(requestURI.slice(question))) {
    return "";
  }
  const selector = new URLSearchParams(requestURI.slice(question + 1)).get("fieldSelector") ?? "";
  for (const term of selector.split(/(?<!\\),/)) {
    const match = /^metadata\.name==?([^=!].*)$/s.exec(term);
    const name = match?.[1]?.replaceAll(/\\([\\,=])/g, "$1");
    if (name !== undefined && isPathSegment(name)) {
      return name;
    }
  }
  return "";
}

/** @see https://github.com/kubernetes/apimachinery/blob/master/pkg/api/validation/path/name.go */
function isPathSegment(name: string): boolean {
  return name !== "." && name !== ".." && !name.includes("/") && !name.includes("%");
}

/** As Go's url.PathUnescape, which takes any bytes: what is no UTF-8 becomes U+FFFD, a broken escape leaves the path as it is. */
function decodePath(path: string): string {
  if (!path.includes("%")) {
    return path;
  }
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) {
    return path;
  }
  const raw = Buffer.from(path, "utf8");
  const decoded: number[] = [];
  for (let at = 0; at < raw.length; at++) {
    if (raw[at] === PERCENT) {
      decoded.push(Number.parseInt(raw.toString("latin1", at + 1, at + 3), 16));
      at += 2;
    } else {
      decoded.push(raw[at] as number);
    }
  }
  return Buffer.from(decoded).toString("utf8");
}

const PERCENT = 37;

function splitPath(path: string): string[] {
  const trimmed = path.replace(/^\/+/, "").replace(/\/+$/, "");
  return trimmed === "" ? [] : trimmed.split("/");
}
