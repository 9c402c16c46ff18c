import type { RequestAttributes } from "@auditsieve/audit";
import { evaluate } from "../evaluate.ts";
import type { Policy, PolicyRule } from "../policy.ts";
import { explore } from "../request-class/explore.ts";
import type { PairWitness } from "../request-class/explore.ts";
import { LIKELIHOOD } from "../request-class/likelihood.ts";
import { writeRequest } from "../request-class/write-request.ts";
import { writeKubectl } from "../request-class/write-kubectl.ts";
import { isLessVisible, isSameRecording, isSameWriting, recordingsOf } from "./decision-change.ts";
import type { Recording } from "./decision-change.ts";
import { mergeChanges } from "./merge-changes.ts";
import type { PolicyChange, Witness } from "./policy-change.ts";
import { intersectRegions, regionOf } from "./request-region.ts";
import { holdsMoreSecrets, SECRET_CLASSES } from "./secret-classes.ts";

/** What {@link diffPolicies} gives. */
export interface PolicyDiff {
  /** What is recorded differently: usual requests first, of these what can be seen less, then in the order of rules. */
  readonly changes: readonly PolicyChange[];
  /**
   * Decisions that differ to no effect: no request has these attributes, or both levels are None, at which stages
   * and managed fields do not matter.
   */
  readonly withoutEffect: readonly PolicyChange[];
}

/**
 * All requests that two policies record differently, in classes. Exact: what is in no class is recorded alike, and
 * each class holds a request, its witness, that both policies have been asked about.
 *
 * @example
 * const older = { rules: [{ level: "Metadata" }] };
 * const newer = { rules: [{ level: "None", verbs: ["watch"] }, { level: "Metadata" }] };
 * const [change] = diffPolicies(older, newer).changes;
 * assert.equal(change.isLessVisible, true);
 * assert.deepEqual(change.requests, { verbs: ["watch"] });
 * assert.equal(change.witness.kubectl, "kubectl get pods -n default --watch-only");
 */
export function diffPolicies(older: Policy, newer: Policy): PolicyDiff {
  const [from, to] = [recordingsOf(older), recordingsOf(newer)];
  const space = joinedRules(older, newer);
  const isWanted = (old: number, new_: number): boolean => !isSameRecording(from[old]!, to[new_ - space.newFrom]!);
  const secrets = secretPairs(older, newer);
  const changes = explore({ ...space, isWanted })
    .toSorted((a, b) => a.old - b.old || a.new - b.new)
    .map((pair) => {
      const [before, after] = [from[pair.old]!, to[pair.new - space.newFrom]!];
      return {
        pair,
        change: changeOf(older, newer, pair, before, after, secrets.get(`${pair.old} ${pair.new}`) ?? []),
      };
    });
  const isEffective = ({ pair, change }: (typeof changes)[number]): boolean =>
    pair.likelihood !== LIKELIHOOD.impossible && !isSameWriting(change.from, change.to);
  const effective = mergeChanges(changes.filter(isEffective).map(({ change }) => change));
  return {
    changes: inOrder(effective),
    withoutEffect: mergeChanges(changes.filter((one) => !isEffective(one)).map(({ change }) => change)),
  };
}

/** Those of one kind together; kinds as they come, but the usual first, and of these what can be seen less. */
function inOrder(changes: readonly PolicyChange[]): readonly PolicyChange[] {
  const kinds = Map.groupBy(changes, ({ from, to, isUsual }) => JSON.stringify([from, to, isUsual]));
  return [...kinds.values()]
    .flat()
    .toSorted((a, b) => Number(b.isUsual) - Number(a.isUsual) || Number(b.isLessVisible) - Number(a.isLessVisible));
}

/**
 * Whether two policies decide every request alike, to the letter; which rule decides does not matter.
 *
 * @example
 * const older = { rules: [{ level: "None", verbs: ["get"] }, { level: "None", verbs: ["list"] }] };
 * assert.ok(decideAlike(older, { rules: [{ level: "None", verbs: ["list", "get"] }] }));
 */
export function decideAlike(older: Policy, newer: Policy): boolean {
  const [from, to] = [recordingsOf(older), recordingsOf(newer)];
  const space = joinedRules(older, newer);
  const isWanted = (old: number, new_: number): boolean => !isSameRecording(from[old]!, to[new_ - space.newFrom]!);
  return explore({ ...space, isWanted, isFirstEnough: true }).length === 0;
}

/** {@link decideAlike}, where only requests that one rule of the older policy decides can be decided otherwise. */
export function decideAlikeBut(older: Policy, newer: Policy, rule: number): boolean {
  const [from, to] = [recordingsOf(older), recordingsOf(newer)];
  const space = joinedRules(older, newer);
  const isWanted = (old: number, new_: number): boolean =>
    old === rule && !isSameRecording(from[old]!, to[new_ - space.newFrom]!);
  return explore({ ...space, isWanted, isFirstEnough: true }).length === 0;
}

/** Indexes of the rules that decide any request at all. */
export function decidingRules(policy: Policy): ReadonlySet<number> {
  const space = joinedRules(policy, { rules: [] });
  return new Set(explore({ ...space, isWanted: () => true }).map(({ old }) => old));
}

/** What no rule matches is decided by one more, that matches everything. */
function joinedRules(
  older: Policy,
  newer: Policy,
): { readonly rules: readonly PolicyRule[]; readonly newFrom: number } {
  const rest: PolicyRule = { level: "None" };
  return { rules: [...older.rules, rest, ...newer.rules, rest], newFrom: older.rules.length + 1 };
}

/** By pair of rules: requests with secrets that the new policy writes and the old one did not. */
function secretPairs(older: Policy, newer: Policy): ReadonlyMap<string, readonly RequestAttributes[]> {
  const [from, to] = [recordingsOf(older), recordingsOf(newer)];
  const space = joinedRules(older, newer);
  const found = new Map<string, RequestAttributes[]>();
  for (const secret of SECRET_CLASSES) {
    const isWanted = (old: number, new_: number): boolean =>
      holdsMoreSecrets(secret, from[old]!, to[new_ - space.newFrom]!);
    for (const { old, new: new_, request, likelihood } of explore({ ...space, isWanted, only: secret })) {
      if (likelihood !== LIKELIHOOD.impossible) {
        const key = `${old} ${new_}`;
        found.set(key, [...(found.get(key) ?? []), request]);
      }
    }
  }
  return found;
}

function changeOf(
  older: Policy,
  newer: Policy,
  pair: PairWitness,
  from: Recording,
  to: Recording,
  secrets: readonly RequestAttributes[],
): PolicyChange {
  const { request } = pair;
  const newIndex = pair.new - older.rules.length - 1;
  const rules = { old: indexIn(older, pair.old), new: indexIn(newer, newIndex) };
  confirm(older, request, rules.old);
  confirm(newer, request, rules.new);
  const [a, b] = [ruleOf(older, pair.old), ruleOf(newer, newIndex)];
  const requests = intersectRegions(regionOf(a), regionOf(b)) ?? {};
  const earlier = (policy: Policy, before: number): number[] =>
    policy.rules.flatMap((rule, index) =>
      index < before && intersectRegions(regionOf(rule), requests) !== undefined ? [index] : [],
    );
  return {
    from,
    to,
    rules: { old: [rules.old], new: [rules.new] },
    requests,
    except: { old: earlier(older, pair.old), new: earlier(newer, newIndex) },
    witness: witnessOf(request),
    isUsual: pair.likelihood === LIKELIHOOD.usual,
    isLessVisible: isLessVisible(from, to),
    secrets: secrets.map(witnessOf),
  };
}

function witnessOf(request: RequestAttributes): Witness {
  return { request, http: writeRequest(request), kubectl: writeKubectl(request) };
}

function ruleOf(policy: Policy, index: number): PolicyRule {
  return policy.rules[index] ?? { level: "None" };
}

function indexIn(policy: Policy, number: number): number | null {
  return number < policy.rules.length ? number : null;
}

/** The evaluator has the last word. */
function confirm(policy: Policy, request: RequestAttributes, rule: number | null): void {
  const decided = evaluate(policy, request).rule;
  if (decided !== rule) {
    throw new Error(`Expected rule ${rule} to decide ${JSON.stringify(request)}, not ${decided}`);
  }
}
