/** Bounds on a Sigma document: far above what the known rule sets use, far below what costs memory or time. */
export const LIMITS = {
  documents: 500,
  conditionLength: 4096,
  conditionDepth: 32,
  selections: 256,
  selectionDepth: 8,
  values: 10_000,
  /** Items: a field, or keywords, with their values. */
  items: 10_000,
  /** Fields and values of a condition, with its selections put in for their names as often as they stand there. */
  tests: 50_000,
  /** Fields and values that one pipeline adds to the conditions of all detections. */
  addedTests: 1000,
  /** Problems of one document that are told, of each severity. */
  problems: 200,
  valueLength: 4096,
  /** Characters of the name of a field, and of what a document is called by: its title, id and name. */
  fieldLength: 512,
  correlationNames: 64,
  /** Spellings of values under `base64`, `base64offset` and `expand`, where a value has several: of one load together. */
  spellings: 100_000,
  /** Steps that the regular expressions of one load unfold to, together; each counts as 50 at least. */
  regexSteps: 200_000,
} as const;
