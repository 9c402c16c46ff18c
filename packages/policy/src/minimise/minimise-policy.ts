import { decideAlike, decideAlikeBut, decidingRules } from "../diff/diff-policies.ts";
import type { Policy, PolicyRule } from "../policy.ts";
import { joinRules } from "./join-rules.ts";
import { shorterRules } from "./shorter-rules.ts";
import type { ShorterRule } from "./shorter-rules.ts";
import { tidyRule } from "./tidy-rule.ts";

/** Something that was left out of a policy without a change of what it decides. */
export type Omission =
  /** The rule decides no request: earlier ones take all that it matches, or nothing can match it. */
  | { readonly kind: "unreachable"; readonly rule: number }
  /** What the rule decides, later ones decide alike. */
  | { readonly kind: "redundant"; readonly rule: number }
  /** The rule is now part of another. */
  | { readonly kind: "joined"; readonly rule: number; readonly into: number }
  /** A list that makes no difference: what it excludes is decided alike without it. */
  | { readonly kind: "list"; readonly rule: number; readonly field: string }
  /** A value of a list that makes no difference. */
  | { readonly kind: "value"; readonly rule: number; readonly field: string; readonly value: string };

/** What {@link minimisePolicy} gives. */
export interface MinimisedPolicy {
  readonly policy: Policy;
  /** For each rule, the indexes of those that it was made of. */
  readonly origins: readonly (readonly number[])[];
  readonly omissions: readonly Omission[];
}

/**
 * A policy that decides every request as the given one does, from which no rule and no value can be left out, and of
 * which no two rules that differ in one list can be joined. Each step is proven before it is taken, and the whole at
 * the end.
 *
 * @example
 * const rules = [
 *   { level: "None", verbs: ["get"] }, { level: "None", verbs: ["get", "list"] }, { level: "Metadata" },
 *   { level: "Request", verbs: ["create"] },
 * ];
 * const { policy, omissions } = minimisePolicy({ rules });
 * assert.deepEqual(policy.rules, [{ level: "None", verbs: ["get", "list"] }, { level: "Metadata" }]);
 * assert.deepEqual(omissions.map(({ kind }) => kind), ["unreachable", "redundant"]);
 */
export function minimisePolicy(original: Policy): MinimisedPolicy {
  const state = new Minimising(original);
  let size: number;
  do {
    size = state.omissions.length;
    state.dropRules();
    state.joinAll();
    state.dropLists();
    state.dropValues();
  } while (state.omissions.length > size);
  if (!decideAlike(original, state.policy)) {
    throw new Error("Expected the shorter policy to decide alike");
  }
  return { policy: state.policy, origins: state.origins, omissions: state.omissions };
}

const MATCHERS = ["users", "userGroups", "verbs", "resources", "namespaces", "nonResourceURLs"] as const;

class Minimising {
  policy: Policy;
  origins: readonly (readonly number[])[];
  readonly omissions: Omission[] = [];

  constructor(original: Policy) {
    this.policy = { ...original, rules: original.rules.map((rule) => tidyRule(rule, original)) };
    this.origins = original.rules.map((_, index) => [index]);
  }

  dropRules(): void {
    const deciding = decidingRules(this.policy);
    for (let at = this.policy.rules.length - 1; at >= 0 && this.policy.rules.length > 1; at--) {
      const shorter = this.#with(this.policy.rules.toSpliced(at, 1));
      const isReached = deciding.has(at);
      if (!isReached || decideAlikeBut(this.policy, shorter, at)) {
        const [rule = at] = this.origins[at]!;
        this.omissions.push({ kind: isReached ? "redundant" : "unreachable", rule });
        this.#take(shorter, this.origins.toSpliced(at, 1));
      }
    }
  }

  joinAll(): void {
    for (let a = 0; a < this.policy.rules.length; a++) {
      for (let b = a + 1; b < this.policy.rules.length; b++) {
        if (this.#join(a, b)) {
          b = a;
        }
      }
    }
  }

  /** Puts two rules together in the place of either, if that changes nothing. */
  #join(a: number, b: number): boolean {
    const { rules } = this.policy;
    const joined = joinRules(rules[a]!, rules[b]!);
    const rule = joined && tidyRule(joined, this.policy);
    if (rule === undefined) {
      return false;
    }
    const origin = [...this.origins[a]!, ...this.origins[b]!].toSorted((x, y) => x - y);
    for (const [kept, left] of [
      [a, b],
      [b, a],
    ] as const) {
      const shorter = this.#with(rules.with(kept, rule).toSpliced(left, 1));
      if (decideAlike(this.policy, shorter)) {
        this.omissions.push({ kind: "joined", rule: this.origins[left]![0]!, into: this.origins[kept]![0]! });
        this.#take(shorter, this.origins.with(kept, origin).toSpliced(left, 1));
        return true;
      }
    }
    return false;
  }

  /** Leaves out lists where what they exclude is decided alike without them. */
  dropLists(): void {
    for (let at = 0; at < this.policy.rules.length; at++) {
      for (const field of MATCHERS) {
        const { [field]: list, ...wider } = this.policy.rules[at]!;
        const candidate = this.#with(this.policy.rules.with(at, wider));
        if (list !== undefined && decideAlike(this.policy, candidate)) {
          this.omissions.push({ kind: "list", rule: this.origins[at]![0]!, field });
          this.#take(candidate, this.origins);
        }
      }
    }
  }

  dropValues(): void {
    for (let at = 0; at < this.policy.rules.length; at++) {
      const kept = new Set<string>();
      for (let next = this.#shorterBut(kept, at); next !== undefined; next = this.#shorterBut(kept, at)) {
        const { field, value } = next;
        this.omissions.push({ kind: "value", rule: this.origins[at]![0]!, field, value });
        this.#take(this.#with(this.policy.rules.with(at, tidyRule(next.rule, this.policy))), this.origins);
      }
    }
  }

  /** A rule without a value that makes no difference; those that make one are added to `kept`. */
  #shorterBut(kept: Set<string>, at: number): ShorterRule | undefined {
    for (const shorter of shorterRules(this.policy.rules[at]!)) {
      const key = `${shorter.field} ${shorter.value}`;
      if (!kept.has(key)) {
        if (this.#isAlikeWith(at, shorter.rule)) {
          return shorter;
        }
        kept.add(key);
      }
    }
    return undefined;
  }

  /** Only what the rule decides now can be decided otherwise with a narrower one. */
  #isAlikeWith(at: number, narrower: PolicyRule): boolean {
    return decideAlikeBut(this.policy, this.#with(this.policy.rules.with(at, narrower)), at);
  }

  #with(rules: readonly PolicyRule[]): Policy {
    return { ...this.policy, rules };
  }

  #take(policy: Policy, origins: readonly (readonly number[])[]): void {
    this.policy = policy;
    this.origins = origins;
  }
}
