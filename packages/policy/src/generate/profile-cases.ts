import { attributesOf, LEVELS, readYaml, STAGES } from "@auditsieve/audit";
import type { Level, Problem, Stage } from "@auditsieve/audit";
import { evaluate } from "../evaluate.ts";
import { generatePolicy } from "./generate-policy.ts";
import type { Profile } from "./profile.ts";
import { checkShape, flag, list, object, oneOf, record, text } from "./shape.ts";

/** One request and what a profile must make of it. */
export interface ProfileCase {
  /** Verb and URI as an audit event has them: `get /api/v1/namespaces/prod/secrets/db`. */
  readonly request: string;
  /** Absent after a failed authentication. */
  readonly user?: string;
  /** Default: system:authenticated. */
  readonly groups?: readonly string[];
  /** Parameters, as for `--set`. */
  readonly set?: Readonly<Record<string, string>>;
  readonly level: Level;
  /** Id of the profile's rule that decides; absent where any may. */
  readonly rule?: string;
  /** Stages that must be written at this level. */
  readonly writes?: readonly Stage[];
  readonly omitManagedFields?: boolean;
  /** What the case shows. */
  readonly why: string;
}

/** What {@link loadProfileCases} gives. */
export type LoadedProfileCases =
  | { readonly outcome: "loaded"; readonly cases: readonly ProfileCase[] }
  | { readonly outcome: "refused"; readonly problems: readonly Problem[] };

/**
 * Reads the cases of a profile: a YAML document `cases: [...]`.
 *
 * @example
 * const loaded = loadProfileCases("cases: [{request: get /livez, user: ann, level: Metadata, why: no probe}]");
 * assert.equal(loaded.outcome, "loaded");
 */
export function loadProfileCases(source: string): LoadedProfileCases {
  const { documents, problems } = readYaml(source);
  const [document] = documents;
  const found = document === undefined ? problems : [...problems, ...checkShape(document, casesShape, "case-shape")];
  if (found.length > 0 || document === undefined) {
    return { outcome: "refused", problems: found };
  }
  return { outcome: "loaded", cases: (document.value as unknown as { cases: readonly ProfileCase[] }).cases };
}

/**
 * Runs one case; gives what is wrong, or undefined.
 *
 * @example
 * const rule = { id: "all", reason: "nothing is missed", source: "none", level: "Metadata" };
 * const profile = { name: "all", summary: "All.", parameters: {}, notices: [], rules: [rule] };
 * const wrong = runProfileCase(profile, { request: "get /livez", user: "ann", level: "None", why: "a probe" });
 * assert.equal(wrong, "get /livez is Metadata by all: None by any rule is wanted");
 */
export function runProfileCase(profile: Profile, { request, ...expected }: ProfileCase): string | undefined {
  const generated = generatePolicy(profile, { set: expected.set ?? {} });
  if (generated.outcome === "refused") {
    return generated.problems.map(({ message }) => message).join("; ");
  }
  const [verb = "", requestURI = ""] = request.split(" ");
  const groups = expected.groups ?? ["system:authenticated"];
  const decision = evaluate(generated.policy, attributesOf({ requestURI, verb, username: expected.user, groups }));
  const rule = decision.rule === null ? "no rule" : generated.ruleIds[decision.rule];
  if (decision.level !== expected.level || (expected.rule !== undefined && rule !== expected.rule)) {
    return `${request} is ${decision.level} by ${rule}: ${expected.level} by ${expected.rule ?? "any rule"} is wanted`;
  }
  const lost = (expected.writes ?? []).filter((stage) => decision.omitStages.includes(stage));
  if (lost.length > 0) {
    return `${request} loses the stage ${lost.join(" and ")} by ${rule}`;
  }
  if ((expected.omitManagedFields ?? decision.omitManagedFields) !== decision.omitManagedFields) {
    return `${request} has omitManagedFields ${decision.omitManagedFields} by ${rule}`;
  }
  return undefined;
}

const casesShape = object({
  cases: list(
    object({
      request: text(),
      "user?": text(),
      "groups?": list(text(), true),
      "set?": record(text()),
      level: oneOf(LEVELS),
      "rule?": text(),
      "writes?": list(oneOf(STAGES)),
      "omitManagedFields?": flag(),
      why: text(),
    }),
  ),
});
