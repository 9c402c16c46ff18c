/** What keeps a connection from coming about; each server's own words say what to do about it. */
export type ConnectionFault =
  | "unknown authority"
  | "certificate out of date"
  | "another name"
  | "another protocol"
  | "unreachable";

/** Clients keep nothing of a failed connection but a message; the more precise comes first. */
const FAULTS: readonly (readonly [RegExp, ConnectionFault])[] = [
  [/first certificate|self[- ]signed certificate|issuer certificate/i, "unknown authority"],
  [/certificate (?:has expired|is not yet valid)/, "certificate out of date"],
  [/altnames/, "another name"],
  [/other side closed|wrong version number|packet length|EPROTO/i, "another protocol"],
  [/ECONNREFUSED|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|ETIMEDOUT|connect(?:ion)? timeout/i, "unreachable"],
];

/**
 * The fault that the message of a failed connection tells, undefined where it tells none of them.
 *
 * @example
 * assert.equal(connectionFault("connect ECONNREFUSED 127.0.0.1:9200"), "unreachable");
 */
export function connectionFault(reason: string): ConnectionFault | undefined {
  return FAULTS.find(([pattern]) => pattern.test(reason))?.[1];
}
