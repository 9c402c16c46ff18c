import type { Policy } from "../policy.ts";
import type { PolicySource } from "../policy-source.ts";
import type { StrictWarnings } from "../load.ts";

/** What a lint rule may look at: a policy that the apiserver accepts. */
export interface LintContext {
  readonly policy: Policy;
  readonly strict: StrictWarnings | undefined;
  readonly source: PolicySource;
  /** Version of the apiserver that will load the policy. */
  readonly kubernetesVersion: string;
}

/** One complaint of a lint rule. */
export interface LintFinding {
  readonly severity: "error" | "warning" | "info";
  /** Place in the document: `["rules", 0, "verbs", 1]`. */
  readonly steps: readonly (string | number)[];
  /** Whether the place is the key rather than its value. */
  readonly atKey?: boolean;
  readonly message: string;
  readonly hint: string;
}

/** Something that the apiserver accepts in silence. Its examples are run by the tests. */
export interface LintRule {
  /** Kebab-case, stable: what is shown, declared and documented. */
  readonly id: string;
  readonly summary: string;
  /** Rules of a policy (YAML) that it complains of, and the same put right. */
  readonly bad: string;
  readonly good: string;
  /** Whether a policy may declare that the finding is meant: then its errors are warnings. */
  readonly isDeclarable?: boolean;
  readonly check: (context: LintContext) => readonly LintFinding[];
}
