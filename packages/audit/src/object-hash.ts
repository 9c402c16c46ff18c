const FACTOR = 0x9e37_79b1;
/** Of a text four letters are taken together: so many are one word in the module. */
const LETTERS = 4;

/**
 * A number of 32 bits made of the namespace and the name of an object, to find what is known of it: a client may choose names, so that it proves
 * nothing. assembly/told.ts makes the same of plain ASCII.
 *
 * @example
 * assert.notEqual(hashOfObject("shop", "web"), hashOfObject("sho", "pweb"));
 */
export function hashOfObject(namespace: string, name: string): number {
  const hash = mixed(name, mixed(namespace, 0));
  return hash ^ (hash >>> 16);
}

function mixed(text: string, seed: number): number {
  let hash = seed;
  let at = 0;
  for (; at + LETTERS <= text.length; at += LETTERS) {
    const low = text.charCodeAt(at) | (text.charCodeAt(at + 1) << 8);
    hash = mix(hash, low | (text.charCodeAt(at + 2) << 16) | (text.charCodeAt(at + 3) << 24));
  }
  let word = text.length << 24;
  for (let shift = 0; at < text.length; at++, shift += 8) {
    word |= text.charCodeAt(at) << shift;
  }
  return mix(hash, word);
}

function mix(hash: number, word: number): number {
  return Math.imul(((hash << 5) | (hash >>> 27)) ^ word, FACTOR);
}
