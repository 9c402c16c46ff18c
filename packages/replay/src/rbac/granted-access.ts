import { isJsonObject, own } from "@auditsieve/audit";
import type { JsonObject, JsonValue } from "@auditsieve/audit";
import type { ReplayedEvent, ReplayVisitor } from "../replayed-event.ts";
import { ruleAllows } from "./rbac-rule.ts";
import type { RbacRule } from "./rbac-rule.ts";
import { describeKind } from "./access.ts";
import type { Access } from "./access.ts";

/** A rule that the log shows as granted to the actor. */
export interface Grant {
  /** `ClusterRoleBinding admins`, `RoleBinding shop/edit`. */
  readonly binding: string;
  readonly role: string;
  readonly namespace: string | undefined;
  readonly rule: RbacRule;
}

/** What a binding grants and was never used: verbs of resources or of paths. */
export interface UnusedGrant {
  readonly binding: string;
  readonly role: string;
  /** Pairs of verb and resource that the role allows; one with a wildcard counts as one. */
  readonly granted: number;
  /** The pairs that were never used. */
  readonly unused: readonly string[];
  /** Pairs with a wildcard of which something was used, and which allow far more. */
  readonly wildcards: readonly string[];
}

const KINDS: ReadonlySet<string> = new Set(["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"]);
const RESOURCES: ReadonlySet<string> = new Set(["roles", "clusterroles", "rolebindings", "clusterrolebindings"]);
const GROUP = "rbac.authorization.k8s.io";
const MOST_OBJECTS = 100_000;
const MOST_PAIRS = 2000;

/** Looks on while a log is replayed, and gathers roles and bindings out of answers that carry them. */
export class GrantedAccessVisitor implements ReplayVisitor {
  readonly #objects = new Map<string, JsonObject>();

  begin(): void {
    this.#objects.clear();
  }

  event(event: ReplayedEvent): void {
    const { scan } = event;
    if (scan.text("objectRef.apiGroup") !== GROUP || !RESOURCES.has(scan.text("objectRef.resource") ?? "")) {
      return;
    }
    const { verb, objectRef, responseObject, responseStatus } = event.original();
    if ((responseStatus?.code ?? 0) >= 300) {
      return;
    }
    if (verb === "delete" && objectRef?.name !== undefined) {
      this.#objects.delete(keyOf(kindOf(objectRef.resource ?? ""), objectRef.namespace, objectRef.name));
      return;
    }
    if (isJsonObject(responseObject)) {
      const kind = text(responseObject, "kind");
      const items = own(responseObject, "items");
      if (kind.endsWith("List") && Array.isArray(items)) {
        (items as readonly JsonValue[]).forEach((item) => this.#put(kind.slice(0, -4), item));
      } else {
        this.#put(kind, responseObject);
      }
    }
  }

  /** How many roles and bindings the log shows. */
  get objects(): number {
    return this.#objects.size;
  }

  /** The rules that are bound to the actor or one of its groups at the end of the log. */
  grantsOf(actor: string, groups: readonly string[]): readonly Grant[] {
    return [...this.#objects.values()].flatMap((object) => {
      const kind = text(object, "kind");
      if (!kind.endsWith("Binding") || !isSubject(object, actor, groups)) {
        return [];
      }
      const namespace = kind === "RoleBinding" ? text(metadata(object), "namespace") : undefined;
      const name = text(metadata(object), "name");
      const roleRef = own(object, "roleRef");
      const [roleKind, roleName] = isJsonObject(roleRef) ? [text(roleRef, "kind"), text(roleRef, "name")] : ["", ""];
      const role = this.#objects.get(keyOf(roleKind, roleKind === "Role" ? namespace : undefined, roleName));
      const binding = `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
      return rulesOf(role).map((rule) => ({ binding, role: `${roleKind} ${roleName}`, namespace, rule }));
    });
  }

  #put(kind: string, object: JsonValue): void {
    if (!KINDS.has(kind) || !isJsonObject(object) || this.#objects.size >= MOST_OBJECTS) {
      return;
    }
    const { namespace, name } = {
      namespace: text(metadata(object), "namespace"),
      name: text(metadata(object), "name"),
    };
    this.#objects.set(keyOf(kind, namespace === "" ? undefined : namespace, name), { ...object, kind });
  }
}

/** What of the grants was never used, by binding, in verbs of resources and paths. */
export function unusedGrants(grants: readonly Grant[], used: readonly Access[]): readonly UnusedGrant[] {
  const bindings = Map.groupBy(grants, ({ binding }) => binding);
  return [...bindings].flatMap(([binding, rules]) => {
    const namespace = rules[0]?.namespace;
    const inPlace = used.filter((access) => namespace === undefined || access.namespace === namespace);
    const parts = new Map(rules.flatMap(({ rule }) => partsOf(rule).map(({ part, words }) => [words, part] as const)));
    const isUsed = (part: RbacRule): boolean => inPlace.some((access) => ruleAllows(part, access));
    const unused = [...parts].filter(([, part]) => !isUsed(part)).map(([words]) => words);
    const wildcards = [...parts].filter(([, part]) => isWild(part) && isUsed(part)).map(([words]) => words);
    return unused.length + wildcards.length === 0
      ? []
      : [{ binding, role: rules[0]?.role ?? "", granted: parts.size, unused: unused.slice(0, MOST_PAIRS), wildcards }];
  });
}

function isWild({ apiGroups = [], resources = [], nonResourceURLs = [], verbs }: RbacRule): boolean {
  return [apiGroups, resources, verbs, nonResourceURLs].some((list) => list.some((each) => each.includes("*")));
}

/** One rule for each pair of verb and resource or path. */
function partsOf(rule: RbacRule): readonly { readonly part: RbacRule; readonly words: string }[] {
  const { apiGroups = [], resources = [], resourceNames, nonResourceURLs = [], verbs } = rule;
  const names = resourceNames === undefined || resourceNames.length === 0 ? {} : { resourceNames };
  const shown = "resourceNames" in names ? ` ${names.resourceNames.join(",")}` : "";
  return verbs.flatMap((verb) => [
    ...apiGroups.flatMap((group) =>
      resources.map((resource) => ({
        part: { apiGroups: [group], resources: [resource], ...names, verbs: [verb] },
        words: `${verb} ${describeKind(group, resource)}${shown}`,
      })),
    ),
    ...nonResourceURLs.map((url) => ({ part: { nonResourceURLs: [url], verbs: [verb] }, words: `${verb} ${url}` })),
  ]);
}

function isSubject(binding: JsonObject, actor: string, groups: readonly string[]): boolean {
  const subjects = own(binding, "subjects");
  return (
    Array.isArray(subjects) &&
    (subjects as readonly JsonValue[]).filter(isJsonObject).some((subject) => {
      const name = text(subject, "name");
      switch (text(subject, "kind")) {
        case "User":
          return name === actor;
        case "Group":
          return groups.includes(name);
        case "ServiceAccount":
          return `system:serviceaccount:${text(subject, "namespace")}:${name}` === actor;
        default:
          return false;
      }
    })
  );
}

function rulesOf(role: JsonObject | undefined): readonly RbacRule[] {
  const rules = role === undefined ? undefined : own(role, "rules");
  return Array.isArray(rules)
    ? (rules as readonly JsonValue[]).filter(isJsonObject).map((rule) => ({
        apiGroups: texts(rule, "apiGroups"),
        resources: texts(rule, "resources"),
        resourceNames: texts(rule, "resourceNames"),
        nonResourceURLs: texts(rule, "nonResourceURLs"),
        verbs: texts(rule, "verbs"),
      }))
    : [];
}

function kindOf(resource: string): string {
  return [...KINDS].find((kind) => `${kind.toLowerCase()}s` === resource) ?? "";
}

function keyOf(kind: string, namespace: string | undefined, name: string): string {
  return JSON.stringify([kind, namespace ?? "", name]);
}

function metadata(object: JsonObject): JsonObject {
  const value = own(object, "metadata");
  return isJsonObject(value) ? value : {};
}

function text(object: JsonObject, key: string): string {
  const value = own(object, key);
  return typeof value === "string" ? value : "";
}

function texts(object: JsonObject, key: string): readonly string[] {
  const value = own(object, key);
  return Array.isArray(value) ? (value as readonly JsonValue[]).filter((each) => typeof each === "string") : [];
}
