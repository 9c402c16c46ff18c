import { engineHolding } from "./scan-wasm/engine.ts";
import type { Engine } from "./scan-wasm/engine.ts";

// As assembly/endings.ts reads them.
const ENDINGS = 0x25_8200;
const ENDING_BYTES = 64;
const TEXT = 4;
const MAX_ENDINGS = 8;
const MAX_LENGTH = ENDING_BYTES - TEXT - 1;

/** Keys that are spelled in one way only but for escapes. */
const PLAIN = /^[\w.-]+$/;
/** An escape that may spell any letter of a key. */
const ESCAPE = Buffer.from("\\u");
/** Whose endings the engine has: there is one for all. */
let loaded: readonly Buffer[] | undefined;

/**
 * Ends of keys that are looked for together in JSON that need not be parsed for it. Make one and look over and over.
 *
 * @example
 * const bytes = Buffer.from('{"spec":{"hostNetwork":true}}');
 * assert.equal(new KeyEndings(["hostPath", "privileged"]).areAbsent(bytes, 0, bytes.length), true);
 * assert.equal(new KeyEndings(["hostPath", "Network"]).areAbsent(bytes, 0, bytes.length), false);
 */
export class KeyEndings {
  /** Undefined where one may be spelled in several ways. */
  readonly #needles: readonly Buffer[] | undefined;

  constructor(endings: readonly string[]) {
    this.#needles = endings.every((ending) => PLAIN.test(ending))
      ? endings.map((ending) => Buffer.from(`${ending}"`))
      : undefined;
  }

  /** Whether no key in `bytes[start, end)` ends in one of them. False says nothing: it may be a value that does. */
  areAbsent(bytes: Buffer, start: number, end: number): boolean {
    const needles = this.#needles;
    if (needles === undefined) {
      return false;
    }
    const engine = engineHolding(bytes);
    if (engine !== undefined && this.#load(engine, needles)) {
      const { byteOffset } = bytes;
      return engine.exports.lacksEndings(start + byteOffset, end + byteOffset, needles.length) !== 0;
    }
    const part = bytes.subarray(start, end);
    return !part.includes(ESCAPE) && !needles.some((needle) => part.includes(needle));
  }

  /** False where there is no room for them. */
  #load({ memory }: Engine, needles: readonly Buffer[]): boolean {
    if (loaded === needles) {
      return true;
    }
    if (needles.length > MAX_ENDINGS || needles.some(({ length }) => length > MAX_LENGTH || length < 2)) {
      return false;
    }
    needles.forEach((needle, i) => {
      const at = ENDINGS + ENDING_BYTES * i;
      memory.writeInt32LE(needle.length, at);
      memory.set(needle, at + TEXT);
    });
    loaded = needles;
    return true;
  }
}
