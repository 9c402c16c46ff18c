import { LEVELS, readYaml, STAGES } from "@auditsieve/audit";
import type { Problem, YamlDocument } from "@auditsieve/audit";
import type { Profile } from "./profile.ts";
import { checkShape, flag, list, object, objectOr, oneOf, record, text } from "./shape.ts";

/** What {@link loadProfile} gives. */
export type LoadedProfile =
  | { readonly outcome: "loaded"; readonly profile: Profile }
  | { readonly outcome: "refused"; readonly problems: readonly Problem[] };

/**
 * Reads a profile from its YAML text.
 *
 * @example
 * const loaded = loadProfile(`
 * name: all
 * summary: Metadata for everything
 * parameters: {}
 * notices: []
 * rules:
 *   - { id: all, reason: nothing is missed, source: none, level: Metadata }`);
 * assert.equal(loaded.outcome, "loaded");
 */
export function loadProfile(source: string): LoadedProfile {
  const { documents, problems } = readYaml(source);
  const [document] = documents;
  if (problems.length > 0 || document === undefined) {
    return { outcome: "refused", problems: problems.length > 0 ? problems : [emptyFile] };
  }
  const shapeProblems = checkShape(document, profileShape, "profile-shape");
  if (shapeProblems.length > 0) {
    return { outcome: "refused", problems: shapeProblems };
  }
  const profile = document.value as unknown as Profile;
  const references = checkReferences(profile, document);
  return references.length > 0 ? { outcome: "refused", problems: references } : { outcome: "loaded", profile };
}

const emptyFile: Problem = {
  id: "profile-empty",
  severity: "error",
  message: "Cannot read the profile: the file is empty",
};

const stages = list(oneOf(STAGES));
const reference = object({ set: text() });
const names = list(objectOr("set", reference, text()));

const parameterShape = objectOr(
  "of",
  object({
    type: oneOf(["list"]),
    of: oneOf(["user", "namespace", "resource"]),
    default: list(text(), true),
    help: text(),
  }),
  object({ type: oneOf(["level"]), default: oneOf(LEVELS), allowed: list(oneOf(LEVELS)), help: text() }),
);

const profileShape = object({
  name: text(),
  summary: text(),
  "omitStages?": stages,
  "omitManagedFields?": flag(),
  parameters: record(parameterShape),
  notices: list(
    object({
      when: object({ parameter: text(), is: list(text()) }),
      text: text(),
      "declares?": text(),
    }),
    true,
  ),
  rules: list(
    object({
      id: text(),
      reason: text(),
      source: text(),
      level: objectOr("set", reference, oneOf(LEVELS)),
      "users?": names,
      "userGroups?": list(text()),
      "verbs?": list(text()),
      "resources?": list(
        objectOr(
          "set",
          reference,
          object({ group: text(true), "resources?": list(text()), "resourceNames?": list(text()) }),
        ),
      ),
      "namespaces?": list(objectOr("set", reference, text(true))),
      "nonResourceURLs?": list(text()),
      "omitStages?": stages,
      "omitManagedFields?": flag(),
    }),
  ),
});

/** Every reference names a parameter of the kind that its place needs; ids are unique. */
function checkReferences(profile: Profile, document: YamlDocument): Problem[] {
  const problems: Problem[] = [];
  const wanted = (at: readonly (string | number)[], name: string, kind: string): void => {
    const parameter = Object.hasOwn(profile.parameters, name) ? profile.parameters[name] : undefined;
    const given = parameter?.type === "list" ? parameter.of : parameter?.type;
    if (given !== kind) {
      const what = given === undefined ? "there is no such parameter" : `it is a ${given}`;
      problems.push({
        id: "profile-reference",
        severity: "error",
        ...document.locate(at),
        message: `Cannot use the parameter "${name}" where a ${kind} is wanted: ${what}`,
        hint: `Parameters of the profile: ${Object.keys(profile.parameters).join(", ")}`,
      });
    }
  };
  const seen = new Set<string>();
  for (const [index, rule] of profile.rules.entries()) {
    if (seen.has(rule.id)) {
      const place = document.locate(["rules", index, "id"]);
      problems.push({ id: "profile-id", severity: "error", ...place, message: `Two rules have the id "${rule.id}"` });
    }
    seen.add(rule.id);
    if (typeof rule.level === "object") {
      wanted(["rules", index, "level"], rule.level.set, "level");
    }
    for (const [field, kind] of [
      ["users", "user"],
      ["namespaces", "namespace"],
      ["resources", "resource"],
    ] as const) {
      for (const [at, item] of (rule[field] ?? []).entries()) {
        if (typeof item === "object" && "set" in item) {
          wanted(["rules", index, field, at], item.set, kind);
        }
      }
    }
  }
  for (const [index, { when }] of profile.notices.entries()) {
    wanted(["notices", index, "when"], when.parameter, "level");
  }
  return problems;
}
