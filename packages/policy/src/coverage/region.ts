import type { PolicyRule } from "../policy.ts";
import { impliedGroups } from "../request-class/identities.ts";
import { ANYTHING, both, inverse, isEmpty, only } from "./values.ts";
import type { Values } from "./values.ts";

/** Requests of one verb and one resource, by who sends them, where, and about which object. */
export interface Region {
  readonly user: Values;
  /** The sender is in one group of each of these lists, */
  readonly anyGroup: readonly (readonly string[])[];
  /** and in none of these. */
  readonly noGroup: readonly string[];
  readonly namespace: Values;
  readonly name: Values;
}

/** What a rule asks of a request beside its verb and resource; undefined asks nothing. */
export interface RuleMatch {
  readonly users: Values | undefined;
  readonly groups: readonly string[] | undefined;
  readonly namespaces: Values | undefined;
  readonly names: Values | undefined;
}

/** Every request. */
export const EVERYONE: Region = { user: ANYTHING, anyGroup: [], noGroup: [], namespace: ANYTHING, name: ANYTHING };

/** What a rule asks for, given the resource names of its entries that name the resource. */
export function matchOf(rule: PolicyRule, names: Values | undefined): RuleMatch {
  return {
    users: rule.users?.length ? only(rule.users) : undefined,
    groups: rule.userGroups?.length ? rule.userGroups : undefined,
    namespaces: rule.namespaces?.length ? only(rule.namespaces) : undefined,
    names,
  };
}

/** The part of the region that the rule matches, if there is one. */
export function matched(region: Region, match: RuleMatch): Region | undefined {
  return possible({
    user: match.users === undefined ? region.user : both(region.user, match.users),
    anyGroup: match.groups === undefined ? region.anyGroup : [...region.anyGroup, match.groups],
    noGroup: region.noGroup,
    namespace: match.namespaces === undefined ? region.namespace : both(region.namespace, match.namespaces),
    name: match.names === undefined ? region.name : both(region.name, match.names),
  });
}

/** The rest of the region, in parts that do not overlap. */
export function unmatched(region: Region, match: RuleMatch): readonly Region[] {
  const rest: Region[] = [];
  let inside = region;
  const cut = (outside: Region, next: Region): void => {
    const left = possible(outside);
    if (left !== undefined) {
      rest.push(left);
    }
    inside = next;
  };
  if (match.users !== undefined) {
    cut(
      { ...inside, user: both(inside.user, inverse(match.users)) },
      { ...inside, user: both(inside.user, match.users) },
    );
  }
  if (match.groups !== undefined) {
    cut(
      { ...inside, noGroup: [...inside.noGroup, ...match.groups] },
      { ...inside, anyGroup: [...inside.anyGroup, match.groups] },
    );
  }
  if (match.namespaces !== undefined) {
    cut(
      { ...inside, namespace: both(inside.namespace, inverse(match.namespaces)) },
      { ...inside, namespace: both(inside.namespace, match.namespaces) },
    );
  }
  if (match.names !== undefined) {
    cut({ ...inside, name: both(inside.name, inverse(match.names)) }, inside);
  }
  return rest;
}

/** The region without senders that cannot be, or undefined where nobody is left. */
function possible(region: Region): Region | undefined {
  const { user, anyGroup, noGroup, namespace, name } = region;
  if (isEmpty(namespace) || isEmpty(name) || anyGroup.some((list) => list.every((group) => noGroup.includes(group)))) {
    return undefined;
  }
  if (user.kind === "out") {
    // Whoever is not authenticated is in the group of those.
    const isNobody = noGroup.includes("system:authenticated") && noGroup.includes("system:unauthenticated");
    return isNobody ? undefined : region;
  }
  const left = [...user.set].filter((one) => canBe(one, anyGroup, noGroup));
  return left.length === 0 ? undefined : { ...region, user: only(left) };
}

function canBe(user: string, anyGroup: Region["anyGroup"], noGroup: readonly string[]): boolean {
  const implied = impliedGroups(user);
  const isAnonymous = implied.includes("system:unauthenticated");
  return (
    !implied.some((group) => noGroup.includes(group)) &&
    anyGroup.every((list) =>
      list.some(
        (group) =>
          !noGroup.includes(group) && (implied.includes(group) || (!isAnonymous && group !== "system:unauthenticated")),
      ),
    )
  );
}
