import { loadPolicy } from "../load.ts";
import { LINT_RULES, lintPolicy } from "./index.ts";
import type { LintRule } from "./lint-rule.ts";

/** The page docs/policy-lint.md: every lint rule with why, a bad and a good example, and what it says of the bad one. */
export function lintPage(): string {
  return [INTRODUCTION, ...LINT_RULES.map(section)].join("\n");
}

const HEAD = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n";

const INTRODUCTION = `<!-- Made from packages/policy/src/lint by its tests: UPDATE_GOLDEN=1 vitest run --project quick packages/policy/src/lint -->

# Lint rules of policy check

What an apiserver accepts in silence and no one meant. \`auditsieve policy check FILE\` says first what the apiserver would say, then
this; \`--output json\` for programs. Exit 1 if a problem is an error.

An **error** is a rule that does not do what it says, or a secret in the log; a **warning** hides something that matters or costs
more than it seems; **info** is advice. Resources are those that Kubernetes of the given version serves.

A policy may declare that a finding is meant, where the rule says so: as an annotation \`lint.auditsieve.io/ID: why\` in its metadata.
Then its errors are warnings that carry the reason.

| id | |
|---|---|
${LINT_RULES.map(({ id, summary }) => `| [${id}](#${id}) | ${escapeMarks(summary)} |`).join("\n")}
`;

function section({ id, summary, bad, good, isDeclarable = false }: LintRule): string {
  return `## ${id}

${escapeMarks(summary)}${isDeclarable ? " May be declared as meant." : ""}

Bad:

\`\`\`yaml
${bad}
\`\`\`

${complaints(id, bad)}

Good:

\`\`\`yaml
${good}
\`\`\`
`;
}

function complaints(id: string, rules: string): string {
  const loaded = loadPolicy(`${HEAD}${rules}\n`);
  const problems = loaded.outcome === "accepted" ? lintPolicy(loaded).filter((problem) => problem.id === id) : [];
  return problems
    .map(
      ({ severity, message, hint = "" }) =>
        `> ${severity}: ${escapeMarks(message)}. ${escapeMarks(hint)}${/[?.]$/.test(hint) ? "" : "."}`,
    )
    .join("\n>\n");
}

/** Stars and bars are marks in Markdown. */
function escapeMarks(text: string): string {
  return text.replaceAll(/[*|]/g, "\\$&");
}
