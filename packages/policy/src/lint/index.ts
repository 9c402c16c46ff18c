/**
 * What the apiserver accepts in silence and no one meant. Adding a rule: one file with its examples, and a line here.
 *
 * @module
 */
import type { Problem } from "@auditsieve/audit";
import { printPath } from "../go-decode.ts";
import type { LoadedPolicy } from "../load.ts";
import { DECLARATION_PREFIX } from "../generate/write-policy.ts";
import { deadResource } from "./dead-resource.ts";
import { deletecollectionMissing } from "./deletecollection-missing.ts";
import { duplicateKey } from "./duplicate-key.ts";
import { execBody } from "./exec-body.ts";
import { failedLoginLost } from "./failed-login-lost.ts";
import { groupAsUser } from "./group-as-user.ts";
import { identityOnlyDrop } from "./identity-only-drop.ts";
import type { LintFinding, LintRule } from "./lint-rule.ts";
import { noCatchAll } from "./no-catch-all.ts";
import { noWildcard } from "./no-wildcard.ts";
import { secretValues, tokenValues } from "./secret-values.ts";
import { shadowedRule } from "./shadowed-rule.ts";
import { unknownField } from "./unknown-field.ts";
import { verbOfOtherKind } from "./verb-of-other-kind.ts";
import { websocketMissed } from "./websocket-missed.ts";
import { wrongGroup } from "./wrong-group.ts";

/** All lint rules, in the order in which they are documented. */
export const LINT_RULES: readonly LintRule[] = [
  unknownField,
  duplicateKey,
  noWildcard,
  groupAsUser,
  wrongGroup,
  deadResource,
  verbOfOtherKind,
  shadowedRule,
  websocketMissed,
  failedLoginLost,
  deletecollectionMissing,
  secretValues,
  tokenValues,
  execBody,
  noCatchAll,
  identityOnlyDrop,
];

/** What {@link lintPolicy} takes beside the policy. */
export interface LintOptions {
  /**
   * Reasons, by id of a lint rule, why its findings are meant to be there; they become warnings. Those that the
   * policy itself carries as annotations `lint.auditsieve.io/<id>` hold too.
   */
  readonly declared?: Readonly<Record<string, string>>;
}

/**
 * What is wrong with a policy that the apiserver accepts, in the order of the text.
 *
 * @example
 * const loaded = loadPolicy("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- {level: Metadata, verb: [get]}\n");
 * assert.ok(loaded.outcome === "accepted");
 * assert.equal(lintPolicy(loaded)[0]?.id, "unknown-field");
 */
export function lintPolicy(
  loaded: LoadedPolicy & { readonly outcome: "accepted" },
  options: LintOptions = {},
): readonly Problem[] {
  const declared = { ...annotated(loaded), ...options.declared };
  return LINT_RULES.flatMap((rule) =>
    rule.check(loaded).map((finding) => toProblem(rule, finding, loaded, declared)),
  ).sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
}

function toProblem(
  rule: LintRule,
  finding: LintFinding,
  { source }: LoadedPolicy & { readonly outcome: "accepted" },
  declared: Readonly<Record<string, string>>,
): Problem {
  const { severity, steps, atKey = false, message, hint } = finding;
  const reason = rule.isDeclarable && Object.hasOwn(declared, rule.id) ? declared[rule.id] : undefined;
  const isMeant = reason !== undefined && severity === "error";
  return {
    id: rule.id,
    severity: isMeant ? "warning" : severity,
    path: printPath(steps),
    ...(atKey ? source.locateKey(steps) : source.locate(steps)),
    message: isMeant ? `${message} (declared: ${reason})` : message,
    hint,
  };
}

function annotated({ source }: LoadedPolicy & { readonly outcome: "accepted" }): Record<string, string> {
  const annotations = source.valueAt(["metadata", "annotations"]);
  return Object.fromEntries(
    Object.entries(typeof annotations === "object" && annotations !== null ? annotations : {})
      .filter(([key]) => key.startsWith(DECLARATION_PREFIX))
      .map(([key, value]) => [key.slice(DECLARATION_PREFIX.length), typeof value === "string" ? value : ""]),
  );
}
