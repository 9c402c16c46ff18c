/**
 * What the apiserver accepts in silence and no one meant. Adding a rule: one file with its examples, and a line here.
 *
 * @module
 */
import { DEFAULT_KUBERNETES_VERSION } from "../kubernetes-version.ts";
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
import { credentialBodies } from "./credential-bodies.ts";
import { discoveryHidden } from "./discovery-hidden.ts";
import { groupsMissing } from "./groups-missing.ts";
import { logsNothing } from "./logs-nothing.ts";
import { modernNoise } from "./modern-noise.ts";
import { namesMissCreate } from "./names-miss-create.ts";
import { outdatedNoise } from "./outdated-noise.ts";
import { rbacBodies } from "./rbac-bodies.ts";
import { readBodies } from "./read-bodies.ts";
import { sensitiveHidden } from "./sensitive-hidden.ts";
import { sessionStartLost } from "./session-start-lost.ts";
import { starCoversParent } from "./star-covers-parent.ts";
import { stigOrCis } from "./stig-or-cis.ts";
import { subresourceMissing } from "./subresource-missing.ts";
import { writesHidden } from "./writes-hidden.ts";
import { wrongGroup } from "./wrong-group.ts";

/** All lint rules, in the order in which they are documented. */
export const LINT_RULES: readonly LintRule[] = [
  unknownField,
  duplicateKey,
  noWildcard,
  groupAsUser,
  wrongGroup,
  deadResource,
  starCoversParent,
  namesMissCreate,
  verbOfOtherKind,
  shadowedRule,
  groupsMissing,
  websocketMissed,
  subresourceMissing,
  failedLoginLost,
  sessionStartLost,
  deletecollectionMissing,
  sensitiveHidden,
  discoveryHidden,
  writesHidden,
  identityOnlyDrop,
  noCatchAll,
  logsNothing,
  rbacBodies,
  secretValues,
  tokenValues,
  credentialBodies,
  stigOrCis,
  readBodies,
  execBody,
  outdatedNoise,
  modernNoise,
];

/** What {@link lintPolicy} takes beside the policy. */
export interface LintOptions {
  /** Version of the apiserver that will load the policy. Default 1.37. */
  readonly kubernetesVersion?: string;
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
 * assert.ok(lintPolicy(loaded).some(({ id }) => id === "unknown-field"));
 */
export function lintPolicy(
  loaded: LoadedPolicy & { readonly outcome: "accepted" },
  options: LintOptions = {},
): readonly Problem[] {
  const { kubernetesVersion = DEFAULT_KUBERNETES_VERSION } = options;
  const declared = { ...annotated(loaded), ...options.declared };
  return LINT_RULES.flatMap((rule) =>
    rule.check({ ...loaded, kubernetesVersion }).map((finding) => toProblem(rule, finding, loaded, declared)),
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
