/** What a field's name means for redaction. */
export const PLAIN = 0;
export const KIND = 1;
export const NAME = 2;
export const VALUE = 3;
export const PATH = 4;
export const OPERATION = 5;
export const DATA = 6;
export const STRING_DATA = 7;
export const WHOLE = 8;
export const CREDENTIAL = 9;
export const ARGUMENTS = 10;
export const MESSAGE = 11;
export const DIRECTIVE = 12;

/** Annotations that hold a copy of the whole object. */
const COPIES = [
  "kubectl.kubernetes.io/last-applied-configuration",
  "banzaicloud.com/last-applied",
  "kapp.k14s.io/original",
  "objectset.rio.cattle.io/applied",
];

/** Fields whose scalar value is a credential wherever they stand, except in a ConfigMap's data. */
const CREDENTIALS = [
  "token",
  "password",
  "passwd",
  "passphrase",
  "private-key",
  "client-key-data",
  "client-key",
  "client-secret",
  "secret-key",
  "secret-access-key",
  "access-key-secret",
  "api-key",
  "api-token",
  "auth-token",
  "access-token",
  "bearer-token",
  "id-token",
  "refresh-token",
  "session-token",
  "bootstrap-token",
];

/**
 * The fields that matter to redaction. A field is told by its name alone and in any case: clients write patches, and those
 * are recorded as they came.
 */
export class FieldTable {
  readonly #meanings: Map<string, number>;
  /** By length, a bit for each first letter: most names are dismissed without being cut out of the line. */
  readonly #firstLetters = new Int32Array(64);

  constructor(extraCredentials: readonly string[] = []) {
    const meanings = new Map<string, number>([
      ["kind", KIND],
      ["name", NAME],
      ["value", VALUE],
      ["path", PATH],
      ["op", OPERATION],
      ["data", DATA],
      ["stringdata", STRING_DATA],
      ["command", ARGUMENTS],
      ["args", ARGUMENTS],
      ["message", MESSAGE],
      ["$patch", DIRECTIVE],
      ["$retainkeys", DIRECTIVE],
    ]);
    for (const copy of COPIES) meanings.set(copy, WHOLE);
    for (const name of CREDENTIALS) {
      for (const mark of ["", "-", "_"]) meanings.set(name.replaceAll("-", mark), CREDENTIAL);
    }
    for (const name of extraCredentials) meanings.set(Buffer.from(name.toLowerCase()).toString("latin1"), CREDENTIAL);
    for (const name of meanings.keys()) {
      const slot = name.length & 63;
      this.#firstLetters[slot] = (this.#firstLetters[slot] as number) | (1 << (name.charCodeAt(0) & 31));
    }
    this.#meanings = meanings;
  }

  /** The names whose value may be replaced, or searched for arguments, wherever they stand; in lower case. */
  telling(): readonly string[] {
    const telling = [VALUE, STRING_DATA, WHOLE, CREDENTIAL, ARGUMENTS];
    return [...this.#meanings].filter(([, meaning]) => telling.includes(meaning)).map(([name]) => name);
  }

  /** The meaning of the name without escapes that stands in `text` from `start` to `end`. */
  at(text: string, start: number, end: number): number {
    const letters = this.#firstLetters[(end - start) & 63] as number;
    // Letters differ from their other case by a bit above these five.
    if ((letters & (1 << (text.charCodeAt(start) & 31))) === 0) return PLAIN;
    return this.of(text.slice(start, end));
  }

  of(name: string): number {
    return this.#meanings.get(name) ?? this.#meanings.get(name.toLowerCase()) ?? PLAIN;
  }
}
