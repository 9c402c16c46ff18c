import type { RequestAttributes } from "@auditsieve/audit";
import { impliedGroups, KINDS_OF_USERS, memberOf } from "../request-class/identities.ts";
import type { Cell } from "./cells.ts";
import type { Region } from "./region.ts";
import { isIn } from "./values.ts";
import type { Values } from "./values.ts";

/** Which parts of a request a witness only exemplifies: others like it differ there. */
export type Free = "user" | "namespace" | "name" | "group" | "resource";

/** A request of a region. */
export interface CoverageWitness {
  readonly request: RequestAttributes;
  readonly free: readonly Free[];
  /** Whether a request like this one may come from a user of this name. */
  readonly admits: (user: string) => boolean;
}

const MOST_USERS = 128;
const NAMELESS: ReadonlySet<string> = new Set(["list", "watch", "create", "deletecollection"]);

/** Requests of the region: one of each sender that it names, or of each kind that it allows, in each kind of place. */
export function witnessesOf(cell: Cell, region: Region): readonly CoverageWitness[] {
  const free: readonly Free[] = [
    ...(region.user.kind === "out" ? (["user"] as const) : []),
    ...(region.namespace.kind === "out" ? (["namespace"] as const) : []),
    ...(region.name.kind === "out" ? (["name"] as const) : []),
    ...(cell.kind === "resource" && cell.isAnyGroup ? (["group"] as const) : []),
    ...(cell.kind === "resource" && cell.isAnyResource ? (["resource"] as const) : []),
  ];
  const admits = (user: string): boolean =>
    isIn(region.user, user) && groupsFor(user, region.anyGroup, region.noGroup) !== undefined;
  return usersOf(region).flatMap((user) =>
    objectsOf(cell, region).map((object) => ({ request: { user, verb: cell.verb, ...object }, free, admits })),
  );
}

type User = NonNullable<RequestAttributes["user"]>;

function usersOf({ user, anyGroup, noGroup }: Region): readonly User[] {
  const members = anyGroup.flatMap((list) => list.map(memberOf).filter((name) => name !== undefined));
  const names = user.kind === "in" ? [...user.set].slice(0, MOST_USERS) : fresh(user, [...members, ...KINDS_OF_USERS]);
  return names.flatMap((name) => {
    const groups = groupsFor(name, anyGroup, noGroup);
    return groups === undefined ? [] : [{ name, groups }];
  });
}

/** The names that are not taken; of a node or a person there is always another one. */
function fresh(values: Values, names: readonly string[]): readonly string[] {
  return [...new Set(names.flatMap((name) => [name, `${name}-2`].find((each) => isIn(values, each)) ?? []))];
}

/** Groups by which a user of this name is in the region, if it can be. */
function groupsFor(
  name: string,
  anyGroup: Region["anyGroup"],
  noGroup: readonly string[],
): readonly string[] | undefined {
  const implied = impliedGroups(name);
  if (implied.some((group) => noGroup.includes(group))) {
    return undefined;
  }
  const isAnonymous = implied.includes("system:unauthenticated");
  const groups = new Set(implied);
  for (const list of anyGroup) {
    const group = list.find((one) => groups.has(one)) ?? list.find((one) => !noGroup.includes(one) && isJoinable(one));
    if (group === undefined || (isAnonymous && !groups.has(group))) {
      return undefined;
    }
    groups.add(group);
  }
  return [...groups];
}

/** Whether one can be a member without having a certain name. */
function isJoinable(group: string): boolean {
  return memberOf(group) === undefined;
}

type RequestObject = Omit<RequestAttributes, "user" | "verb">;

function objectsOf(cell: Cell, { namespace, name }: Region): readonly RequestObject[] {
  if (cell.kind === "url") {
    return [{ ...NO_OBJECT, isResourceRequest: false, path: cell.path }];
  }
  const { group, resource, subresource, verb } = cell;
  const isOfMany = verb === "list" || verb === "watch";
  const isNameless = NAMELESS.has(verb) && subresource === "";
  const names = pick(name, isNameless ? ["", "x", "y"] : ["x", "y"]).slice(0, 4);
  return pick(namespace, isOfMany ? ["", "default", "prod"] : ["default", "prod", ""])
    .slice(0, 4)
    .flatMap((each) =>
      names.map((named) => ({
        isResourceRequest: true,
        apiGroup: group,
        apiVersion: "v1",
        resource,
        subresource,
        namespace: each,
        name: named,
        path: pathOf(group, resource, subresource, each, named),
      })),
    );
}

/** The values of a set; of all but a set, of the candidates that are left the first that is a name, and the empty one; in their order. */
function pick(values: Values, candidates: readonly string[]): readonly string[] {
  if (values.kind === "in") {
    return [...values.set];
  }
  const left = candidates.filter((one) => isIn(values, one));
  const named = left.find((one) => one !== "");
  return left.filter((one) => one === "" || one === named);
}

function pathOf(group: string, resource: string, subresource: string, namespace: string, name: string): string {
  const root = group === "" ? "/api/v1" : `/apis/${group}/v1`;
  const place = namespace === "" || resource === "namespaces" ? "" : `/namespaces/${namespace}`;
  return [`${root}${place}/${resource}`, name, subresource].filter((part) => part !== "").join("/");
}

const NO_OBJECT = { apiGroup: "", apiVersion: "", resource: "", subresource: "", namespace: "", name: "" } as const;
