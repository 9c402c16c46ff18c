import type { Problem, YamlDocument } from "@auditsieve/audit";
import type {
  Notice,
  Parameter,
  ParameterChange,
  Profile,
  ProfileExtension,
  ProfileRule,
  RuleChange,
  RuleOverride,
} from "./profile.ts";
import { parameterShape } from "./profile-shape.ts";
import { checkPart } from "./shape.ts";
import type { Steps } from "./shape.ts";

/** What {@link extendProfile} gives. */
export type ExtendedProfile =
  | { readonly outcome: "loaded"; readonly profile: Profile }
  | { readonly outcome: "refused"; readonly problems: readonly Problem[] };

/** The profile that comes out of `base` by an extension, whose document gives the places. All mistakes are reported at once. */
export function extendProfile(base: Profile, extension: ProfileExtension, document: YamlDocument): ExtendedProfile {
  const problems: Problem[] = [];
  const report: Report = (id, at, message, hint) => {
    problems.push({ id, severity: "error", ...document.locate(at), message, hint });
  };
  const parameters = extendParameters(base, extension, document, problems, report);
  const rules = changeRules(base, extension.changes ?? [], report);
  if (problems.length > 0) {
    return { outcome: "refused", problems };
  }
  const { name, summary, omitStages = base.omitStages, omitManagedFields = base.omitManagedFields } = extension;
  return {
    outcome: "loaded",
    profile: {
      name,
      summary,
      ...(omitStages && { omitStages }),
      ...(omitManagedFields !== undefined && { omitManagedFields }),
      parameters,
      // The extension's own come first: places are given by their index.
      notices: [...(extension.notices ?? []), ...base.notices.filter((notice) => isPossible(notice, parameters))],
      rules,
    },
  };
}

type Report = (id: string, at: Steps, message: string, hint: string) => void;

function extendParameters(
  base: Profile,
  { parameters: changes = {} }: ProfileExtension,
  document: YamlDocument,
  problems: Problem[],
  report: Report,
): Readonly<Record<string, Parameter>> {
  const parameters = new Map<string, Parameter>(Object.entries(base.parameters));
  for (const [name, change] of Object.entries(changes)) {
    const known = parameters.get(name);
    if (change === null || (known === undefined && !isWhole(change))) {
      if (known === undefined) {
        const names = [...parameters.keys()].join(", ") || "none";
        report("profile-parameter", ["parameters", name], unknown("parameter", name, base), `It has: ${names}`);
      }
      parameters.delete(name);
      continue;
    }
    const whole = isWhole(change) ? change : { ...known, ...change };
    const found = checkPart(document, ["parameters", name], whole, parameterShape);
    problems.push(...found);
    parameters.set(name, whole as Parameter);
  }
  return Object.fromEntries(parameters);
}

function isWhole(change: Parameter | ParameterChange): change is Parameter {
  return "type" in change;
}

function changeRules(base: Profile, changes: readonly RuleChange[], report: Report): readonly ProfileRule[] {
  return changes.reduce<readonly ProfileRule[]>((rules, change, index) => {
    const [step, id] = target(change);
    const at = rules.findIndex((rule) => rule.id === id);
    const rule = rules[at];
    if (rule === undefined) {
      const ids = rules.map((one) => one.id).join(", ");
      report("profile-change", ["changes", index, step], unknown("rule", id, base), `Rules here: ${ids}`);
      return rules;
    }
    if ("override" in change) {
      return rules.with(at, overrideRule(rule, change.with));
    }
    if ("remove" in change) {
      return rules.toSpliced(at, 1);
    }
    return rules.toSpliced("before" in change ? at : at + 1, 0, ...change.insert);
  }, base.rules);
}

function target(change: RuleChange): readonly [step: string, id: string] {
  if ("override" in change) {
    return ["override", change.override];
  }
  if ("remove" in change) {
    return ["remove", change.remove];
  }
  return "before" in change ? ["before", change.before] : ["after", change.after];
}

function overrideRule(rule: ProfileRule, override: RuleOverride): ProfileRule {
  const merged = Object.entries({ ...rule, ...override }).filter(([, value]) => value !== null);
  return Object.fromEntries(merged) as unknown as ProfileRule;
}

/** A notice of the base is about levels that the extension may have ruled out. */
function isPossible({ when }: Notice, parameters: Readonly<Record<string, Parameter>>): boolean {
  const parameter = when === undefined ? undefined : parameters[when.parameter];
  return (
    when === undefined || (parameter?.type === "level" && parameter.allowed.some((level) => when.is.includes(level)))
  );
}

function unknown(what: string, name: string, base: Profile): string {
  return `Cannot change the ${what} "${name}": ${base.name} has no such ${what}`;
}
