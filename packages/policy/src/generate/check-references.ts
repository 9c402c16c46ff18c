import type { Problem, YamlDocument } from "@auditsieve/audit";
import type { Profile, ProfileRule } from "./profile.ts";
import type { Steps } from "./shape.ts";

/** Every reference names a parameter of the kind that its place needs, every parameter is used, ids are unique. */
export function checkReferences(profile: Profile, document: YamlDocument): Problem[] {
  const problems: Problem[] = [];
  const report = (id: string, at: Steps | undefined, message: string, hint?: string): void => {
    problems.push({
      id,
      severity: "error",
      ...(at && document.locate(at)),
      message,
      ...(hint === undefined ? {} : { hint }),
    });
  };
  const used = new Set<string>();
  const wanted = (at: Steps | undefined, name: string, kind: string): void => {
    used.add(name);
    const parameter = Object.hasOwn(profile.parameters, name) ? profile.parameters[name] : undefined;
    const given = parameter?.type === "list" ? parameter.of : parameter?.type;
    if (given !== kind) {
      const what = given === undefined ? "there is no such parameter" : `it is a ${given}`;
      report(
        "profile-reference",
        at,
        `Cannot use the parameter "${name}" where a ${kind} is wanted: ${what}`,
        `Parameters of the profile: ${Object.keys(profile.parameters).join(", ") || "none"}`,
      );
    }
  };
  const seen = new Map<string, Steps | undefined>();
  for (const rule of profile.rules) {
    const at = placeOf(rule, document);
    if (seen.has(rule.id)) {
      // One of the two may be the base's, which this document does not hold.
      const place = at ?? seen.get(rule.id);
      report("profile-id", place && [...place, "id"], `Two rules have the id "${rule.id}"`);
    }
    seen.set(rule.id, at);
    for (const { name, kind, steps } of referencesOf(rule)) {
      wanted(at && [...at, ...steps], name, kind);
    }
  }
  for (const [index, { when }] of profile.notices.entries()) {
    if (when !== undefined) {
      wanted(["notices", index, "when"], when.parameter, "level");
    }
  }
  for (const [name, parameter] of Object.entries(profile.parameters)) {
    if (!used.has(name)) {
      report("profile-parameter", ["parameters", name], `Cannot set the parameter "${name}": no rule uses it`);
    }
    if (parameter.type === "level" && !parameter.allowed.includes(parameter.default)) {
      const allowed = parameter.allowed.join(", ");
      report(
        "profile-parameter",
        ["parameters", name],
        `Cannot use ${parameter.default} as the default of "${name}": it allows ${allowed}`,
      );
    }
  }
  return problems;
}

/** Where the document writes the rule down, or what of it. */
function placeOf(rule: ProfileRule, { value }: YamlDocument): Steps | undefined {
  const { rules = [], changes = [] } = value as unknown as {
    readonly rules?: readonly object[];
    readonly changes?: readonly { readonly override?: string; readonly insert?: readonly object[] }[];
  };
  const own = rules.indexOf(rule);
  if (own !== -1) {
    return ["rules", own];
  }
  for (const [index, { override, insert = [] }] of changes.entries()) {
    const at = insert.indexOf(rule);
    if (at !== -1) {
      return ["changes", index, "insert", at];
    }
    if (override === rule.id) {
      return ["changes", index, "with"];
    }
  }
  return undefined;
}

interface Reference {
  readonly name: string;
  readonly kind: string;
  readonly steps: Steps;
}

function referencesOf(rule: ProfileRule): Reference[] {
  const lists = (
    [
      ["users", "user"],
      ["namespaces", "namespace"],
      ["resources", "resource"],
    ] as const
  ).flatMap(([field, kind]) =>
    (rule[field] ?? []).flatMap((item, index) =>
      typeof item === "object" && "set" in item ? [{ name: item.set, kind, steps: [field, index] }] : [],
    ),
  );
  return typeof rule.level === "object" ? [{ name: rule.level.set, kind: "level", steps: ["level"] }, ...lists] : lists;
}
