/** A set of rules, by number. */
export type RuleSet = Uint32Array;

/** The rules for which `isIn` holds. */
export function ruleSet(size: number, isIn: (rule: number) => boolean): RuleSet {
  const set = emptyRuleSet(size);
  for (let rule = 0; rule < size; rule++) {
    if (isIn(rule)) {
      set[rule >>> 5]! |= 1 << (rule & 31);
    }
  }
  return set;
}

/** No rule, with room for `size`. */
export function emptyRuleSet(size: number): RuleSet {
  return new Uint32Array(Math.ceil(size / 32));
}

/** Makes `target` the rules that are in both; it may be one of them. */
export function intersectInto(target: RuleSet, a: RuleSet, b: RuleSet): RuleSet {
  for (let word = 0; word < target.length; word++) {
    target[word] = a[word]! & b[word]!;
  }
  return target;
}

/** The first rule of the set that is not before `from`, or -1. */
export function nextRule(set: RuleSet, from: number): number {
  let word = from >>> 5;
  let bits = word < set.length ? set[word]! & (-1 << (from & 31)) : 0;
  while (bits === 0) {
    if (++word >= set.length) {
      return -1;
    }
    bits = set[word]!;
  }
  return (word << 5) + 31 - Math.clz32(bits & -bits);
}

/** Takes out the rules from `from` to before `to`. */
export function removeRange(set: RuleSet, from: number, to: number): void {
  for (let rule = nextRule(set, from); rule !== -1 && rule < to; rule = nextRule(set, rule + 1)) {
    set[rule >>> 5]! &= ~(1 << (rule & 31));
  }
}

/** The set as a key of a Map: equal sets have equal keys. */
export function keyOf(set: RuleSet): string {
  let key = "";
  for (const word of set) {
    key += String.fromCharCode(word & 0xffff, word >>> 16);
  }
  return key;
}
