import { StreamPolicy } from "@auditsieve/policy/stream";
import type { StreamRules } from "@auditsieve/policy/stream";
import { existsSync } from "node:fs";
import { basename } from "node:path";
import { Failure } from "./failure.ts";
import { rulesOfShipped } from "./loaded-noise.ts";
import { sayProblem } from "./output.ts";
import { readText } from "./read-text.ts";
import { DEFAULT_NOISE, listShipped, readShipped } from "./shipped-files.ts";

/**
 * The policy to decide by; undefined after its problems have been said. `given` is a file, or the name of a shipped
 * noise policy, or several names with commas between them.
 */
export async function loadPolicyOption(given: string = DEFAULT_NOISE): Promise<StreamPolicy | undefined> {
  const shipped = await listShipped("noise", ".policy.yaml");
  const names = given.split(",");
  const unknown = names.find((name) => !shipped.includes(name));
  if (unknown !== undefined && names.length > 1) {
    throw new Failure(`Cannot find a noise policy called "${unknown}"`, {
      hint: `Commas join shipped noise policies: ${shipped.join(", ")}; a file stands alone`,
    });
  }
  if (unknown !== undefined && /^[a-z0-9-]+$/.test(given) && !existsSync(given)) {
    throw new Failure(`Cannot find a noise policy called "${given}", nor a file of this name`, {
      hint: `Shipped noise policies: ${shipped.join(", ")}`,
    });
  }
  const texts = await Promise.all(
    names.map((name) => (unknown === undefined ? readShipped(`noise/${name}.policy.yaml`) : readText(given, "policy"))),
  );
  const known = texts.map((text, i) => rulesOfShipped(basename(names[i] as string, ".policy.yaml"), text));
  const [first] = known;
  const joined = first !== undefined && known.length === 1 ? first : await load(texts, names);
  return joined === undefined ? undefined : new StreamPolicy(joined);
}

async function load(texts: readonly string[], names: readonly string[]): Promise<StreamRules | undefined> {
  // Loaded only here: what reads YAML as an apiserver does starts slowly.
  const { joinStreamRules, loadStreamPolicy } = await import("@auditsieve/policy/load-stream");
  const loaded = texts.map(loadStreamPolicy);
  loaded.forEach(({ problems }, index) => problems.forEach((problem) => sayProblem(problem, names[index])));
  const rules = loaded.flatMap((one) => (one.outcome === "accepted" ? [one.rules] : []));
  const joined = rules.length > 1 ? joinStreamRules(rules) : rules[0];
  return rules.length < loaded.length ? undefined : joined;
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
