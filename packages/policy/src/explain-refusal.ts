import { LEVELS, STAGES } from "@auditsieve/audit";
import type { Position, Problem } from "@auditsieve/audit";
import type { LoadedPolicy } from "./load.ts";

/** What of an apiserver's words says what is wrong, and what to do about it; the first that matches. */
const CURES: readonly (readonly [RegExp, string])[] = [
  [/level: Required value/, `Give every rule a level: ${LEVELS.join(", ")}; keys are written in small letters`],
  [/level: Unsupported value/, `Levels are written as here: ${LEVELS.join(", ")}`],
  [/allowed stages are/, `Stages are written as here: ${STAGES.join(", ")}`],
  [
    /cannot apply to both regular resources and non-resource URLs/,
    "Make two rules of it: one with nonResourceURLs, one with resources or namespaces",
  ],
  [/rules must begin with a '\/'/, "Begin the path with a slash: /healthz, or write * for all paths"],
  [/wildcards '\*' must be the final character/, "One * is allowed, at the end of the path: /healthz*"],
  [
    /resources\.group: .*Invalid value: "\*"/,
    'group: "*" needs Kubernetes 1.36 or later; leave resources out of the rule, or name the groups',
  ],
  [
    /resources\.group: /,
    'Name the API group alone, without its version and without *: apps, rbac.authorization.k8s.io; "" is the core group',
  ],
  [/resourceNames requires at least one resource/, "Name the resources beside them: resources: [configmaps]"],
  [/loaded illegal policy with 0 rules/, "Add rules; one that keeps everything is: - level: Metadata"],
  [/^unknown group version field/, "Begin with apiVersion: audit.k8s.io/v1 and kind: Policy"],
  [
    /no kind "[^"]*" is registered for version/,
    "It must be apiVersion: audit.k8s.io/v1 and kind: Policy; v1beta1 and v1alpha1 are gone since Kubernetes 1.24",
  ],
  [
    /cannot unmarshal (?:bool|number) into .* of type string/,
    "Put it in quotes: yes, no, on, off, true and numbers are no text in YAML 1.1",
  ],
  [/of type \[\]v1\.PolicyRule/, "rules is a list: begin each rule with a dash"],
  [/of type \[\]/, "A list is wanted: [get, list], also for a single value"],
  [/of type bool/, "Write true or false, without quotes"],
  [
    /of type \w+\.?\w*$/,
    "Another kind of value is wanted here: compare the field with the documentation of audit.k8s.io/v1",
  ],
  [/cannot unmarshal array into Go value/, "The policy is a map, not a list: begin with apiVersion, kind and rules"],
  [
    /yaml: |json parse error|found character/,
    "It is no sound YAML: look at the line for tabs, indentation and unclosed quotes",
  ],
];

const OTHERWISE = "Compare it with `auditsieve policy generate`, and with the documentation of audit.k8s.io/v1";

/**
 * Why an apiserver would not start with a policy, each of its errors with its place and what to do about it. The
 * messages are the apiserver's own words.
 *
 * @example
 * const refused = loadPolicy("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- verbs: [get]\n");
 * const problems = refused.outcome === "refused" ? explainRefusal(refused) : [];
 * assert.equal(problems[0]?.message, "rules[0].level: Required value");
 * assert.match(problems[0]?.hint ?? "", /^Give every rule a level/);
 */
export function explainRefusal(refused: Extract<LoadedPolicy, { outcome: "refused" }>): readonly Problem[] {
  const { error, fieldErrors, position, locate } = refused;
  if (fieldErrors.length === 0 || error.startsWith("unknown group version")) {
    return [problemOf(error, position)];
  }
  return fieldErrors.map(({ text, path, steps }) => ({ ...problemOf(text, locate(steps)), path }));
}

function problemOf(message: string, position: Position | undefined): Problem {
  const hint = CURES.find(([words]) => words.test(message))?.[1] ?? OTHERWISE;
  return { id: "refused", severity: "error", ...position, message, hint };
}
