/** Keys under which a document has its records: EventList, Azure and Firehose, Kinesis, CloudWatch (delivered, and asked for), Cloud Logging's answer. */
export const LIST_KEYS: ReadonlySet<string> = new Set([
  "items",
  "records",
  "Records",
  "logEvents",
  "events",
  "entries",
]);

/** Keys that an event has at its top, and no envelope. */
export const EVENT_KEYS: ReadonlySet<string> = new Set(["stage", "requestURI", "verb", "auditID"]);

/** Key of a finding of ours, before the `events` that it rests on. */
export const FINDING_KEY = "detection";

/**
 * An object with one of them at its top is never taken for an envelope, so that no event hides behind what it says beside; nor is a finding: its events stand in the
 * log that it was found in.
 */
export const NO_ENVELOPE_KEYS: ReadonlySet<string> = new Set([...EVENT_KEYS, FINDING_KEY]);
