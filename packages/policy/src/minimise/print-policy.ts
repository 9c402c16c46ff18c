import type { JsonValue } from "@auditsieve/audit";
import type { GroupResources, Policy, PolicyRule } from "../policy.ts";

const WIDTH = 120;

/** What {@link printPolicy} writes beside what a policy decides. */
export interface PrintOptions {
  /** The document's metadata, as it was read. */
  readonly metadata?: JsonValue | undefined;
  /** A line of comment before each rule; an empty one is left out. */
  readonly comments?: readonly string[];
}

/**
 * A policy as YAML that every apiserver reads alike: all names quoted, nothing left to YAML's guessing.
 *
 * @example
 * const text = printPolicy({ rules: [{ level: "None", verbs: ["watch"] }] });
 * assert.ok(text.endsWith('rules:\n  - level: None\n    verbs: ["watch"]\n'));
 */
export function printPolicy(policy: Policy, { metadata, comments = [] }: PrintOptions = {}): string {
  const lines = [
    "apiVersion: audit.k8s.io/v1",
    "kind: Policy",
    ...(metadata === undefined || metadata === null ? [] : [`metadata: ${JSON.stringify(metadata)}`]),
    ...field("omitStages", policy.omitStages, ""),
    ...flag("omitManagedFields", policy.omitManagedFields, ""),
    "rules:",
    ...policy.rules.flatMap((rule, index) => printRule(rule, comments[index] ?? "")),
  ];
  return `${lines.join("\n")}\n`;
}

function printRule(rule: PolicyRule, comment: string): readonly string[] {
  const { level, users, userGroups, verbs, resources, namespaces, nonResourceURLs, omitStages, omitManagedFields } =
    rule;
  return [
    ...(comment === "" ? [] : [`  # ${comment.replaceAll(/\s+/g, " ")}`]),
    `  - level: ${level}`,
    ...field("users", users, "    "),
    ...field("userGroups", userGroups, "    "),
    ...field("verbs", verbs, "    "),
    ...(resources?.length ? ["    resources:", ...resources.flatMap(printResources)] : []),
    ...field("namespaces", namespaces, "    "),
    ...field("nonResourceURLs", nonResourceURLs, "    "),
    ...field("omitStages", omitStages, "    "),
    ...flag("omitManagedFields", omitManagedFields, "    "),
  ];
}

function printResources({ group = "", resources, resourceNames }: GroupResources): readonly string[] {
  return [
    `      - group: ${JSON.stringify(group)}`,
    ...field("resources", resources, "        "),
    ...field("resourceNames", resourceNames, "        "),
  ];
}

/** A list on one line where it fits, else one name a line. */
function field(name: string, values: readonly string[] | undefined, indent: string): readonly string[] {
  if (!values?.length) {
    return [];
  }
  const quoted = values.map((value) => JSON.stringify(value));
  const line = `${indent}${name}: [${quoted.join(", ")}]`;
  return line.length <= WIDTH ? [line] : [`${indent}${name}:`, ...quoted.map((value) => `${indent}  - ${value}`)];
}

function flag(name: string, value: boolean | undefined, indent: string): readonly string[] {
  return value === undefined ? [] : [`${indent}${name}: ${value}`];
}
