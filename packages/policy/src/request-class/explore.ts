import type { RequestAttributes } from "@auditsieve/audit";
import { BLANK_REQUEST } from "../blank-request.ts";
import type { PolicyRule } from "../policy.ts";
import { decidingPairs } from "./deciding-pairs.ts";
import type { DecidingPair } from "./deciding-pairs.ts";
import { LIKELIHOOD, likelihoodOf } from "./likelihood.ts";
import type { Likelihood } from "./likelihood.ts";
import { PairTable } from "./pair-table.ts";
import { requestSpace } from "./request-space.ts";
import type { RequestSpace, ValueClass } from "./request-space.ts";
import { resourceClasses } from "./resource-classes.ts";
import type { ResourceClass, ResourceSelection } from "./resource-classes.ts";
import { emptyRuleSet, intersectInto, keyOf, nextRule, removeRange } from "./rule-set.ts";
import type { RuleSet } from "./rule-set.ts";

/** A request that shows two rules deciding, each in its policy. */
export interface PairWitness {
  readonly old: number;
  readonly new: number;
  readonly request: RequestAttributes;
  readonly likelihood: Likelihood;
}

/** What {@link explore} looks for. */
export interface Exploration {
  /** The rules of the old policy, then those of the new one; each policy ends with a rule for everything. */
  readonly rules: readonly PolicyRule[];
  readonly newFrom: number;
  /** Whether it is of interest that these two rules decide the same request. */
  readonly isWanted: (old: number, new_: number) => boolean;
  /** Only requests with this verb for this resource. */
  readonly only?: ResourceSelection & { readonly verb: string };
  /** Whether any one pair will do. */
  readonly isFirstEnough?: boolean;
}

/**
 * All pairs of rules that are wanted and decide some request, each with the request that is most like real ones. Exact:
 * a pair that is not found decides no request at all. What has been seen under the same rules is not gone through
 * again, so the work grows with the number of different sets of rules, not with the product of all values.
 */
export function explore(exploration: Exploration): readonly PairWitness[] {
  const search = new Search(exploration);
  search.run();
  return [...search.found.values()];
}

/** Sets of rules that are remembered; without the rest the search takes longer, and finds the same. */
const MAX_SEEN = 200_000;

class Search {
  readonly found = new Map<string, PairWitness>();
  readonly #exploration: Exploration;
  readonly #space: RequestSpace;
  readonly #pairs: PairTable;
  /** By likelihood: sets of rules that have been gone through with a request as likely. */
  readonly #seen: readonly Set<string>[] = [new Set(), new Set(), new Set()];
  /** Rules that are certain to match when all but namespace and user, or but the user, has been looked at. */
  readonly #certainAnywhere: readonly boolean[];
  readonly #certainForAnyone: readonly boolean[];
  readonly #withVerb: RuleSet;
  readonly #withNamespace: RuleSet;
  readonly #withUser: RuleSet;

  constructor(exploration: Exploration) {
    const { rules, newFrom, isWanted } = exploration;
    this.#exploration = exploration;
    this.#space = requestSpace(rules);
    this.#pairs = new PairTable(rules, newFrom, isWanted);
    this.#certainForAnyone = rules.map(({ users, userGroups }) => !users?.length && !userGroups?.length);
    this.#certainAnywhere = rules.map(({ namespaces }, rule) => this.#certainForAnyone[rule]! && !namespaces?.length);
    this.#withVerb = emptyRuleSet(rules.length);
    this.#withNamespace = emptyRuleSet(rules.length);
    this.#withUser = emptyRuleSet(rules.length);
  }

  run(): void {
    const { rules, only } = this.#exploration;
    this.#exploreResources(resourceClasses(rules, only));
    if (only === undefined) {
      this.#exploreUrls();
    }
  }

  #exploreResources(resources: readonly ResourceClass[]): void {
    const { only } = this.#exploration;
    const { resourceVerbs, namespaces } = this.#space;
    for (const verb of resourceVerbs.filter(({ value }) => only === undefined || value === only.verb)) {
      for (const resource of resources) {
        const rules = intersectInto(this.#withVerb, verb.rules, resource.rules);
        this.#cut(rules, this.#certainAnywhere);
        if (!this.#pairs.isOpen(rules, LIKELIHOOD.usual)) {
          continue;
        }
        for (const namespace of namespaces) {
          this.#exploreUsers(intersectInto(this.#withNamespace, rules, namespace.rules), () =>
            this.#resourceRequest(verb.value, resource, namespace),
          );
        }
        if (this.#isDone()) {
          return;
        }
      }
    }
  }

  #exploreUrls(): void {
    for (const path of this.#space.paths) {
      for (const verb of this.#space.urlVerbs) {
        this.#exploreUsers(intersectInto(this.#withNamespace, path.rules, verb.rules), () => ({
          ...BLANK_REQUEST,
          verb: verb.value,
          path: path.value,
        }));
        if (this.#isDone()) {
          return;
        }
      }
    }
  }

  #isDone(): boolean {
    return this.#exploration.isFirstEnough === true && this.found.size > 0;
  }

  #exploreUsers(rules: RuleSet, requestOf: () => RequestAttributes): void {
    this.#cut(rules, this.#certainForAnyone);
    const key = keyOf(rules);
    if (this.#seen[LIKELIHOOD.usual]!.has(key) || !this.#pairs.isOpen(rules, LIKELIHOOD.usual)) {
      return;
    }
    const request = requestOf();
    const likelihood = likelihoodOf(request);
    if (isSeen(this.#seen, key, likelihood) || !this.#pairs.isOpen(rules, likelihood)) {
      return;
    }
    for (const user of this.#space.users) {
      const matching = intersectInto(this.#withUser, rules, user.rules);
      if (this.#pairs.isOpenByGroups(matching, likelihood)) {
        for (const pair of decidingPairs({ ...this.#exploration, matching }, user.value)) {
          this.#note(pair, likelihood, { ...request, user: userOf(user.value, pair) });
        }
      }
    }
  }

  /** Takes out the rules that come after one that is certain to match. */
  #cut(rules: RuleSet, isCertain: readonly boolean[]): void {
    const { newFrom } = this.#exploration;
    for (const [from, to] of [
      [0, newFrom],
      [newFrom, isCertain.length],
    ] as const) {
      let rule = nextRule(rules, from);
      while (!isCertain[rule]) {
        rule = nextRule(rules, rule + 1);
      }
      removeRange(rules, rule + 1, to);
    }
  }

  #note(pair: DecidingPair, likelihood: Likelihood, request: RequestAttributes): void {
    const actual = pair.likelihood < likelihood ? pair.likelihood : likelihood;
    if (this.#pairs.note(pair.old, pair.new, actual)) {
      this.found.set(`${pair.old} ${pair.new}`, { old: pair.old, new: pair.new, request, likelihood: actual });
    }
  }

  #resourceRequest(verb: string, object: ResourceClass, namespace: ValueClass<string>): RequestAttributes {
    const { group, resource, subresource, name } = object;
    const request = {
      ...BLANK_REQUEST,
      isResourceRequest: true,
      verb,
      apiGroup: group,
      apiVersion: "v1",
      resource,
      subresource,
      namespace: namespace.value,
      name,
    };
    // A Namespace lies in itself: of a name and a namespace that no rule tells apart, take one.
    if (resource === "namespaces" && name !== "" && namespace.value !== "" && name !== namespace.value) {
      const { rules } = this.#space;
      if (rules.every((rule) => isNamespaceListed(rule, name) === isNamespaceListed(rule, namespace.value))) {
        return { ...request, namespace: name };
      }
      if (rules.every((rule) => isSameName(rule, name, namespace.value))) {
        return { ...request, name: namespace.value };
      }
    }
    return request;
  }
}

function isSeen(seen: readonly Set<string>[], key: string, likelihood: Likelihood): boolean {
  if (seen.slice(likelihood).some((keys) => keys.has(key))) {
    return true;
  }
  const keys = seen[likelihood]!;
  if (keys.size < MAX_SEEN) {
    keys.add(key);
  }
  return false;
}

function userOf(name: string | undefined, { groups }: DecidingPair): RequestAttributes["user"] {
  return name === undefined ? undefined : { name, groups };
}

function isNamespaceListed(rule: PolicyRule, namespace: string): boolean {
  return rule.namespaces?.includes(namespace) ?? false;
}

function isSameName({ resources = [] }: PolicyRule, a: string, b: string): boolean {
  return resources.every(({ resourceNames = [] }) => resourceNames.includes(a) === resourceNames.includes(b));
}
