/**
 * What a server says of a rejection for want of memory: bytes of what was under way there, of the operation, and the most of both.
 *
 * @see https://github.com/elastic/elasticsearch/blob/v8.19.0/server/src/main/java/org/elasticsearch/index/IndexingPressure.java
 */
const REJECTION = /all_bytes=(\d+), (coordinating|primary)_operation_bytes=(\d+), max_\w+=(\d+)/;
/** What the server counts of a request beside its documents. */
const MOST_OVERHEAD = 1.1;

/**
 * Whether a request was rejected that a server of this size never takes, however little else it does: the operation alone is over the limit,
 * or together with the request that it came in, when nothing else was under way. Otherwise, and where the server says something else,
 * it is only busy.
 *
 * @example
 * const reason = "all_bytes=0, coordinating_operation_bytes=900, max_coordinating_bytes=800";
 * assert.equal(isOverTheServersLimit(reason, 850), true);
 */
export function isOverTheServersLimit(reason: string, requestBytes: number): boolean {
  const [, all, stage, operation, most] = REJECTION.exec(reason) ?? [];
  if (stage === undefined) {
    return false;
  }
  const isAlone = stage === "primary" && Number(all) <= requestBytes * MOST_OVERHEAD;
  return Number(operation) + (isAlone ? Number(all) : 0) > Number(most);
}
