import type { Engine } from "../scan-wasm/engine.ts";
import { slotOf } from "../scan.ts";
import type { EventScan } from "../scan.ts";
import type { DecidedBy, Span } from "./decided-by.ts";
import { decidingOf, headEndOf, tailStartOf } from "./head-first.ts";
import type { Deciding } from "./head-first.ts";
import { placeTold } from "./told-line.ts";

// Words behind CONTROL (assembly/memory.ts), and what a decision is made of.
const FIXED = 0x1000 / 4;
const KEEP = 0x100;
const HEAD_ONLY = 0x200;
const BODY = 0x400;
const TAIL = 0x800;
const SEARCHED = 0x1000;
const TELLS = 0x2000;
const LOOKED_AT = 0x4000;
const STANDING_FACTOR = 0x4_0000;
const MAX_KEPT = 64;
/** Longer lines hardly ever come back alike, and learning one costs as much as scanning it. */
const MAX_TEMPLATE_BYTES = 16 * 1024;
const URI = slotOf("requestURI");
const OBJECT_NAME = slotOf("objectRef.name");
const ANNOTATIONS = slotOf("annotations");

/** What is done with the lines like one that is learned. */
export interface LikeLines {
  readonly isKept: boolean;
  /** Whether only those are in which nothing stands that might have to be redacted: see `QuietHeads`. */
  readonly isSearched?: boolean;
  /** Whether each of those is looked at: none is taken, but what stands of it and what was decided is known then. */
  readonly isLookedAt?: boolean;
  /** Whether somebody must be told of each of them before the next one is looked at. */
  readonly isTold?: boolean;
}

/** A line's heads as `takeLines` numbers them, by what in them decides nothing. */
export interface Heads {
  readonly head: number;
  readonly withName: number;
  readonly withObject: number;
  /** 0 where no namespace stands in the path. */
  readonly withoutSpace: number;
}

/** A line to be learned: how much of it is remembered, and what in that must be alike. */
export class LearnedLine {
  readonly #scan: EventScan;
  readonly #by: DecidedBy;
  readonly #deciding: Deciding;
  readonly #isHeadOnly: boolean;
  readonly #hasBody: boolean;
  readonly #isTailNeeded: boolean;
  /** Behind what is remembered, but for the tail. */
  readonly #end: number;
  readonly #tail: number;
  readonly #behind: number;

  /** `mayBeHead`: whether no more than the head is remembered if all that decides stands there. */
  constructor(scan: EventScan, by: DecidedBy, mayBeHead: boolean) {
    this.#scan = scan;
    this.#by = by;
    this.#deciding = decidingOf(by.fields);
    this.#behind = scan.end + 1;
    const headEnd = mayBeHead ? headEndOf(scan, this.#deciding) : undefined;
    this.#isHeadOnly = headEnd !== undefined;
    this.#end = headEnd ?? this.#behind;
    this.#hasBody = this.#isHeadOnly && (scan.has("requestObject") || scan.has("responseObject"));
    this.#tail = this.#hasBody ? tailStartOf(scan) : this.#end;
    this.#isTailNeeded = this.#hasBody && this.#deciding.areAnnotations;
  }

  /** Whether there is room for it. */
  get isSmall(): boolean {
    const { kept = [], loose = [] } = this.#by;
    const length = this.#end - this.#scan.start + this.#behind - this.#tail;
    return length <= MAX_TEMPLATE_BYTES && kept.length + loose.length <= MAX_KEPT;
  }

  /** Has what somebody is told be found in lines like it, `shift` from its places in the scanned bytes; false where it cannot be. */
  place(control: Int32Array, shift: number): boolean {
    // What stands in a tail that need not be alike is not found by what stood in another one.
    return (!this.#isHeadOnly || this.#isTailNeeded) && placeTold(this.#scan, control, shift);
  }

  /**
   * Has the module remember it, `shift` from its places in the scanned bytes, for the value and what that rests on with these numbers. Gives its
   * number; 0 where it does not.
   */
  learn(engine: Engine, shift: number, heads: Heads, like: LikeLines, value: number, standing: number): number {
    const { uriEnd, name, kept = [], loose = [] } = this.#by;
    const namespace = heads.withoutSpace === 0 ? undefined : this.#by.namespace;
    const scan = this.#scan;
    const { control, exports } = engine;
    let fixed = 0;
    const fixSpan = (start: number, behindSpan: number): void => {
      control[FIXED + 2 * fixed] = start + shift;
      control[FIXED + 2 * fixed + 1] = behindSpan + shift;
      fixed++;
    };
    const fix = (slot: number): void => {
      const fieldEnd = scan.slotEnd(slot);
      if (fieldEnd !== 0) {
        fixSpan(scan.slotStart(slot), slot === URI ? uriEnd : fieldEnd);
      }
    };
    kept.forEach((span) => fixSpan(span.start, span.end));
    const { slots, areAnnotations } = this.#deciding;
    for (let i = 0; i < slots.length; i++) {
      fix(slots[i] as number);
    }
    const ofHead = this.#isTailNeeded ? fixed : undefined;
    if (areAnnotations) {
      fix(ANNOTATIONS);
    }
    // Such a span is written from its end to its beginning.
    loose.forEach((span) => fixSpan(span.end, span.start));
    return exports.learnLine(
      scan.start + shift,
      this.#end + shift,
      this.#tail + shift,
      this.#behind + shift,
      this.#headOf(heads, name, namespace),
      value + this.#form(like) + STANDING_FACTOR * standing,
      ofHead ?? fixed,
      fixed - (ofHead ?? fixed),
      uriEnd + shift,
      scan.valueEnd("requestURI") + shift,
      (name?.start ?? uriEnd) + shift,
      (name?.end ?? uriEnd) + shift,
      (namespace?.start ?? uriEnd) + shift,
      (namespace?.end ?? uriEnd) + shift,
    );
  }

  #form({ isKept, isSearched, isLookedAt, isTold }: LikeLines): number {
    return (
      (isKept ? KEEP : 0) +
      (this.#isHeadOnly ? HEAD_ONLY : 0) +
      (this.#hasBody ? BODY : 0) +
      (this.#isTailNeeded ? TAIL : 0) +
      (isSearched || isLookedAt ? SEARCHED : 0) +
      (isLookedAt ? LOOKED_AT : 0) +
      (isTold ? TELLS : 0)
    );
  }

  /** The head by which lines like it are found: where the name of the object, if one stands in the path, decides, another one than where it does not. */
  #headOf(heads: Heads, name: Span | undefined, namespace: Span | undefined): number {
    if (namespace !== undefined) {
      return heads.withoutSpace;
    }
    if (name !== undefined) {
      return heads.head;
    }
    const isObject = this.#scan.slotEnd(OBJECT_NAME) !== 0 && this.#deciding.slots.includes(OBJECT_NAME);
    return isObject ? heads.withObject : heads.withName;
  }
}
