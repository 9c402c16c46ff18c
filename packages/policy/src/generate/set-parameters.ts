import type { Level, Problem } from "@auditsieve/audit";
import type { GroupResources } from "../policy.ts";
import type { Parameter, Profile } from "./profile.ts";

/** Values for all parameters of a profile. */
export interface ParameterValues {
  readonly levels: ReadonlyMap<string, Level>;
  readonly lists: ReadonlyMap<string, readonly string[]>;
}

/** What {@link setParameters} gives. */
export type SetParameters =
  | { readonly outcome: "set"; readonly values: ParameterValues }
  | { readonly outcome: "refused"; readonly problems: readonly Problem[] };

/** Applies `--set` values (lists are comma-separated) over a profile's defaults. All mistakes are reported at once. */
export function setParameters(profile: Profile, set: Readonly<Record<string, string>>): SetParameters {
  const problems = Object.keys(set)
    .filter((name) => !Object.hasOwn(profile.parameters, name))
    .map((name) => unknownParameter(profile, name));
  const levels = new Map<string, Level>();
  const lists = new Map<string, readonly string[]>();
  for (const [name, parameter] of Object.entries(profile.parameters)) {
    const given = Object.hasOwn(set, name) ? set[name] : undefined;
    if (parameter.type === "level") {
      const level = parameter.allowed.find((allowed) => allowed === (given ?? parameter.default));
      if (level === undefined) {
        problems.push(badLevel(name, given ?? "", parameter.allowed));
      } else {
        levels.set(name, level);
      }
      continue;
    }
    const items = given === undefined ? parameter.default : given.split(",").map((item) => item.trim());
    const bad = items.filter((item) => !isItem(parameter, item));
    problems.push(...bad.map((item) => badItem(name, item, parameter.of)));
    lists.set(name, items);
  }
  return problems.length > 0 ? { outcome: "refused", problems } : { outcome: "set", values: { levels, lists } };
}

/** `pods/log` and `deployments.apps` as a rule names them. */
export function parseResource(text: string): GroupResources {
  const [named = "", ...subresource] = text.split("/");
  const dot = named.indexOf(".");
  const resource = dot === -1 ? named : named.slice(0, dot);
  const group = dot === -1 ? "" : named.slice(dot + 1);
  return { group, resources: [[resource, ...subresource].join("/")] };
}

/** A star would drop or raise everything of its kind; a name has no blanks and no wildcard. */
function isItem(parameter: Parameter & { type: "list" }, item: string): boolean {
  switch (parameter.of) {
    case "resource":
      return /^[a-z0-9-]+(\.[a-z0-9.-]*[a-z0-9])?(\/[a-z0-9-]+)?$/.test(item);
    case "namespace":
      return /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(item);
    case "user":
    default:
      return item !== "" && !/[\s*]/.test(item);
  }
}

function unknownParameter({ name: profile, parameters }: Profile, name: string): Problem {
  return {
    id: "set-unknown",
    severity: "error",
    message: `Cannot set "${name}": the profile ${profile} has no such parameter`,
    hint: `It has: ${Object.keys(parameters).join(", ") || "none"}`,
  };
}

function badLevel(name: string, value: string, allowed: readonly Level[]): Problem {
  return {
    id: "set-level",
    severity: "error",
    message: `Cannot set "${name}" to "${value}": not one of its levels`,
    hint: `Use ${allowed.join(", ")}`,
  };
}

function badItem(name: string, value: string, of: string): Problem {
  return {
    id: "set-item",
    severity: "error",
    message: `Cannot set "${name}" to "${value}": no name of a ${of}`,
    hint:
      of === "resource"
        ? "Write it as kubectl does: secrets, deployments.apps, pods/log"
        : "Write names separated by commas; there are no wildcards",
  };
}
