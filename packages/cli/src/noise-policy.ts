import { loadStreamPolicy, StreamPolicy } from "@auditsieve/policy";
import { sayProblem } from "./output.ts";
import { readText } from "./read-text.ts";
import { DEFAULT_NOISE, readShipped } from "./shipped.ts";

/** The policy to decide by; undefined after its problems have been said. */
export async function loadPolicyOption(file: string | undefined): Promise<StreamPolicy | undefined> {
  const text =
    file === undefined ? await readShipped(`noise/${DEFAULT_NOISE}.policy.yaml`) : await readText(file, "policy");
  const loaded = loadStreamPolicy(text);
  loaded.problems.forEach((problem) => sayProblem(problem, file ?? DEFAULT_NOISE));
  return loaded.outcome === "accepted" ? new StreamPolicy(loaded.rules) : undefined;
}

/** Whom and what a rule names, in a few words; empty for a rule that names nothing. */
export function describeRule(policy: StreamPolicy, index: number): string {
  const {
    users = [],
    userGroups = [],
    verbs = [],
    resources = [],
    nonResourceURLs = [],
  } = policy.rules.policy.rules[index] ?? {};
  const named = resources.flatMap(
    ({ resources: names, group = "" }) => names ?? [`all of ${group === "" ? "core" : group}`],
  );
  const what = [...new Set([...named, ...nonResourceURLs])];
  return [shorten([...users, ...userGroups], 1), shorten(verbs, 3), shorten(what, 3)]
    .filter((part) => part !== "")
    .join(" · ");
}

function shorten(names: readonly string[], most: number): string {
  const rest = names.length - most;
  return names.slice(0, most).join(", ") + (rest > 0 ? ` +${rest}` : "");
}
