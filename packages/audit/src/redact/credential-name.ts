/** Longer names are judged by their first bytes and their last: a name is never that long, hostile input is. */
const LONGEST_NAME = 256;

const WORDS =
  /passw(?:or)?d|passphrase|passcode|secret|token|credential|api[-_.]?key|(?:access|account|auth|encryption|host|license|master|private|shared|signing|ssh|storage)[-_.]?key|key$|connection[-_.]?string|bearer/;
const SEGMENTS = /(?:^|[-_.])(?:keys?|pass|pwd|pw|auth|authorization|cookies?|dsn|jwt|pat|sig|signature)(?:[-_.]|$)/;
/** Names that speak about a credential without holding it. */
const ABOUT =
  /[-_.](?:audiences?|dir|directory|enabled|endpoint|expiration|expiry|file|files|lookup|mode|name|names|namespace|path|paths|ref|refs|timeout|ttl|type|uri|url|webhook[-_]version)$|^(?:old)?pwd$/;

/**
 * Whether what is called `name` (an environment variable, a flag, a header, a query parameter) holds a credential by the
 * look of its name. Errs on the side of yes, except for names that end in what is no credential: `_FILE`, `-url`, `_NAME`.
 */
export function isCredentialName(name: string): boolean {
  const cut = name.length > LONGEST_NAME ? name.slice(0, LONGEST_NAME / 2) + name.slice(-LONGEST_NAME / 2) : name;
  const plain = cut
    .replace(/^-{1,2}/, "")
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase();
  return (WORDS.test(plain) || SEGMENTS.test(plain)) && !ABOUT.test(plain);
}

/** Whether a name is one of a credential. */
export type NameTest = (name: string) => boolean;

/** {@link isCredentialName} with names of the user's own, in any case. */
export function createNameTest(extraNames: readonly string[] = []): NameTest {
  const extra = new Set(extraNames.map((name) => name.toLowerCase()));
  if (extra.size === 0) return isCredentialName;
  return (name) => isCredentialName(name) || extra.has(name.replace(/^-{1,2}/, "").toLowerCase());
}
