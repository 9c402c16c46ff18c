/** A form in which a timeline is handed on. */
export type TimelineFormat = "ndjson" | "csv" | "timesketch" | "timesketch-csv";

/** Every {@link TimelineFormat}. */
export const TIMELINE_FORMATS: readonly TimelineFormat[] = ["ndjson", "csv", "timesketch", "timesketch-csv"];
