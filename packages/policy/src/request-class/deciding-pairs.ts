import type { PolicyRule } from "../policy.ts";
import { LIKELIHOOD } from "./likelihood.ts";
import type { Likelihood } from "./likelihood.ts";
import { nextRule } from "./rule-set.ts";
import type { RuleSet } from "./rule-set.ts";
import { ANONYMOUS, AUTHENTICATED, UNAUTHENTICATED, usualGroups } from "./usual-groups.ts";

/** Two rules that decide one request, each in its policy, and the groups of a user for whom they do. */
export interface DecidingPair {
  /** Numbers in the lists of rules. */
  readonly old: number;
  readonly new: number;
  readonly groups: readonly string[];
  /** Of there being such a user. */
  readonly likelihood: Likelihood;
}

/** Rules of two policies, of which some match a request as far as its groups allow. */
export interface Candidates {
  readonly rules: readonly PolicyRule[];
  /** Rules before this number are of the old policy. Each policy ends with a rule that matches everything. */
  readonly newFrom: number;
  readonly matching: RuleSet;
}

/**
 * Which rules can decide, over all sets of groups that a user of this name can be in. Groups are only ever wanted,
 * never excluded, so the widest set of groups that no earlier rule wants shows whether a rule can be the first.
 */
export function decidingPairs(
  { rules, newFrom, matching }: Candidates,
  user: string | undefined,
): readonly DecidingPair[] {
  const firsts = (from: number, to: number): readonly First[] => firstsOf(rules, matching, from, to);
  const ofNew = firsts(newFrom, rules.length);
  return firsts(0, newFrom).flatMap((a) =>
    ofNew.flatMap((b): DecidingPair[] => {
      const isFree = (group: string): boolean => !a.unwanted.has(group) && !b.unwanted.has(group);
      const forA = pick(a.wanted, isFree, b.wanted);
      const forB = pick(b.wanted, isFree, a.wanted);
      if (forA === undefined || forB === undefined) {
        return [];
      }
      const groups = user === undefined ? [] : [...new Set([...forA, ...forB, ...groupsFor(user, isFree)])];
      return [{ old: a.rule, new: b.rule, groups, likelihood: likelihoodOfUser(user, groups) }];
    }),
  );
}

/** Usual groups of a user that may be given; one of the two that everyone is in, if possible. */
function groupsFor(user: string, isFree: (group: string) => boolean): readonly string[] {
  const usual = usualGroups(user).filter(isFree);
  const isKnown = usual.includes(AUTHENTICATED) || usual.includes(UNAUTHENTICATED);
  return isKnown ? usual : [...usual, ...[AUTHENTICATED, UNAUTHENTICATED].filter(isFree).slice(0, 1)];
}

/**
 * An apiserver puts every user but the anonymous one into system:authenticated, unless a certificate already says
 * system:unauthenticated.
 */
function likelihoodOfUser(user: string | undefined, groups: readonly string[]): Likelihood {
  if (user === undefined) {
    return LIKELIHOOD.usual;
  }
  const isUsual =
    user === ANONYMOUS
      ? groups.every((group) => group === UNAUTHENTICATED)
      : groups.includes(AUTHENTICATED) && !groups.includes(UNAUTHENTICATED);
  const isInOne = groups.includes(AUTHENTICATED) || groups.includes(UNAUTHENTICATED);
  return !isInOne ? LIKELIHOOD.impossible : isUsual ? LIKELIHOOD.usual : LIKELIHOOD.odd;
}

/** A rule that is the first to match if the user is in one of its groups, and in none that earlier ones want. */
interface First {
  readonly rule: number;
  /** Undefined if it asks for no group. */
  readonly wanted: readonly string[] | undefined;
  readonly unwanted: ReadonlySet<string>;
}

function firstsOf(rules: readonly PolicyRule[], matching: RuleSet, from: number, to: number): readonly First[] {
  const found: First[] = [];
  let unwanted: ReadonlySet<string> = new Set();
  for (let rule = nextRule(matching, from); rule !== -1 && rule < to; rule = nextRule(matching, rule + 1)) {
    const { userGroups } = rules[rule]!;
    const wanted = userGroups?.length ? userGroups : undefined;
    found.push({ rule, wanted, unwanted });
    if (wanted === undefined) {
      break;
    }
    unwanted = new Set([...unwanted, ...wanted]);
  }
  return found;
}

/** One group that is wanted and free, best one that the other rule wants too; undefined if there is none. */
function pick(
  wanted: readonly string[] | undefined,
  isFree: (group: string) => boolean,
  alsoWanted: readonly string[] | undefined,
): readonly string[] | undefined {
  if (wanted === undefined) {
    return [];
  }
  const free = wanted.filter(isFree);
  const best =
    free.find((group) => group === AUTHENTICATED) ?? free.find((group) => alsoWanted?.includes(group)) ?? free[0];
  return best === undefined ? undefined : [best];
}
