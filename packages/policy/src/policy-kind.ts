import { goQuote } from "@auditsieve/audit";
import type { SourceNode } from "@auditsieve/audit";

/** Whether a document is a policy as far as its apiVersion and kind say. */
export type PolicyKind =
  | { readonly outcome: "policy"; readonly isInternal: boolean; readonly printed: string }
  | { readonly outcome: "refused"; readonly error: string };

const GROUP = "audit.k8s.io";
const INTERNAL = "__internal";
/** Depends on how an apiserver was built: this is what released binaries print. */
const SCHEME = 'in scheme "pkg/runtime/scheme.go:111"';
const META_KINDS = [
  "WatchEvent",
  "ListOptions",
  "GetOptions",
  "DeleteOptions",
  "CreateOptions",
  "UpdateOptions",
  "PatchOptions",
  "Status",
  "APIVersions",
  "APIGroup",
  "APIGroupList",
  "APIResourceList",
];
const AUDIT_KINDS = ["Event", "EventList", "PolicyList"];

/**
 * Finds apiVersion and kind as the apiserver does, whose search ignores the case of the keys; the rest of the
 * decoding does not.
 *
 * @see https://github.com/kubernetes/apimachinery/blob/v0.37.2/pkg/runtime/serializer/json/meta.go
 */
export function resolvePolicyKind(root: SourceNode, text: string): PolicyKind {
  const found = findTypeMeta(root);
  if (typeof found === "string") {
    return { outcome: "refused", error: `couldn't get version/kind; json parse error: ${found}` };
  }
  const { apiVersion, kind } = found;
  const slashes = apiVersion.split("/").length - 1;
  if (slashes > 1) {
    return { outcome: "refused", error: `unexpected GroupVersion string: ${apiVersion}` };
  }
  const [first = "", second = ""] = apiVersion.split("/");
  let [group, version] = slashes === 0 ? ["", first] : [first, second];
  if (version === "" && (group === "" || group === GROUP)) {
    [group, version] = [GROUP, INTERNAL];
  }
  return classify(group, version, kind === "" ? "Policy" : kind, text);
}

function classify(group: string, version: string, kind: string, text: string): PolicyKind {
  if (version === "") {
    return { outcome: "refused", error: `Object 'apiVersion' is missing in '${text}'` };
  }
  const isInternal = group === GROUP && version === INTERNAL;
  if (group === GROUP && kind === "Policy" && (isInternal || version === "v1")) {
    return { outcome: "policy", isInternal, printed: `${group}/${version}, Kind=${kind}` };
  }
  const type = goTypeOf(group, version, kind);
  if (type !== undefined) {
    return { outcome: "refused", error: `converting (${type}) to (audit.Policy): unknown conversion` };
  }
  const where =
    version === INTERNAL
      ? `the internal version of group ${goQuote(group)}`
      : `version ${goQuote(group === "" ? version : `${group}/${version}`)}`;
  return { outcome: "refused", error: `no kind ${goQuote(kind)} is registered for ${where} ${SCHEME}` };
}

/** Go type of the other kinds that the audit scheme knows. */
function goTypeOf(group: string, version: string, kind: string): string | undefined {
  if (group === GROUP && version === INTERNAL) {
    return AUDIT_KINDS.includes(kind) ? `audit.${kind}` : kind === "WatchEvent" ? "v1.InternalEvent" : undefined;
  }
  if (group === GROUP && version === "v1" && AUDIT_KINDS.includes(kind)) {
    return `v1.${kind}`;
  }
  return version === "v1" && (group === "" || group === GROUP) && META_KINDS.includes(kind) ? `v1.${kind}` : undefined;
}

function findTypeMeta(root: SourceNode): { readonly apiVersion: string; readonly kind: string } | string {
  const result = { apiVersion: "", kind: "" };
  if (root.kind === "null") {
    return result;
  }
  if (root.kind !== "object") {
    const type =
      'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';
    return `json: cannot unmarshal ${goKind(root.kind)} into Go value of type ${type}`;
  }
  let error: string | undefined;
  for (const { key, value } of root.entries) {
    const field = fieldNamed(key);
    if (field === undefined || value.kind === "null") {
      continue;
    }
    if (value.kind === "string") {
      result[field] = value.value;
    } else {
      error ??= `json: cannot unmarshal ${goKind(value.kind)} into Go struct field .${field} of type string`;
    }
  }
  return error ?? result;
}

function goKind(kind: SourceNode["kind"]): string {
  return kind === "boolean" ? "bool" : kind;
}

/** Go folds case by Unicode's simple rules: the long s and the Kelvin sign are letters too. */
function fieldNamed(key: string): "apiVersion" | "kind" | undefined {
  const folded = key.replaceAll("\u017F", "s").replaceAll("\u212A", "k");
  return /^apiversion$/i.test(folded) ? "apiVersion" : /^kind$/i.test(folded) ? "kind" : undefined;
}
