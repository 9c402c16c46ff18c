import { isJsonObject, own } from "@auditsieve/audit";
import type { JsonObject, JsonValue } from "@auditsieve/audit";
import type { RbacRule } from "./rbac-rule.ts";

/** Who a binding is for. */
export interface Subject {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** Which role or binding it is. */
export interface RbacName {
  readonly kind: RbacKind;
  /** Undefined of a ClusterRole and a ClusterRoleBinding. */
  readonly namespace: string | undefined;
  readonly name: string;
}

/** A role or a binding, of which a body in the log says what it holds. */
export interface RbacObject extends RbacName {
  /** Of a binding. */
  readonly role: { readonly kind: string; readonly name: string };
  /** Of a binding. */
  readonly subjects: readonly Subject[];
  /** Of a role. */
  readonly rules: readonly RbacRule[];
  /** Its creationTimestamp; empty where the body has none. */
  readonly created: string;
}

/** The kinds of RBAC, by their resources. */
export type RbacKind = "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding";

const KINDS: ReadonlyMap<string, RbacKind> = new Map([
  ["roles", "Role"],
  ["clusterroles", "ClusterRole"],
  ["rolebindings", "RoleBinding"],
  ["clusterrolebindings", "ClusterRoleBinding"],
]);

/** The API group of roles and bindings. */
export const RBAC_GROUP = "rbac.authorization.k8s.io";

/** `Role` of `roles`; undefined of a resource that is none of RBAC. */
export function kindOfResource(resource: string): RbacKind | undefined {
  return KINDS.get(resource);
}

/** A text that is the same for the same role or binding only. */
export function rbacKey(kind: string, namespace: string | undefined, name: string): string {
  return JSON.stringify([kind, namespace ?? "", name]);
}

/** Reads a body of that kind; items of a list do not say it themselves. Undefined for what is none, as a Status. */
export function readRbacObject(kind: RbacKind, body: JsonValue | undefined): RbacObject | undefined {
  if (!isJsonObject(body) || (own(body, "rules") === undefined && own(body, "roleRef") === undefined)) {
    return undefined;
  }
  const metadata = objectIn(body, "metadata");
  const namespace = textIn(metadata, "namespace");
  const role = objectIn(body, "roleRef");
  return {
    kind,
    namespace: namespace === "" ? undefined : namespace,
    name: textIn(metadata, "name"),
    role: { kind: textIn(role, "kind"), name: textIn(role, "name") },
    subjects: objectsIn(body, "subjects").map((subject) => ({
      kind: textIn(subject, "kind"),
      namespace: textIn(subject, "namespace"),
      name: textIn(subject, "name"),
    })),
    rules: objectsIn(body, "rules").map((rule) => ({
      apiGroups: textsIn(rule, "apiGroups"),
      resources: textsIn(rule, "resources"),
      resourceNames: textsIn(rule, "resourceNames"),
      nonResourceURLs: textsIn(rule, "nonResourceURLs"),
      verbs: textsIn(rule, "verbs"),
    })),
    created: textIn(metadata, "creationTimestamp"),
  };
}

/** The user that a subject names; a group is none, and its name tells of nobody. */
export function userOf({ kind, namespace, name }: Subject): string {
  return kind === "ServiceAccount" ? `system:serviceaccount:${namespace}:${name}` : name;
}

/** Whether a binding for `subject` is one for the actor in these groups. */
export function isSubject(subject: Subject, actor: string, groups: readonly string[]): boolean {
  switch (subject.kind) {
    case "User":
    case "ServiceAccount":
      return userOf(subject) === actor;
    case "Group":
      return groups.includes(subject.name);
    default:
      return false;
  }
}

/** `ClusterRoleBinding admins`, `RoleBinding shop/edit`. */
export function rbacText({ kind, namespace, name }: RbacName): string {
  return `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
}

/** `ServiceAccount shop/web`, `Group system:masters`. */
export function subjectText({ kind, namespace, name }: Subject): string {
  return `${kind} ${namespace === "" ? "" : `${namespace}/`}${name}`;
}

/** `get, list: pods, pods/log of apps named web`. */
export function ruleText({
  apiGroups = [],
  resources = [],
  resourceNames = [],
  nonResourceURLs = [],
  verbs,
}: RbacRule): string {
  const groups = apiGroups.filter((group) => group !== "");
  const paths = nonResourceURLs.map((url) => (url === "*" ? "every path" : url));
  return `${verbs.join(", ")}: ${[...resources, ...paths].join(", ")}${
    groups.length > 0 ? ` of ${groups.join(", ")}` : ""
  }${resourceNames.length > 0 ? ` named ${resourceNames.join(", ")}` : ""}`;
}

function objectIn(object: JsonObject, key: string): JsonObject {
  const value = own(object, key);
  return isJsonObject(value) ? value : {};
}

function objectsIn(object: JsonObject, key: string): readonly JsonObject[] {
  const value = own(object, key);
  return Array.isArray(value) ? (value as readonly JsonValue[]).filter(isJsonObject) : [];
}

function textIn(object: JsonObject, key: string): string {
  const value = own(object, key);
  return typeof value === "string" ? value : "";
}

function textsIn(object: JsonObject, key: string): readonly string[] {
  const value = own(object, key);
  return Array.isArray(value) ? (value as readonly JsonValue[]).filter((each) => typeof each === "string") : [];
}
