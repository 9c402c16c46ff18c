import { slotOf } from "@auditsieve/audit";
import type { EventScan, Span } from "@auditsieve/audit";

const ANNOTATIONS = slotOf("annotations");
const NONE: readonly Span[] = [];
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** µ, as in `218.584µs`. */
const MICRO = [0xc2, 0xb5] as const;
/** A log with more of them than that makes up their names. */
const MAX_KEYS = 1024;
const MAX_SPANS = 64;

/** Finds what stands in annotations that nobody asks for: how long a slow request took differs each time and says nothing to anybody. */
export class UnaskedAnnotations {
  readonly #isAsked: (key: string) => boolean;
  readonly #asked = new Map<string, boolean>();
  readonly #spans: Span[] = [];
  /** The event asked about last, which is asked about more than once. */
  #scan: EventScan | undefined;
  #scans = -1;
  #last: readonly Span[] = NONE;

  /** `isAsked` says of a key whether anybody looks at the value. */
  constructor(isAsked: (key: string) => boolean) {
    this.#isAsked = isAsked;
  }

  /**
   * Where their values stand in the scanned bytes, without their quotes: such as are of ASCII without escapes, but for a µ. None
   * where the annotations are not what an apiserver writes. Valid until the next call.
   */
  of(scan: EventScan): readonly Span[] {
    if (this.#scan !== scan || this.#scans !== scan.scans) {
      this.#last = this.#find(scan);
      this.#scan = scan;
      this.#scans = scan.scans;
    }
    return this.#last;
  }

  #find(scan: EventScan): readonly Span[] {
    const end = scan.slotEnd(ANNOTATIONS);
    const { bytes } = scan;
    const spans = this.#spans;
    spans.length = 0;
    let at = end === 0 ? 0 : scan.slotStart(ANNOTATIONS);
    if (end === 0 || bytes[at] !== 0x7b) {
      return NONE;
    }
    while (true) {
      // Behind an opening brace or a comma.
      const key = skipSpace(bytes, at + 1);
      const keyEnd = bytes[key] === QUOTE ? plainEnd(bytes, key + 1) : 0;
      const colon = bytes[keyEnd] === QUOTE ? skipSpace(bytes, keyEnd + 1) : 0;
      const value = skipSpace(bytes, colon + 1);
      if (colon === 0 || colon >= end || bytes[value] !== QUOTE || spans.length === MAX_SPANS) {
        return NONE;
      }
      let valueEnd = plainEnd(bytes, value + 1);
      const isPlain = bytes[valueEnd] === QUOTE;
      valueEnd = isPlain ? valueEnd : textEnd(bytes, valueEnd);
      if (isPlain && !this.#isKeyAsked(bytes.toString("latin1", key + 1, keyEnd))) {
        spans.push({ start: value + 1, end: valueEnd });
      }
      at = skipSpace(bytes, valueEnd + 1);
      if (bytes[at] !== 0x2c || at >= end) {
        return at === end - 1 && bytes[at] === 0x7d ? spans : NONE;
      }
    }
  }

  #isKeyAsked(key: string): boolean {
    let isAsked = this.#asked.get(key);
    if (isAsked === undefined) {
      if (this.#asked.size === MAX_KEYS) {
        this.#asked.clear();
      }
      // Beyond ASCII it would have to be decoded.
      isAsked = key.includes(String.fromCharCode(MICRO[0])) || this.#isAsked(key);
      this.#asked.set(key, isAsked);
    }
    return isAsked;
  }
}

/** The first byte at or behind `from` that is neither plain nor of a µ. */
function plainEnd(bytes: Buffer, from: number): number {
  let at = from;
  while (true) {
    const byte = bytes[at] as number;
    if (byte === MICRO[0] && bytes[at + 1] === MICRO[1]) {
      at += 2;
    } else if (byte >= 32 && byte < 127 && byte !== QUOTE && byte !== BACKSLASH) {
      at++;
    } else {
      return at;
    }
  }
}

/** The quote that ends the text that `from` stands in. The line was proven to be JSON. */
function textEnd(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at] !== QUOTE && at < bytes.length) {
    at += bytes[at] === BACKSLASH ? 2 : 1;
  }
  return at;
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at] === 0x20 || bytes[at] === 0x09 || bytes[at] === 0x0d) {
    at++;
  }
  return at;
}
