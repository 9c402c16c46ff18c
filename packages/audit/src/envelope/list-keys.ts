/** Keys under which a document has its records: EventList, Azure and Firehose, Kinesis, CloudWatch (delivered, and asked for), Cloud Logging's answer. */
export const LIST_KEYS: ReadonlySet<string> = new Set([
  "items",
  "records",
  "Records",
  "logEvents",
  "events",
  "entries",
]);

/**
 * Keys that an event has at its top, and no envelope: an object with one of them is never taken for an envelope, so that no event hides
 * behind what it says beside.
 */
export const EVENT_KEYS: ReadonlySet<string> = new Set(["stage", "requestURI", "verb", "auditID"]);
