import { ENDINGS, engineHolding } from "./scan-wasm/engine.ts";
import type { Engine } from "./scan-wasm/engine.ts";

// As assembly/endings.ts reads them.
const ENDING_BYTES = 64;
const TEXT = 4;
const MAX_ENDINGS = 8;
const PLACE_BYTES = ENDING_BYTES * MAX_ENDINGS;
const MAX_LENGTH = ENDING_BYTES - TEXT - 1;

/** Keys that are spelled in one way only but for escapes. */
const PLAIN = /^[\w.-]+$/;
/** An escape that may spell any letter of a key. */
const ESCAPE = Buffer.from("\\u");
const PLACES = 16;
/** Whose endings the engine has: some are looked for by turns, a dozen for one condition. */
const loaded: (KeyEndings | undefined)[] = Array.from({ length: PLACES }, () => undefined);
let next = 0;

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
  /** As the engine has them; undefined where it has no room for them. */
  readonly #laid: Uint8Array | undefined;
  /** Where it has had them last. */
  #place = 0;

  constructor(endings: readonly string[]) {
    this.#needles = endings.every((ending) => PLAIN.test(ending))
      ? endings.map((ending) => Buffer.from(`${ending}"`))
      : undefined;
    this.#laid = this.#needles && laidOut(this.#needles);
  }

  /** Whether no key in `bytes[start, end)` ends in one of them. False says nothing: it may be a value that does. */
  areAbsent(bytes: Buffer, start: number, end: number): boolean {
    const needles = this.#needles;
    if (needles === undefined) {
      return false;
    }
    const engine = engineHolding(bytes);
    if (engine !== undefined && this.#laid !== undefined) {
      const { byteOffset } = bytes;
      const endings = this.#placed(this.#laid, engine);
      return engine.exports.lacksEndings(start + byteOffset, end + byteOffset, endings, needles.length) !== 0;
    }
    return holdsNone(bytes.subarray(start, end), needles);
  }

  /** Where they stand in the engine's memory. */
  #placed(laid: Uint8Array, { memory }: Engine): number {
    if (loaded[this.#place] !== this) {
      this.#place = next;
      next = (next + 1) % PLACES;
      loaded[this.#place] = this;
      memory.set(laid, ENDINGS + PLACE_BYTES * this.#place);
    }
    return ENDINGS + PLACE_BYTES * this.#place;
  }
}

function holdsNone(bytes: Buffer, needles: readonly Buffer[]): boolean {
  return !bytes.includes(ESCAPE) && !needles.some((needle) => bytes.includes(needle));
}

function laidOut(needles: readonly Buffer[]): Uint8Array | undefined {
  if (needles.length > MAX_ENDINGS || needles.some(({ length }) => length > MAX_LENGTH || length < 2)) {
    return undefined;
  }
  const laid = Buffer.alloc(ENDING_BYTES * needles.length);
  needles.forEach((needle, i) => {
    laid.writeInt32LE(needle.length, ENDING_BYTES * i);
    laid.set(needle, ENDING_BYTES * i + TEXT);
  });
  return laid;
}
