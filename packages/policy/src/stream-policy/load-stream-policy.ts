import type { Problem } from "@auditsieve/audit";
import { loadPolicy } from "../load.ts";
import { readStreamCondition } from "./read-stream-condition.ts";
import type { PolicyRule } from "../policy.ts";
import type { PolicySource } from "../policy-source.ts";
import type { StreamCondition } from "./stream-condition.ts";
import type { StreamRules } from "./stream-policy.ts";

/** What {@link loadStreamPolicy} gives; warnings are among the problems of an accepted one. */
export type LoadedStreamPolicy =
  | { readonly outcome: "accepted"; readonly rules: StreamRules; readonly problems: readonly Problem[] }
  | { readonly outcome: "refused"; readonly problems: readonly Problem[] };

/**
 * Loads a policy for use in the stream: an audit.k8s.io/v1 Policy as the apiserver loads it, with our own `stream` beside.
 *
 * @example
 * const loaded = loadStreamPolicy(`
 * apiVersion: audit.k8s.io/v1
 * kind: Policy
 * stream: { keep: [{ responseCodes: [401, 403] }] }
 * rules: [{ level: None, verbs: [watch] }, { level: RequestResponse }]`);
 * assert.equal(loaded.outcome, "accepted");
 */
export function loadStreamPolicy(text: string): LoadedStreamPolicy {
  const loaded = loadPolicy(text, { allowStream: true });
  if (loaded.outcome === "refused") {
    return { outcome: "refused", problems: [refusal(loaded.error, loaded.position)] };
  }
  const { policy, source, stream } = loaded;
  const found: Problem[] = [];
  const conditions = policy.rules.map((_, i) => {
    const value = stream?.rules[i];
    return value === undefined ? undefined : readStreamCondition(value, `rules[${i}].stream`, found);
  });
  const keep = readKeep(stream?.policy, found);
  const problems = found.map((problem) => ({ ...problem, ...source.locate(stepsOf(problem.path ?? "")) }));
  if (problems.length > 0) {
    return { outcome: "refused", problems };
  }
  const warnings = policy.rules.flatMap((rule, i): Problem[] =>
    conditions[i] !== undefined && isChosenByClient(rule, conditions[i]) ? [clientChooses(i, source)] : [],
  );
  return {
    outcome: "accepted",
    rules: { policy, keep, conditions },
    problems: [...strictProblems(loaded.strict?.warning), ...warnings],
  };
}

/** Whether anybody can have events dropped by the user agent that they send. */
function isChosenByClient(rule: PolicyRule, condition: StreamCondition): boolean {
  const namesSomebody = (rule.users?.length ?? 0) > 0 || (rule.userGroups?.length ?? 0) > 0;
  return rule.level === "None" && condition.userAgents !== undefined && !namesSomebody;
}

function clientChooses(rule: number, source: PolicySource): Problem {
  return {
    id: "stream-user-agent",
    severity: "warning",
    path: `rules[${rule}].stream.userAgents`,
    message: `rules[${rule}] drops by the user agent and names no user: a client chooses what it sends`,
    ...source.locate(["rules", rule, "stream", "userAgents"]),
    hint: "Name the users or userGroups too, so that nobody else can have events dropped",
  };
}

function readKeep(value: unknown, problems: Problem[]): StreamRules["keep"] {
  if (value === undefined) {
    return [];
  }
  const { keep, ...others } = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  if (!Array.isArray(keep) || Object.keys(others).length > 0) {
    problems.push({
      id: "stream-condition",
      severity: "error",
      path: "stream",
      message: "Cannot load the stream policy: stream must be a map with one list, keep",
      hint: "Write for example: stream: { keep: [{ responseCodes: [401, 403] }] }",
    });
    return [];
  }
  return keep.map((each, i) => readStreamCondition(each, `stream.keep[${i}]`, problems));
}

function refusal(error: string, position: { readonly line: number; readonly column: number } | undefined): Problem {
  return {
    id: "policy-refused",
    severity: "error",
    message: `Cannot load the policy: ${error}`,
    ...position,
    hint: "An apiserver would not start with it either; `auditsieve policy check` says more",
  };
}

/** The apiserver goes on with a warning, and so do we: the same file must decide the same in both places. */
function strictProblems(warning: string | undefined): readonly Problem[] {
  if (warning === undefined) {
    return [];
  }
  return [
    {
      id: "policy-strict",
      severity: "warning",
      message: warning,
      hint: "A misspelt field is ignored, so its rule matches more than it says; `auditsieve policy check` names the place",
    },
  ];
}

/** `rules[3].stream.responseCodes[0]` -> ["rules", 3, "stream", "responseCodes", 0]. */
function stepsOf(path: string): (string | number)[] {
  return [...path.matchAll(/([^.[\]]+)|\[(\d+)\]/g)].map(([, key, index]) =>
    index === undefined ? (key ?? "") : Number(index),
  );
}
