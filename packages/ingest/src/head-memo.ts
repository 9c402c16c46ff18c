import type { EventScan, Field } from "@auditsieve/audit";

/** All but names of what a detection can look at outside the bodies; of objectRef what does not change with every write. */
const UNNAMED: readonly Field[] = [
  "level",
  "stage",
  "verb",
  "user",
  "impersonatedUser",
  "sourceIPs",
  "userAgent",
  "objectRef.resource",
  "objectRef.namespace",
  "objectRef.apiGroup",
  "objectRef.apiVersion",
  "objectRef.subresource",
  "responseStatus.code",
  "annotations",
];
const NAMES: readonly Field[] = ["requestURI", "objectRef.name"];
const SLOTS = 16_384;
const MAX_ENTRIES = 8192;
const MAX_KEY_BYTES = 4096;
const MAX_TOTAL_BYTES = 8 * 1024 * 1024;

interface Entry {
  readonly hash: number;
  readonly key: Buffer;
  readonly value: unknown;
}

/** Values by the bytes of a key. Bounded; when it is full it starts again. */
class KeyTable {
  #slots = emptySlots();
  #count = 0;
  #bytes = 0;

  get(key: Buffer, length: number, hash: number): unknown {
    for (let slot = hash & (SLOTS - 1); ; slot = (slot + 1) & (SLOTS - 1)) {
      const entry = this.#slots[slot];
      if (entry === undefined) {
        return undefined;
      }
      if (entry.hash === hash && entry.key.length === length && key.compare(entry.key, 0, length, 0, length) === 0) {
        return entry.value;
      }
    }
  }

  add(key: Buffer, length: number, hash: number, value: unknown): void {
    if (this.#count === MAX_ENTRIES || this.#bytes > MAX_TOTAL_BYTES) {
      this.#slots = emptySlots();
      this.#count = 0;
      this.#bytes = 0;
    }
    let slot = hash & (SLOTS - 1);
    while (this.#slots[slot] !== undefined) {
      slot = (slot + 1) & (SLOTS - 1);
    }
    const own = Buffer.allocUnsafeSlow(length);
    key.copy(own, 0, 0, length);
    this.#slots[slot] = { hash, key: own, value };
    this.#count++;
    this.#bytes += length;
  }
}

/**
 * Remembers something for heads that are the same byte by byte in every field that detections read, or in all but the
 * URI and the name of the object. Control loops repeat themselves, so nearly every event is found here. A hit compares
 * all bytes, never a hash alone, and allocates nothing.
 */
export class HeadMemo {
  readonly #scan: EventScan;
  readonly #whole = new KeyTable();
  readonly #unnamed = new KeyTable();
  readonly #key = Buffer.alloc(MAX_KEY_BYTES);
  readonly #words = new Int32Array(this.#key.buffer, this.#key.byteOffset, MAX_KEY_BYTES / 4);
  /** The scan whose key is built; its lengths are 0 where it is too long to be worth remembering. */
  #built = -1;
  #wholeLength = 0;
  #wholeHash = 0;
  #unnamedLength = 0;
  #unnamedHash = 0;

  constructor(scan: EventScan) {
    this.#scan = scan;
  }

  /** What was noted for a head like that of the event last scanned. */
  recall(part: "whole" | "unnamed"): unknown {
    this.#build();
    if (this.#wholeLength === 0) {
      return undefined;
    }
    return part === "whole"
      ? this.#whole.get(this.#key, this.#wholeLength, this.#wholeHash)
      : this.#unnamed.get(this.#key, this.#unnamedLength, this.#unnamedHash);
  }

  /** Notes a value for the head of the event last scanned, for which {@link recall} found none. */
  note(part: "whole" | "unnamed", value: unknown): void {
    this.#build();
    if (this.#wholeLength === 0) {
      return;
    }
    if (part === "whole") {
      this.#whole.add(this.#key, this.#wholeLength, this.#wholeHash, value);
    } else {
      this.#unnamed.add(this.#key, this.#unnamedLength, this.#unnamedHash, value);
    }
  }

  #build(): void {
    if (this.#built === this.#scan.scans) {
      return;
    }
    this.#built = this.#scan.scans;
    this.#wholeLength = 0;
    const unnamed = this.#append(UNNAMED, 0);
    const whole = unnamed === -1 ? -1 : this.#append(NAMES, unnamed);
    if (whole === -1) {
      return;
    }
    this.#unnamedLength = unnamed;
    this.#unnamedHash = this.#mix(0, unnamed, unnamed);
    this.#wholeLength = whole;
    this.#wholeHash = this.#mix(unnamed, whole, this.#unnamedHash);
  }

  /** Appends values to the key, padded to whole words. Gives its length, or -1 when it is too long. */
  #append(fields: readonly Field[], from: number): number {
    const key = this.#key;
    const scan = this.#scan;
    let length = from;
    for (const field of fields) {
      if (scan.has(field)) {
        const start = scan.valueStart(field);
        const end = scan.valueEnd(field);
        if (length + end - start + 8 > MAX_KEY_BYTES) {
          return -1;
        }
        length += scan.bytes.copy(key, length, start, end);
      }
      // 0 stands in no JSON text, so fields cannot run into one another.
      key[length++] = 0;
    }
    while (length % 4 !== 0) {
      key[length++] = 0;
    }
    return length + 8 > MAX_KEY_BYTES ? -1 : length;
  }

  #mix(from: number, to: number, seed: number): number {
    const words = this.#words;
    let hash = seed;
    for (let at = from >> 2, end = to >> 2; at < end; at++) {
      hash = Math.imul(hash ^ (words[at] as number), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    return hash >>> 0;
  }
}

function emptySlots(): (Entry | undefined)[] {
  return Array.from({ length: SLOTS }, () => undefined);
}
