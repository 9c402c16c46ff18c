import type { EventScan, Field } from "@auditsieve/audit";

/** All that a detection can look at outside the bodies; of objectRef what does not change with every write. */
const KEY_FIELDS: readonly Field[] = [
  "level",
  "stage",
  "requestURI",
  "verb",
  "user",
  "impersonatedUser",
  "sourceIPs",
  "userAgent",
  "objectRef.resource",
  "objectRef.namespace",
  "objectRef.name",
  "objectRef.apiGroup",
  "objectRef.apiVersion",
  "objectRef.subresource",
  "responseStatus.code",
  "annotations",
];
const SLOTS = 16_384;
const MAX_ENTRIES = 8192;
const MAX_KEY_BYTES = 4096;
const MAX_TOTAL_BYTES = 8 * 1024 * 1024;

interface Entry {
  readonly hash: number;
  readonly key: Buffer;
  value: unknown;
}

/**
 * Remembers something for heads that are the same byte by byte in every field that detections read: control loops
 * repeat themselves, so nearly every event is found here. A hit compares all bytes, never a hash alone, and allocates
 * nothing. Bounded; when it is full it starts again.
 */
export class HeadMemo {
  #slots: (Entry | undefined)[] = emptySlots();
  #count = 0;
  #bytes = 0;
  readonly #key = Buffer.alloc(MAX_KEY_BYTES);
  readonly #words = new Int32Array(this.#key.buffer, this.#key.byteOffset, MAX_KEY_BYTES / 4);
  #length = 0;
  #hash = 0;

  /** What was noted for a head like that of the event last scanned. */
  recall(scan: EventScan): unknown {
    if (!this.#build(scan)) {
      return undefined;
    }
    for (let slot = this.#hash & (SLOTS - 1); ; slot = (slot + 1) & (SLOTS - 1)) {
      const entry = this.#slots[slot];
      if (entry === undefined) {
        return undefined;
      }
      if (
        entry.hash === this.#hash &&
        entry.key.length === this.#length &&
        this.#key.compare(entry.key, 0, this.#length, 0, this.#length) === 0
      ) {
        return entry.value;
      }
    }
  }

  /** Notes a value for the head of the last {@link recall}, which must have found none. */
  note(value: unknown): void {
    if (this.#length === 0) {
      return;
    }
    if (this.#count === MAX_ENTRIES || this.#bytes > MAX_TOTAL_BYTES) {
      this.#slots = emptySlots();
      this.#count = 0;
      this.#bytes = 0;
    }
    let slot = this.#hash & (SLOTS - 1);
    while (this.#slots[slot] !== undefined) {
      slot = (slot + 1) & (SLOTS - 1);
    }
    this.#slots[slot] = { hash: this.#hash, key: Buffer.from(this.#key.subarray(0, this.#length)), value };
    this.#count++;
    this.#bytes += this.#length;
  }

  /** False where the head is too long to be worth remembering. */
  #build(scan: EventScan): boolean {
    const key = this.#key;
    let length = 0;
    for (const field of KEY_FIELDS) {
      if (scan.has(field)) {
        const start = scan.valueStart(field);
        const end = scan.valueEnd(field);
        if (length + end - start + 8 > MAX_KEY_BYTES) {
          this.#length = 0;
          return false;
        }
        length += scan.bytes.copy(key, length, start, end);
      }
      // 0 stands in no JSON text, so fields cannot run into one another.
      key[length++] = 0;
    }
    for (let at = length; at % 4 !== 0; at++) {
      key[at] = 0;
    }
    const words = this.#words;
    let hash = length;
    for (let at = 0, end = (length + 3) >> 2; at < end; at++) {
      hash = Math.imul(hash ^ (words[at] as number), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    this.#length = length;
    this.#hash = hash >>> 0;
    return true;
  }
}

function emptySlots(): (Entry | undefined)[] {
  return Array.from({ length: SLOTS }, () => undefined);
}
