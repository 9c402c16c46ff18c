import type { EventScan, Field } from "@auditsieve/audit";

/** What two moments with one auditID and stage must have in common to be of one request. */
const CONTENT_FIELDS: readonly Field[] = ["user.username", "verb", "requestURI", "requestReceivedTimestamp"];
const DEFAULT_SLOTS = 1 << 17;

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
  constructor(slots: number = DEFAULT_SLOTS) {
    this.#mask = slots - 1;
    this.#low = new Uint32Array(slots);
    this.#high = new Uint32Array(slots);
    this.#content = new Uint32Array(slots);
  }

  /** Notes the event that `scan` holds. True: an earlier event had its auditID and stage and was of another request. */
  isUsedAgain(scan: EventScan): boolean {
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
    this.#low[slot] = low;
    this.#high[slot] = high;
    this.#content[slot] = content;
    return isOther;
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
