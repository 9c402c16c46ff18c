/** How many different ones `hashOfID` gives. */
export const ID_HASHES = 0x1_0000;
/** In so many letters at their ends those differ that an apiserver makes. */
const LETTERS = 8;

/**
 * A small number made of an auditID, to tell most of those apart that are not the same: a client may choose one, so that it proves nothing
 * else. assembly/moment.ts makes the same.
 *
 * @example
 * assert.notEqual(hashOfID("1b9ee3e5-8982-4b58-a2cd-0384840d7e4f"), hashOfID("1b9ee3e5-8982-4b58-a2cd-0384840d7e40"));
 */
export function hashOfID(auditID: string | null | undefined): number {
  // An event may have none.
  if (typeof auditID !== "string") {
    return 0;
  }
  let sum = 0;
  for (let at = Math.max(0, auditID.length - LETTERS); at < auditID.length; at++) {
    sum = Math.imul(sum, 0x2f) + auditID.charCodeAt(at);
  }
  return (sum ^ (sum >>> 16)) & (ID_HASHES - 1);
}
