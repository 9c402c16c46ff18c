import type { GroupResources, PolicyRule } from "../policy.ts";
import type { Notice, Profile, ProfileRule } from "./profile.ts";

/** A policy to be written. */
export interface PolicyDraft {
  readonly profile: Profile;
  readonly set: Readonly<Record<string, string>>;
  readonly kubernetesVersion: string;
  readonly rules: readonly { readonly source: ProfileRule; readonly resolved: PolicyRule }[];
  readonly notices: readonly Notice[];
}

/** Annotations of this prefix, in a policy's metadata, declare that a lint rule's finding is meant to be there. */
export const DECLARATION_PREFIX = "lint.auditsieve.io/";

const WIDTH = 120;

/** The policy as YAML that every apiserver reads alike: all names quoted, nothing left to YAML's guessing. */
export function writePolicy(draft: PolicyDraft): string {
  const { profile, set, kubernetesVersion, rules, notices } = draft;
  const given = Object.entries(set).map(([name, value]) => `${name}=${value}`);
  const lines = [
    ...comment(
      `Audit policy of the profile ${profile.name}, for Kubernetes ${kubernetesVersion}. ${profile.summary}`,
      "",
    ),
    ...comment(given.length > 0 ? `Set: ${given.join(" ")}.` : "Generated with the profile's defaults.", ""),
    "#",
    ...comment(
      "Rules are tried in order and the first that matches decides. An apiserver reads this file only when it starts.",
      "",
    ),
    ...comment(
      "Rules see the authenticated user, never the one impersonated with --as: no rule for a system identity hides what someone does in its name.",
      "",
    ),
    "apiVersion: audit.k8s.io/v1",
    "kind: Policy",
    ...metadata(profile, notices),
    ...(profile.omitStages ? field("omitStages", profile.omitStages, "") : []),
    ...(profile.omitManagedFields === undefined ? [] : [`omitManagedFields: ${profile.omitManagedFields}`]),
    "rules:",
    ...rules.flatMap(({ source, resolved }) => writeRule(source, resolved)),
  ];
  return `${lines.join("\n")}\n`;
}

function metadata(profile: Profile, notices: readonly Notice[]): string[] {
  const declared = notices.filter((notice) => notice.declares !== undefined);
  return [
    "metadata:",
    `  name: ${quote(profile.name)}`,
    ...(declared.length > 0 ? ["  annotations:"] : []),
    ...declared.map(
      ({ declares, text }) => `    ${quote(`${DECLARATION_PREFIX}${declares}`)}: ${quote(oneLine(text))}`,
    ),
  ];
}

function writeRule(source: ProfileRule, rule: PolicyRule): string[] {
  const { level, users, userGroups, verbs, resources, namespaces, nonResourceURLs, omitStages, omitManagedFields } =
    rule;
  return [
    "",
    ...comment(`${source.id}: ${source.reason}`, "  "),
    ...comment(`Source: ${source.source}`, "  "),
    `  - level: ${level}`,
    ...field("users", users, "    "),
    ...field("userGroups", userGroups, "    "),
    ...field("verbs", verbs, "    "),
    ...(resources ? ["    resources:", ...resources.flatMap(writeResources)] : []),
    ...field("namespaces", namespaces, "    "),
    ...field("nonResourceURLs", nonResourceURLs, "    "),
    ...field("omitStages", omitStages, "    "),
    ...(omitManagedFields === undefined ? [] : [`    omitManagedFields: ${omitManagedFields}`]),
  ];
}

function writeResources({ group = "", resources, resourceNames }: GroupResources): string[] {
  return [
    `      - group: ${quote(group)}`,
    ...field("resources", resources, "        "),
    ...field("resourceNames", resourceNames, "        "),
  ];
}

/** A list on one line where it fits, else one name a line. */
function field(name: string, values: readonly string[] | undefined, indent: string): string[] {
  if (values === undefined) {
    return [];
  }
  const line = `${indent}${name}: [${values.map(quote).join(", ")}]`;
  return line.length <= WIDTH
    ? [line]
    : [`${indent}${name}:`, ...values.map((value) => `${indent}  - ${quote(value)}`)];
}

function comment(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = `${indent}#`;
  for (const word of oneLine(text).split(" ")) {
    if (line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = `${indent}#`;
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

/** JSON's quotes are YAML's, and keep `yes`, `1.0` and `*` text. */
function quote(text: string): string {
  return JSON.stringify(text);
}
