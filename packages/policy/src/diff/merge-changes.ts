import { isSameRecording } from "./decision-change.ts";
import type { PolicyChange } from "./policy-change.ts";
import { joinResources } from "./request-region.ts";
import type { RequestRegion } from "./request-region.ts";

/**
 * Joins neighbours: changes that are the same, share the rules of one of the policies, and whose requests differ in
 * one list only. A class stays exact, since it is told by its rules.
 */
export function mergeChanges(changes: readonly PolicyChange[]): readonly PolicyChange[] {
  const merged: PolicyChange[] = [];
  for (const change of changes) {
    let candidate = change;
    for (let at = merged.length - 1; at >= 0; at--) {
      const joined = join(merged[at]!, candidate);
      if (joined !== undefined) {
        merged.splice(at, 1);
        candidate = joined;
        at = merged.length;
      }
    }
    merged.push(candidate);
  }
  return merged;
}

function join(a: PolicyChange, b: PolicyChange): PolicyChange | undefined {
  const isShared = isSameList(a.rules.old, b.rules.old) || isSameList(a.rules.new, b.rules.new);
  if (!isShared || !isSameRecording(a.from, b.from) || !isSameRecording(a.to, b.to)) {
    return undefined;
  }
  const requests = joinRegions(a.requests, b.requests);
  if (requests === undefined) {
    return undefined;
  }
  const rules = { old: union(a.rules.old, b.rules.old), new: union(a.rules.new, b.rules.new) };
  return {
    ...(b.isUsual && !a.isUsual ? b : a),
    rules,
    requests,
    except: {
      old: union(a.except.old, b.except.old).filter((rule) => !rules.old.includes(rule)),
      new: union(a.except.new, b.except.new).filter((rule) => !rules.new.includes(rule)),
    },
    secrets: [...a.secrets, ...b.secrets],
  };
}

const LISTS = ["users", "userGroups", "verbs", "resources", "namespaces", "nonResourceURLs"] as const;

function joinRegions(a: RequestRegion, b: RequestRegion): RequestRegion | undefined {
  const differing = LISTS.filter((list) => JSON.stringify(a[list]) !== JSON.stringify(b[list]));
  const [list] = differing;
  if (list === undefined) {
    return a;
  }
  const [one, other] = [a[list], b[list]];
  if (differing.length > 1 || one === undefined || other === undefined || list === "userGroups") {
    return undefined;
  }
  if (list === "resources") {
    return { ...a, resources: joinResources([...(a.resources ?? []), ...(b.resources ?? [])]) };
  }
  return { ...a, [list]: unionBy([...one, ...other], (value) => JSON.stringify(value)) };
}

function union<T extends number | null>(a: readonly T[], b: readonly T[]): readonly T[] {
  return unionBy([...a, ...b], String).sort((x, y) => (x ?? Infinity) - (y ?? Infinity));
}

function unionBy<T>(values: readonly T[], keyOf: (value: T) => string): T[] {
  return [...new Map(values.map((value) => [keyOf(value), value])).values()];
}

function isSameList<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}
