import type { PolicyRule } from "../policy.ts";
import type { Likelihood } from "./likelihood.ts";
import { nextRule } from "./rule-set.ts";
import type { RuleSet } from "./rule-set.ts";

/** Which pairs of rules are wanted, and how likely a request is by which each has been found so far. */
export class PairTable {
  readonly #found: Int8Array;
  readonly #size: number;
  readonly #newFrom: number;
  /** Whether a rule asks for no group: no user that it matches gets past it. */
  readonly #isOfAnyGroup: readonly boolean[];

  constructor(rules: readonly PolicyRule[], newFrom: number, isWanted: (old: number, new_: number) => boolean) {
    this.#size = rules.length;
    this.#newFrom = newFrom;
    this.#found = new Int8Array(newFrom * rules.length).fill(UNWANTED);
    this.#isOfAnyGroup = rules.map(({ userGroups }) => !userGroups?.length);
    for (let old = 0; old < newFrom; old++) {
      for (let new_ = newFrom; new_ < rules.length; new_++) {
        if (isWanted(old, new_)) {
          this.#found[old * rules.length + new_] = NOT_FOUND;
        }
      }
    }
  }

  /** Takes note of a pair; false if it is not wanted, or known by a request as likely. */
  note(old: number, new_: number, likelihood: Likelihood): boolean {
    const at = old * this.#size + new_;
    if (this.#found[at]! >= likelihood) {
      return false;
    }
    this.#found[at] = likelihood;
    return true;
  }

  /** Whether some pair of these rules is wanted and not known by a request as likely. */
  isOpen(rules: RuleSet, likelihood: Likelihood): boolean {
    for (let old = nextRule(rules, 0); old !== -1 && old < this.#newFrom; old = nextRule(rules, old + 1)) {
      for (let new_ = nextRule(rules, this.#newFrom); new_ !== -1; new_ = nextRule(rules, new_ + 1)) {
        if (this.#found[old * this.#size + new_]! < likelihood) {
          return true;
        }
      }
    }
    return false;
  }

  /** The same for rules that match but for their groups: of each policy the first, and those before which groups stand. */
  isOpenByGroups(rules: RuleSet, likelihood: Likelihood): boolean {
    for (let old = nextRule(rules, 0); ; old = nextRule(rules, old + 1)) {
      for (let new_ = nextRule(rules, this.#newFrom); ; new_ = nextRule(rules, new_ + 1)) {
        if (this.#found[old * this.#size + new_]! < likelihood) {
          return true;
        }
        if (this.#isOfAnyGroup[new_]) {
          break;
        }
      }
      if (this.#isOfAnyGroup[old]) {
        return false;
      }
    }
  }
}

const UNWANTED = 3;
const NOT_FOUND = -1;
