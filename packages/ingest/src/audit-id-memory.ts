import type { EventScan, Field } from "@auditsieve/audit";

/** What two moments with one auditID and stage must have in common to be of one request. */
const CONTENT_FIELDS: readonly Field[] = ["user.username", "verb", "requestURI", "requestReceivedTimestamp"];
/** Events that are remembered, about. */
export const AUDIT_ID_SLOTS: number = 1 << 17;

/**
 * Remembers the auditIDs of about the last hundred thousand events, to tell when one comes again for another request: a client
 * chooses it by a header, and whoever replays one hides behind an older request. A line that is read twice is no such thing.
 * Allocates nothing per event, and forgets by itself.
 *
 * @see https://github.com/kubernetes/apiserver/blob/master/pkg/endpoints/filters/audit_init.go
 */
export class AuditIdMemory {
  readonly #mask: number;
  #low: Uint32Array;
  #high: Uint32Array;
  #content: Uint32Array;

  /** `slots`: a power of two. */
  constructor(slots: number = AUDIT_ID_SLOTS) {
    this.#mask = slots - 1;
    this.#low = new Uint32Array(slots);
    this.#high = new Uint32Array(slots);
    this.#content = new Uint32Array(slots);
  }

  /**
   * Notes the event that `scan` holds. True: an earlier event had its auditID and stage and was of another request. `onNoted` is
   * told what was noted, for a memory that is kept elsewhere and goes on with {@link note}.
   */
  isUsedAgain(scan: EventScan, onNoted?: (low: number, high: number, content: number) => void): boolean {
    if (!scan.has("auditID")) {
      return false;
    }
    const low = hashOf(scan, "stage", hashOf(scan, "auditID", 0x811c9dc5));
    // A second hash with another start and direction; 0 stands for an empty slot.
    const high = hashOf(scan, "auditID", hashOf(scan, "stage", 0x9747b28c)) || 1;
    let content = 0x1b873593;
    for (const field of CONTENT_FIELDS) {
      content = hashOf(scan, field, content);
    }
    const slot = low & this.#mask;
    const isKnown = this.#high[slot] === high && this.#low[slot] === low;
    const isOther = isKnown && this.#content[slot] !== content;
    this.note(low, high, content);
    onNoted?.(low, high, content);
    return isOther;
  }

  /** Notes what another memory of the same size was told. */
  note(low: number, high: number, content: number): void {
    const slot = low & this.#mask;
    this.#low[slot] = low;
    this.#high[slot] = high;
    this.#content[slot] = content;
  }

  /** All that is remembered: three tables of 32-bit numbers, one behind the other, in the order of this machine. */
  get bytes(): Buffer {
    return Buffer.concat([this.#low, this.#high, this.#content].map((table) => Buffer.from(table.buffer)));
  }

  /** Takes over what {@link bytes} gave. False: it is of another size. */
  load(bytes: Uint8Array): boolean {
    const size = this.#low.byteLength;
    if (bytes.length !== 3 * size) {
      return false;
    }
    [this.#low, this.#high, this.#content].forEach((table, i) =>
      new Uint8Array(table.buffer).set(bytes.subarray(i * size, (i + 1) * size)),
    );
    return true;
  }

  /** What is remembered, for {@link restore}; the arrays are those in use. */
  snapshot(): unknown {
    return { low: this.#low, high: this.#high, content: this.#content };
  }

  /** Takes the place of what is remembered. Of another size it is left out. */
  restore(snapshot: unknown): void {
    const { low, high, content } = snapshot as Readonly<Record<"low" | "high" | "content", Uint32Array>>;
    if (low.length === this.#mask + 1) {
      this.#low = low;
      this.#high = high;
      this.#content = content;
    }
  }
}

function hashOf(scan: EventScan, field: Field, seed: number): number {
  let hash = seed;
  if (scan.has(field)) {
    const { bytes } = scan;
    const end = scan.valueEnd(field);
    for (let at = scan.valueStart(field); at < end; at++) {
      hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
    }
  }
  hash ^= hash >>> 15;
  return Math.imul(hash, 0x2c1b3c6d) >>> 0;
}
