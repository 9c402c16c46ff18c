/** Which lines are looked at. */
export interface ReconcileOptions {
  /** RFC 3339: only lines whose time is not before. */
  readonly since?: string;
  /** RFC 3339: only lines whose time is before. */
  readonly until?: string;
}

/** Something that does not add up. */
export interface Discrepancy {
  readonly kind:
    | "missing"
    | "changed"
    | "repeated"
    | "stored-and-dead-lettered"
    | "receipts-differ"
    | "lost"
    | "damaged-dead-letter"
    | "damaged-document";
  readonly severity: "error" | "warning";
  readonly sink: string;
  /** Of the line; of a damaged dead letter or document, of that file. */
  readonly source?: string;
  readonly file: string;
  readonly offset: number;
  readonly id?: string;
  readonly message: string;
}

/** What the lines of all inputs came to at one sink: `lines = stored + dropped + deadLettered + pending + missing`. */
export interface ReconciledSink {
  readonly sink: string;
  readonly lines: number;
  readonly stored: number;
  readonly dropped: number;
  readonly deadLettered: number;
  /** Not acknowledged yet, and not there. */
  readonly pending: number;
  readonly missing: number;
  /** Besides the lines: whole events in undecidable lines, by what became of them. */
  readonly salvaged: {
    readonly stored: number;
    readonly deadLettered: number;
    readonly pending: number;
    readonly missing: number;
  };
  /** Lines from before the sink was there, or got what it gets now: nothing is asked of it for them. In none of the counts above. */
  readonly earlier: number;
  /** Documents of lines that no input has any more. */
  readonly withoutInput: number;
}

/** What {@link reconcile} found. */
export interface Reconciliation {
  readonly sinks: readonly ReconciledSink[];
  readonly discrepancies: readonly Discrepancy[];
  /** What could not be checked, and why. */
  readonly notChecked: readonly string[];
}
