/**
 * Something wrong in data: returned, never thrown. `message` says what was being done and what is wrong,
 * `hint` what to do about it.
 */
export interface Problem {
  /** Stable name, kebab-case: the metric label, the lint rule, the anchor in docs/. */
  readonly id: string;
  readonly severity: "error" | "warning" | "info";
  /** Where inside the document, as the field's users write it: `rules[3].verbs[0]`. */
  readonly path?: string;
  /** 1-based line and column in the file. */
  readonly line?: number;
  readonly column?: number;
  readonly message: string;
  readonly hint?: string;
}
