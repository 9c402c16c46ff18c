import { slotOf } from "@auditsieve/audit";
import type { EventScan } from "@auditsieve/audit";
import type { LinePlaces } from "../lines/line-shape.ts";

const AUDIT_ID = slotOf("auditID");
const STAGE = slotOf("stage");
/** What two moments with one auditID and stage must have in common to be of one request. */
const CONTENT: readonly number[] = (["user.username", "verb", "requestURI", "requestReceivedTimestamp"] as const).map(
  slotOf,
);
const [USER, VERB, URI, RECEIVED] = CONTENT as readonly [number, number, number, number];
/** Where the two hashes begin: of events that an apiserver wrote, and of those that were made of a provider's entry. */
const WRITTEN: Seeds = { low: 0x811c9dc5, high: 0x9747b28c };
const CONVERTED: Seeds = { low: 0x3c6ef372, high: 0x5bd1e995 };
const CONTENT_SEED = 0x1b873593;

interface Seeds {
  readonly low: number;
  readonly high: number;
}

/** What of an event's numbers is the same in all that differ in no more than auditID, requestURI and times. */
export interface AlikeNumbers {
  readonly stage: DataView;
  readonly seeds: Seeds;
  readonly high: number;
  readonly content: number;
}

/** Events that are remembered, about. */
export const AUDIT_ID_SLOTS: number = 1 << 17;
/** Events whose numbers share a place. */
const WAYS = 4;

/**
 * Remembers the auditIDs of about the last hundred thousand events, to tell when one comes again for another request: a client
 * chooses it by a header, and whoever replays one hides behind an older request. A line that is read twice is no such thing, and an event
 * that was made of a provider's entry says too little to tell its request from that of an event that an apiserver wrote.
 * Allocates next to nothing per event, and forgets by itself.
 *
 * @see https://github.com/kubernetes/apiserver/blob/master/pkg/endpoints/filters/audit_init.go
 */
export class AuditIdMemory {
  readonly #mask: number;
  // With a sign: what does not fit into 31 bits of its own would be an object for each event.
  #low: Int32Array;
  #high: Int32Array;
  #content: Int32Array;
  #viewed: Buffer = Buffer.alloc(0);
  #view: DataView = new DataView(new ArrayBuffer(0));

  /** `slots`: a power of two, at least 4. */
  constructor(slots: number = AUDIT_ID_SLOTS) {
    this.#mask = slots - 1;
    this.#low = new Int32Array(slots);
    this.#high = new Int32Array(slots);
    this.#content = new Int32Array(slots);
  }

  /**
   * Notes the event that `scan` holds. True: an earlier event had its auditID and stage and was of another request. `onNoted` is
   * told what was noted, for a memory that is kept elsewhere and goes on with {@link note}.
   */
  isUsedAgain(scan: EventScan, onNoted?: (low: number, high: number, content: number) => void): boolean {
    if (scan.slotEnd(AUDIT_ID) === 0) {
      return false;
    }
    const seeds = seedsOf(scan);
    const low = this.#hashOf(scan, STAGE, this.#hashOf(scan, AUDIT_ID, seeds.low));
    // A second hash with another start and direction; 0 stands for an empty slot.
    const high = this.#hashOf(scan, AUDIT_ID, this.#hashOf(scan, STAGE, seeds.high)) || 1;
    const content = this.#hashOf(scan, RECEIVED, this.#hashOf(scan, URI, this.#contentOf(scan)));
    const isOther = this.note(low, high, content);
    onNoted?.(low, high, content);
    return isOther;
  }

  /** For {@link noteAlike}, of the event that `scan` holds, whose stage is written without escapes. */
  alike(scan: EventScan): AlikeNumbers {
    const seeds = seedsOf(scan);
    const { buffer } = new Uint8Array(scan.bytes.subarray(scan.slotStart(STAGE), scan.slotEnd(STAGE)));
    return {
      stage: new DataView(buffer),
      seeds,
      high: this.#hashOf(scan, STAGE, seeds.high),
      content: this.#contentOf(scan),
    };
  }

  /**
   * As {@link isUsedAgain}, of an event of which is known what is the same in others. False, and nothing is noted, where an earlier event had its
   * auditID and stage and was of another request.
   */
  noteAlike(
    { stage, seeds, high: ofStage, content: ofRequest }: AlikeNumbers,
    { bytes, auditID, auditIDEnd, uri, uriEnd, received, receivedEnd }: LinePlaces,
    onNoted?: (low: number, high: number, content: number) => void,
  ): boolean {
    const ofId = this.#hashAt(bytes, auditID, auditIDEnd, seeds.low);
    const low = hashRange(stage, 0, stage.byteLength, ofId, true) ?? 0;
    const high = this.#hashAt(bytes, auditID, auditIDEnd, ofStage) || 1;
    const ofUri = this.#hashAt(bytes, uri, uriEnd, ofRequest);
    const content = this.#hashAt(bytes, received, receivedEnd, ofUri);
    const [lows, highs] = [this.#low, this.#high];
    const first = low & this.#mask & -WAYS;
    for (let slot = first; slot < first + WAYS; slot++) {
      if (highs[slot] === high && lows[slot] === low && this.#content[slot] !== content) {
        return false;
      }
    }
    this.note(low, high, content);
    onNoted?.(low, high, content);
    return true;
  }

  /**
   * Notes what another memory of the same size was told. True: it is known with another content. The oldest of those whose numbers
   * share a place makes room.
   */
  note(low: number, high: number, content: number): boolean {
    const [lows, highs, contents] = [this.#low, this.#high, this.#content];
    const first = low & this.#mask & -WAYS;
    for (let slot = first; slot < first + WAYS; slot++) {
      if (highs[slot] === (high | 0) && lows[slot] === (low | 0)) {
        const isOther = contents[slot] !== (content | 0);
        contents[slot] = content;
        return isOther;
      }
    }
    for (let slot = first + WAYS - 1; slot > first; slot--) {
      lows[slot] = lows[slot - 1] as number;
      highs[slot] = highs[slot - 1] as number;
      contents[slot] = contents[slot - 1] as number;
    }
    lows[first] = low;
    highs[first] = high;
    contents[first] = content;
    return false;
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
    const { low, high, content } = snapshot as Readonly<Record<"low" | "high" | "content", Int32Array>>;
    if (low.length === this.#mask + 1) {
      this.#low = low;
      this.#high = high;
      this.#content = content;
    }
  }

  #contentOf(scan: EventScan): number {
    return this.#hashOf(scan, VERB, this.#hashOf(scan, USER, CONTENT_SEED));
  }

  #hashOf(scan: EventScan, slot: number, seed: number): number {
    const end = scan.slotEnd(slot);
    return end === 0 ? mix(seed) : this.#hashAt(scan.bytes, scan.slotStart(slot), end, seed);
  }

  /** Of the value as it is meant: writers differ in what they escape, and the same event may come by two of them. */
  #hashAt(bytes: Buffer, start: number, end: number, seed: number): number {
    const hash = hashRange(this.#viewOf(bytes), start, end, seed);
    if (hash !== undefined) {
      return hash;
    }
    // A string of its own costs the mean event 0.07 us.
    const meant = Buffer.from(`"${JSON.parse(bytes.toString("utf8", start, end)) as string}"`);
    return hashRange(new DataView(meant.buffer, meant.byteOffset, meant.length), 0, meant.length, seed, true) ?? 0;
  }

  #viewOf(bytes: Buffer): DataView {
    if (this.#viewed !== bytes) {
      this.#viewed = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    return this.#view;
  }
}

const BACKSLASH = 92;
const BACKSLASHES = 0x5c5c5c5c;

/**
 * Four bytes at a time: byte by byte it would be a twentieth of a replay. Undefined where a backslash stands in them, unless that is
 * `meant`.
 */
function hashRange(view: DataView, start: number, end: number, seed: number, isMeant = false): number | undefined {
  let hash = seed;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const four = view.getInt32(at, true);
    const other = four ^ BACKSLASHES;
    if (((other - 0x01010101) & ~other & 0x80808080) !== 0 && !isMeant) {
      return undefined;
    }
    hash = Math.imul(hash ^ four, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (; at < end; at++) {
    const byte = view.getUint8(at);
    if (byte === BACKSLASH && !isMeant) {
      return undefined;
    }
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  // Of strings that differ only in where they end.
  return mix(hash ^ (end - start));
}

function mix(hash: number): number {
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
}

/** Every event that an apiserver wrote says when its request came in, and none of a provider's entry does. */
function seedsOf(scan: EventScan): Seeds {
  return scan.slotEnd(RECEIVED) === 0 ? CONVERTED : WRITTEN;
}
