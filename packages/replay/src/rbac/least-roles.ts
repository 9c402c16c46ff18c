import { createHash } from "node:crypto";
import { describeAccess } from "./access.ts";
import type { Access } from "./access.ts";
import type { BoundRule, RbacRule } from "./rbac-rule.ts";

/** A Role, or a ClusterRole where `namespace` is undefined. */
export interface NamedRole {
  readonly name: string;
  readonly namespace: string | undefined;
  readonly rules: readonly RbacRule[];
}

/** A RoleBinding, or a ClusterRoleBinding where `namespace` is undefined, for the actor. */
export interface NamedBinding {
  readonly name: string;
  readonly namespace: string | undefined;
  readonly role: NamedRole;
}

/** Roles that allow what was used. */
export interface LeastRoles {
  readonly roles: readonly NamedRole[];
  readonly bindings: readonly NamedBinding[];
  /** What of the use cannot be narrowed further by RBAC, or not be granted by it at all. */
  readonly cannotNarrow: readonly string[];
}

/** RBAC may list names; more than these few are a class of objects and no choice. */
export const MAX_RESOURCE_NAMES = 20;

const LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

/** The least roles that allow these accesses: each rule is a product of which every part was used. */
export function leastRoles(actor: string, used: readonly Access[]): LeastRoles {
  const notes: string[] = [];
  const byNamespace = new Map<string | undefined, Access[]>();
  for (const access of used) {
    const problem = inexpressible(access);
    if (problem !== undefined) {
      notes.push(`${describeAccess(access)}: ${problem}`);
      continue;
    }
    const place = placeOf(access);
    byNamespace.set(place, [...(byNamespace.get(place) ?? []), access]);
  }
  const base = baseName(actor);
  const scopes = [...byNamespace].sort(([a], [b]) => ((a ?? "") < (b ?? "") ? -1 : 1));
  const ruled = scopes.map(([namespace, accesses]) => ({ namespace, rules: rulesOf(accesses, namespace, notes) }));
  return { ...bind(base, ruled), cannotNarrow: notes };
}

/** The roles' rules as they are bound. */
export function boundRules({ bindings }: LeastRoles): readonly BoundRule[] {
  return bindings.flatMap(({ namespace, role }) => role.rules.map((rule) => ({ rule, namespace })));
}

/** A namespace object is asked for in its own namespace, where no Role can stand before it is made. */
function placeOf({ resource, namespace }: Access): string | undefined {
  return namespace === "" || /^namespaces(?:\/|$)/.test(resource) ? undefined : namespace;
}

function inexpressible({ verb, resource, namespace, path }: Access): string | undefined {
  if (verb === "" || verb === "*") {
    return "RBAC has no such verb";
  }
  if (resource === "") {
    return path.endsWith("*")
      ? "in RBAC a path that ends in * stands for many"
      : path === ""
        ? "it has no path"
        : undefined;
  }
  if (resource.startsWith("/") || resource.includes("*")) {
    return "it is no resource that a rule can name";
  }
  return namespace !== "" && !LABEL.test(namespace) ? "no namespace can have this name" : undefined;
}

interface VerbUse {
  readonly verb: string;
  /** Undefined: not only by name, or of more names than are listed. */
  readonly names: readonly string[] | undefined;
}

function rulesOf(accesses: readonly Access[], namespace: string | undefined, notes: string[]): readonly RbacRule[] {
  const paths = accesses.filter(({ resource }) => resource === "");
  const objects = accesses.filter(({ resource }) => resource !== "");
  const place = namespace === undefined ? "" : ` in ${namespace}`;
  const parts = group(objects, ({ group: apiGroup, resource }) => JSON.stringify([apiGroup, resource])).flatMap(
    (all) => {
      const [{ group: apiGroup, resource } = NO_ACCESS] = all;
      const uses = group(all, ({ verb }) => verb).map((each) => verbUse(each, `${resource}${place}`, notes));
      // Verbs of the same names share a rule.
      return group(uses, ({ names }) => JSON.stringify(names ?? null)).map((alike) => ({
        apiGroup,
        resource,
        verbs: alike.map(({ verb }) => verb).sort(),
        names: alike[0]?.names,
      }));
    },
  );
  // Resources of one group with the same verbs and names share a rule: every combination was used.
  const merged = group(parts, ({ apiGroup, verbs, names, resource }) =>
    JSON.stringify([apiGroup, verbs, names === undefined ? null : [resource, names]]),
  ).map((alike): RbacRule => {
    const [{ apiGroup, verbs, names } = { apiGroup: "", verbs: [], names: undefined }] = alike;
    return {
      apiGroups: [apiGroup],
      resources: alike.map(({ resource }) => resource).sort(),
      ...(names !== undefined && { resourceNames: names }),
      verbs,
    };
  });
  const urls = group(paths, ({ path }) => path).map((all) => ({
    path: all[0]?.path ?? "",
    verbs: [...new Set(all.map(({ verb }) => verb))].sort(),
  }));
  const byVerbs = group(urls, ({ verbs }) => JSON.stringify(verbs)).map((alike): RbacRule => {
    return { nonResourceURLs: alike.map(({ path }) => path).sort(), verbs: alike[0]?.verbs ?? [] };
  });
  if (namespace === undefined) {
    noteClusterWide(objects, notes);
  }
  return [...merged, ...byVerbs].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

const NO_ACCESS: Access = { verb: "", group: "", resource: "", namespace: "", name: "", path: "" };

function verbUse(accesses: readonly Access[], where: string, notes: string[]): VerbUse {
  const verb = accesses[0]?.verb ?? "";
  const names = [...new Set(accesses.map(({ name }) => name))].sort();
  if (names.includes("")) {
    if (verb === "create" || verb === "deletecollection") {
      notes.push(`${verb} ${where}: it cannot be limited to names`);
    } else if (names.length > 1) {
      notes.push(`${verb} ${where}: used with a name and without one, so not limited to names`);
    }
    return { verb, names: undefined };
  }
  if (names.length > MAX_RESOURCE_NAMES) {
    notes.push(
      `${verb} ${where}: ${names.length} names were used, more than ${MAX_RESOURCE_NAMES}, so not limited to them`,
    );
    return { verb, names: undefined };
  }
  return { verb, names };
}

function noteClusterWide(accesses: readonly Access[], notes: string[]): void {
  for (const { verb, group: apiGroup, resource, namespace, name } of accesses) {
    if (namespace === "" && name === "" && ["list", "watch", "deletecollection"].includes(verb)) {
      const kind = `${resource}${apiGroup === "" ? "" : `.${apiGroup}`}`;
      notes.push(
        `${verb} ${kind} in all namespaces: it allows the same in each namespace, if they are in namespaces at all`,
      );
    }
  }
}

/** Rules that are the same in several namespaces stand once, as a ClusterRole that is bound in each of them. */
function bind(
  base: string,
  ruled: readonly { readonly namespace: string | undefined; readonly rules: readonly RbacRule[] }[],
): Pick<LeastRoles, "roles" | "bindings"> {
  const roles: NamedRole[] = [];
  const bindings: NamedBinding[] = [];
  const namespaced = ruled.filter(({ namespace }) => namespace !== undefined);
  for (const { rules } of ruled.filter(({ namespace }) => namespace === undefined)) {
    const role = { name: base, namespace: undefined, rules };
    roles.push(role);
    bindings.push({ name: base, namespace: undefined, role });
  }
  for (const alike of group(namespaced, ({ rules }) => JSON.stringify(rules))) {
    const [{ rules, namespace } = { rules: [], namespace: undefined }] = alike;
    const isShared = alike.length > 1;
    const suffix = createHash("sha256").update(JSON.stringify(rules)).digest("hex").slice(0, 6);
    const role = { name: isShared ? `${base}-${suffix}` : base, namespace: isShared ? undefined : namespace, rules };
    roles.push(role);
    bindings.push(...alike.map((each) => ({ name: role.name, namespace: each.namespace, role })));
  }
  return { roles, bindings };
}

/** The actor's own name never becomes one of Kubernetes as it is; the hash keeps apart what looks alike. */
function baseName(actor: string): string {
  const words = actor
    .replace(/^system:serviceaccount:/, "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, 40);
  const hash = createHash("sha256").update(actor).digest("hex").slice(0, 6);
  return `auditsieve-${words === "" ? "" : `${words}-`}${hash}`;
}

/** Values in groups of the same key, groups in the order in which they begin. */
function group<T>(values: readonly T[], keyOf: (value: T) => string): readonly (readonly T[])[] {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const key = keyOf(value);
    const known = groups.get(key);
    if (known === undefined) {
      groups.set(key, [value]);
    } else {
      known.push(value);
    }
  }
  return [...groups.values()];
}
