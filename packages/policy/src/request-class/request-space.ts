import type { PolicyRule } from "../policy.ts";
import { freshName } from "./fresh-name.ts";
import { ANONYMOUS } from "./usual-groups.ts";
import { pathRepresentatives } from "./path-classes.ts";
import { pathMatches } from "../evaluate.ts";
import { keyOf, ruleSet } from "./rule-set.ts";
import type { RuleSet } from "./rule-set.ts";
import { RESOURCE_VERBS } from "./write-request.ts";

/** Values of one attribute that the same rules match, by one of them. */
export interface ValueClass<T> {
  readonly value: T;
  readonly rules: RuleSet;
}

/**
 * The values of each attribute, in classes that no rule tells apart: the literals of the rules, and one that stands
 * for all others. Rules match by equality, by prefix (of URLs) and by listing; so the classes are exact.
 */
export interface RequestSpace {
  readonly rules: readonly PolicyRule[];
  readonly resourceVerbs: readonly ValueClass<string>[];
  readonly urlVerbs: readonly ValueClass<string>[];
  readonly namespaces: readonly ValueClass<string>[];
  readonly paths: readonly ValueClass<string>[];
  /** By name; undefined is the failed authentication. Groups are no classes: any set of them may go with a name. */
  readonly users: readonly ValueClass<string | undefined>[];
}

/** The space as `rules` see it. */
export function requestSpace(rules: readonly PolicyRule[]): RequestSpace {
  const verbs = literals(rules, (rule) => rule.verbs);
  const namespaces = literals(rules, (rule) => rule.namespaces);
  const names = literals(rules, (rule) => rule.resources?.flatMap(({ resourceNames = [] }) => resourceNames));
  const users = literals(rules, (rule) => rule.users);
  const urls = literals(rules, (rule) => rule.nonResourceURLs);
  const otherVerb = freshName(["trace", "other"], (verb) => verbs.has(verb));
  const otherNamespace = freshName(["default", "prod", "team"], (one) => namespaces.has(one) || names.has(one));
  const otherUser = freshName(["jane", "alice", "user"], (user) => users.has(user));
  const classes = <T>(values: Iterable<T>, matches: (rule: PolicyRule, value: T) => boolean): ValueClass<T>[] =>
    [...new Set(values)].map((value) => ({ value, rules: ruleSet(rules.length, (at) => matches(rules[at]!, value)) }));
  return {
    rules,
    // Each of these is a verb of its own: which names go with it, is not the same for any two.
    resourceVerbs: [
      ...classes(RESOURCE_VERBS, matchesVerb),
      ...distinct(classes([...verbs, otherVerb], matchesVerb).filter(({ value }) => !RESOURCE_VERBS.includes(value))),
    ],
    urlVerbs: distinct(
      classes(["get", "post", "head", "put", "patch", "delete", ...verbs, otherVerb, ""], matchesVerb),
      (verb) => /^[a-z]+$/.test(verb),
    ),
    namespaces: distinct(
      classes([otherNamespace, "", ...namespaces], (rule, one) => isListed(rule.namespaces, one)),
      (namespace) => namespace === "",
    ),
    paths: classes(pathRepresentatives([...urls]), (rule, path) => {
      const specs = rule.nonResourceURLs ?? [];
      return isOfUrls(rule) && (specs.length === 0 || specs.some((spec) => pathMatches(path, spec)));
    }),
    // Who has not logged in is in a group that others are not in.
    users: distinct(
      classes<string | undefined>([otherUser, ANONYMOUS, ...users, undefined], (rule, user) =>
        user === undefined ? !rule.users?.length && !rule.userGroups?.length : isListed(rule.users, user),
      ),
      (user) => user === undefined || user === ANONYMOUS,
    ),
  };
}

function literals(
  rules: readonly PolicyRule[],
  of: (rule: PolicyRule) => readonly string[] | undefined,
): ReadonlySet<string> {
  return new Set(rules.flatMap((rule) => of(rule) ?? []));
}

function isOfUrls(rule: PolicyRule): boolean {
  return !rule.resources?.length && !rule.namespaces?.length;
}

function matchesVerb(rule: PolicyRule, verb: string): boolean {
  return isListed(rule.verbs, verb);
}

function isListed(list: readonly string[] | undefined, value: string): boolean {
  return !list?.length || list.includes(value);
}

/** One class for each set of rules, and for each answer of `tells`. */
function distinct<T>(classes: readonly ValueClass<T>[], tells: (value: T) => unknown = () => ""): ValueClass<T>[] {
  const found = new Map<string, ValueClass<T>>();
  for (const one of classes) {
    const key = `${String(tells(one.value))}\n${keyOf(one.rules)}`;
    if (!found.has(key)) {
      found.set(key, one);
    }
  }
  return [...found.values()];
}
