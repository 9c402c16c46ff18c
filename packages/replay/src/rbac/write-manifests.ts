import { safeJson, safeText } from "@auditsieve/detect";
import type { LeastPrivilege } from "./least-privilege.ts";
import type { NamedBinding, NamedRole } from "./least-roles.ts";
import type { RbacRule } from "./rbac-rule.ts";

const API = "rbac.authorization.k8s.io";

/**
 * The roles and bindings as YAML documents that `kubectl apply -f` takes, with what a reader must know as comments.
 * Texts out of the log are written as JSON strings, which YAML reads the same.
 */
export function writeManifests(least: LeastPrivilege): string {
  const documents = [
    ...least.roles.map((role) => roleText(role)),
    ...least.bindings.map((binding) => bindingText(binding, least.actor)),
  ];
  return `${commentText(least)}${documents.join("---\n")}`;
}

function commentText(least: LeastPrivilege): string {
  const { actor, accesses, events, cannotNarrow, notAllowed, alsoAllowed, refused, neverUsed, notInLog } = least;
  const lines = [
    `Least privilege of ${actor}: ${accesses} accesses in ${events} answered events of the log.`,
    ...list("RBAC cannot narrow:", [...new Set(cannotNarrow)]),
    ...list("Used, but RBAC cannot grant it:", notAllowed),
    ...list("Done by others in the log, and allowed by these roles too:", alsoAllowed),
    ...list("Checked by an apiserver, but not written in an audit log:", notInLog),
    ...list("Asked for and refused, not granted here:", refused),
    ...(least.hasGrants
      ? list("Granted at the end of the log, and never used in it:", neverUsed.map(unusedText))
      : ["The log shows no roles and bindings: what is granted and never used cannot be told."]),
  ];
  return lines.map((line) => `# ${safeText(line, 1000)}\n`).join("");
}

/** The whole list is in the other output: a role of an administrator has hundreds of rights. */
function unusedText({ binding, role, granted, unused, wildcards }: LeastPrivilege["neverUsed"][number]): string {
  const shown = unused.slice(0, MOST_RIGHTS).join(", ");
  const rest = unused.length > MOST_RIGHTS ? `, and ${unused.length - MOST_RIGHTS} more` : "";
  const wild = wildcards.length === 0 ? "" : `; far more than was used: ${wildcards.slice(0, MOST_RIGHTS).join(", ")}`;
  return `${binding} of ${role}: ${unused.length} of ${granted} rights${shown === "" ? "" : `: ${shown}${rest}`}${wild}`;
}

const MOST_RIGHTS = 8;

function list(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`)];
}

function roleText({ name, namespace, rules }: NamedRole): string {
  return [
    `apiVersion: ${API}/v1`,
    `kind: ${namespace === undefined ? "ClusterRole" : "Role"}`,
    ...metadataLines(name, namespace),
    rules.length === 0 ? "rules: []" : "rules:",
    ...rules.flatMap(ruleLines),
    "",
  ].join("\n");
}

function bindingText({ name, namespace, role }: NamedBinding, actor: string): string {
  return [
    `apiVersion: ${API}/v1`,
    `kind: ${namespace === undefined ? "ClusterRoleBinding" : "RoleBinding"}`,
    ...metadataLines(name, namespace),
    "roleRef:",
    `  apiGroup: ${API}`,
    `  kind: ${role.namespace === undefined ? "ClusterRole" : "Role"}`,
    `  name: ${quote(role.name)}`,
    "subjects:",
    ...subjectLines(actor),
    "",
  ].join("\n");
}

function metadataLines(name: string, namespace: string | undefined): readonly string[] {
  return [
    "metadata:",
    `  name: ${quote(name)}`,
    ...(namespace === undefined ? [] : [`  namespace: ${quote(namespace)}`]),
  ];
}

function subjectLines(actor: string): readonly string[] {
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(actor);
  return account === null
    ? [`  - apiGroup: ${API}`, "    kind: User", `    name: ${quote(actor)}`]
    : ["  - kind: ServiceAccount", `    name: ${quote(account[2] ?? "")}`, `    namespace: ${quote(account[1] ?? "")}`];
}

function ruleLines(rule: RbacRule): readonly string[] {
  const fields = ["apiGroups", "resources", "resourceNames", "nonResourceURLs", "verbs"] as const;
  return fields
    .flatMap((field) => {
      const values = rule[field];
      return values === undefined ? [] : [`${field}: [${values.map(quote).join(", ")}]`];
    })
    .map((line, i) => (i === 0 ? `  - ${line}` : `    ${line}`));
}

/** JSON is YAML but for what stands beyond 16 bits, of which YAML knows no halves. */
function quote(text: string): string {
  const tagged = JSON.stringify(text).replaceAll(
    /[\u{e0000}-\u{e007f}]/gu,
    (tag) => `\\U000${(tag.codePointAt(0) ?? 0).toString(16)}`,
  );
  return safeJson(tagged);
}
