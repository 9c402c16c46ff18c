import type { EventScan } from "../scan.ts";
import type { DecidedBy, Span } from "./decided-by.ts";
import { sharedEngine } from "../scan-wasm/engine.ts";
import { LearnedLine } from "./learned-line.ts";
import type { LikeLines } from "./learned-line.ts";
import { ToldLine } from "./told-line.ts";

// Places in the module's memory and words behind CONTROL (assembly/memory.ts).
const INPUT = 0xa_0000;
const INPUT_BYTES = 0x8_0000;
const EVENTS = 0x4000 / 4;
const BYTES_AT = 0x1_0000 + 0x5000;
const LINES = 0;
const KEPT_LINES = 1;
const KEPT_START = 2;
const HEAD = 3;
const HEAD_WITH_NAME = 4;
const HEAD_WITH_OBJECT = 10;
const HEAD_WITHOUT_SPACE = 12;
const KEPT_END = 5;
const ENTRY = 6;
const TELLER = 7;
const SUSPECTED = 9;
const DECIDED = 11;
const TAKEN = 8;
const SUSPECT_START = 13;
const SUSPECT_END = 14;
const SUSPECT = -1;
const STANDING = 0x25_9000;
const STANDING_COUNT = 0x4000;
const MAX_VALUES = 256;
/** Lines are counted in 31 bits. */
const LOADS_BETWEEN_DRAINS = 65_536;
const NEWLINE = 10;

/** How the lines like one that is learned are taken. */
export interface Taken<S extends Standing> extends LikeLines {
  /** What that rests on beside the line; where somebody is told, it may end by that. */
  readonly standing?: S | undefined;
  /** Whether the head alone is remembered where all templates are exact: whoever takes such a line proves that it is an event and {@link isHeadFirst}. */
  readonly isHeadOnly?: boolean;
}

/** Something that what is learned rests on beside the line; as long as it `stands`. Once it does not, it never does again. */
export interface Standing {
  readonly stands: boolean;
  /** What of lines it is about, and what is done with them: the lines of one that has ended are taken by another only if it is alike here. */
  readonly form?: string;
}

/** There is one memory; who has it last forgets the templates of the others, and has them count what they have taken. */
let owner: { drain(): void } | undefined;

/**
 * Remembers lines that were proven to be events and decided, and takes further lines that differ from one of them only where
 * nothing decides and where another byte cannot change how the line is read: inside a string, where only plain bytes may stand for
 * plain ones, or in an integer.
 *
 * Of a line with a body only the head is remembered, in which everything stands that decides. What follows must be balanced: that
 * proves that the line is none of the pieces that a crash, a power cut or a rotation leaves (docs/filter.md), not that it is JSON.
 * With `isExact` the whole line is remembered and compared, so that it is proven to be an event.
 *
 * What is learned may rest on an answer of others, a {@link Standing}: once that has ended (`sync` looks), lines like it are not taken
 * until they are learned anew.
 *
 * No hash decides: every byte of a head is compared. Holds 8 MiB of them, then starts again.
 */
export class LineTemplates<T extends object, S extends Standing = Standing> {
  readonly #isExact: boolean;
  readonly #self = { drain: (): void => this.drain() };
  readonly #visit: (value: T, lines: number, bytes: number) => void;
  readonly #engine = sharedEngine();
  readonly #told = new ToldLine(this.#engine);
  readonly #bytes = new Float64Array(this.#engine.exports.memory.buffer, BYTES_AT, MAX_VALUES);
  readonly #numbers = new Map<T, number>();
  /** By their numbers. */
  readonly #values: T[] = [];
  /** What is added to a position in the loaded bytes to make it one in the memory. */
  #shift = 0;
  #to = 0;
  #isInPlace = false;
  /** Where the lines end that were kept since the last one that was not known; 0 where there are none. */
  #kept = 0;
  #loads = 0;
  #owned = 0;
  #at = 0;
  #head = 0;
  #headWithName = 0;
  #headWithObject = 0;
  /** 0 where no namespace stands in the path. */
  #headWithoutSpace = 0;
  /** What the last line not taken is like, but for what that rests on; 0 for nothing. */
  #entry = 0;
  /** What the templates rest on, by number; the first number is for nothing. */
  #standing: S[] = [];
  readonly #standingNumbers = new Map<S, number>();

  /** `visit` is told of each value how many lines were taken and how many bytes, when {@link drain} is called and sooner: it sums. */
  constructor(visit: (value: T, lines: number, bytes: number) => void, options: { readonly isExact?: boolean } = {}) {
    this.#visit = visit;
    this.#isExact = options.isExact ?? false;
  }

  /** How often all was forgotten because another one had the memory meanwhile, with the first time. */
  get owned(): number {
    return this.#owned;
  }

  /** Loads whole lines of `bytes[start, end)`, as many as there is room for. Gives where they end: `start` for a line too long. */
  load(bytes: Buffer, start: number, end: number): number {
    if (owner !== this.#self) {
      owner?.drain();
      owner = this.#self;
      this.#owned++;
      this.#engine.exports.forget();
      this.#forgetStanding();
    }
    if (++this.#loads === LOADS_BETWEEN_DRAINS) {
      this.drain();
    }
    const to = end - start <= INPUT_BYTES ? end : bytes.lastIndexOf(NEWLINE, start + INPUT_BYTES - 1) + 1;
    this.#to = Math.max(start, to);
    this.#at = start;
    this.#kept = 0;
    const { memory } = this.#engine;
    this.#isInPlace = bytes.buffer === memory.buffer;
    if (this.#isInPlace) {
      this.#shift = bytes.byteOffset;
    } else {
      this.#shift = INPUT - start;
      bytes.copy(memory, INPUT, start, this.#to);
    }
    return this.#to;
  }

  /** Takes lines as long as they are known; gives the position in `bytes` of the first one that is not. */
  take(): number {
    const shift = this.#shift;
    this.#at = this.#engine.exports.takeLines(this.#at + shift, this.#to + shift, this.#kept) - shift;
    this.#kept = this.keptEnd;
    this.#head = this.#engine.control[HEAD] as number;
    this.#headWithName = this.#engine.control[HEAD_WITH_NAME] as number;
    this.#headWithObject = this.#engine.control[HEAD_WITH_OBJECT] as number;
    this.#headWithoutSpace = this.#engine.control[HEAD_WITHOUT_SPACE] as number;
    this.#entry = this.#engine.control[ENTRY] as number;
    return this.#at;
  }

  /** Takes the one line that ends before `behind`, if it is known. Gives the number that {@link learn} gave for lines like it, 0 where it is not. */
  takeOne(behind: number): number {
    const to = this.#to;
    this.#to = behind;
    this.#kept = 0;
    const isTaken = this.take() === behind;
    this.#to = to;
    return isTaken ? (this.#engine.control[TAKEN] as number) : 0;
  }

  /** By which answer somebody must be told of the last line that {@link take} took: for that it stops there. */
  get teller(): S | undefined {
    const number = this.#engine.control[TELLER] as number;
    return number === 0 ? undefined : this.#standing[number - 1];
  }

  /** What stands of lines like the one that stopped {@link take}, where that is known although this one could not be taken. */
  get standing(): S | undefined {
    const { control } = this.#engine;
    const number = control[ENTRY] === SUSPECT ? (control[SUSPECTED] as number) : 0;
    return number === 0 ? undefined : this.#standing[number - 1];
  }

  /** What was decided for lines like that one, where that is known although this one could not be taken. */
  get decided(): T | undefined {
    const { control } = this.#engine;
    return control[ENTRY] === SUSPECT ? this.#values[control[DECIDED] as number] : undefined;
  }

  /**
   * Where that line stands in {@link memory}, with its newline, where it is proven to be an event, so that it need not be scanned: something in it may have to
   * be redacted. {@link told} reads it where somebody must be told.
   */
  get suspect(): Span | undefined {
    const { control } = this.#engine;
    const start = control[ENTRY] === SUSPECT ? (control[SUSPECT_START] as number) : 0;
    return start === 0 ? undefined : { start, end: control[SUSPECT_END] as number };
  }

  /** The line of {@link teller} or {@link suspect}, to be read before anything else is done with lines. */
  get told(): ToldLine {
    this.#told.renew();
    return this.#told;
  }

  /** Looks what of that which templates rest on stands no more; to be called before {@link take} when any of it may have ended. */
  sync(): void {
    const { memory } = this.#engine;
    for (let i = 0; i < this.#standing.length; i++) {
      if (!(this.#standing[i] as S).stands) {
        memory[STANDING + i + 1] = 0;
      }
    }
  }

  /** Whether the line that stopped {@link take} can be learned, so that it is worth asking what is needed for that. */
  get isLearnable(): boolean {
    return this.#head !== 0 && this.#entry !== SUSPECT;
  }

  /** Goes on at `at` after a line that was not known. */
  goOn(at: number): void {
    this.#at = at;
    this.#kept = 0;
  }

  /** Lines that the last {@link take} took. */
  get lines(): number {
    return this.#engine.control[LINES] as number;
  }

  /** Those of them that are kept. */
  get keptLines(): number {
    return this.#engine.control[KEPT_LINES] as number;
  }

  /**
   * Where the kept lines of the last {@link take} stand now, one behind the other, in {@link memory}: directly behind those of the one before, if
   * that stopped only because of somebody who is told. Equal to {@link keptEnd} where there are none.
   */
  get keptStart(): number {
    return this.#engine.control[KEPT_START] as number;
  }

  get keptEnd(): number {
    return this.#engine.control[KEPT_END] as number;
  }

  /** Whether the loaded bytes are a view of {@link memory}. */
  get isInPlace(): boolean {
    return this.#isInPlace;
  }

  /** All of the module's memory. */
  get memory(): Buffer {
    return this.#engine.memory;
  }

  /** Remembers the line that stopped {@link take}, which `scan` holds and for which `value` was decided. Gives its number; 0 where it does not. */
  learn(scan: EventScan, value: T, taken: Taken<S>, by: DecidedBy): number {
    const { standing, isTold = false, isHeadOnly = !this.#isExact } = taken;
    const { control, exports } = this.#engine;
    if (this.#entry !== 0) {
      if (this.#standing[exports.standingOf(this.#entry) - 1]?.form === standing?.form) {
        exports.renewLine(this.#entry, this.#numberOf(standing));
        return this.#entry;
      }
      exports.dropLine(this.#entry);
    }
    const number = this.#numbers.get(value) ?? this.#numbers.size;
    const line = new LearnedLine(scan, by, isHeadOnly);
    if (this.#head === 0 || number === MAX_VALUES || !line.isSmall || (isTold && !line.place(control, this.#shift))) {
      return 0;
    }
    this.#numbers.set(value, number);
    this.#values[number] = value;
    const heads = {
      head: this.#head,
      withName: this.#headWithName,
      withObject: this.#headWithObject,
      withoutSpace: this.#headWithoutSpace,
    };
    return line.learn(this.#engine, this.#shift, heads, taken, number, this.#numberOf(standing));
  }

  /** Tells what was taken since the last time. */
  drain(): void {
    if (owner !== this.#self) {
      return;
    }
    this.#loads = 0;
    const { control } = this.#engine;
    for (const [value, number] of this.#numbers) {
      const lines = control[EVENTS + number] as number;
      if (lines > 0) {
        this.#visit(value, lines, this.#bytes[number] as number);
        control[EVENTS + number] = 0;
        this.#bytes[number] = 0;
      }
    }
  }

  #numberOf(standing: S | undefined): number {
    if (standing === undefined) {
      return 0;
    }
    let number = this.#standingNumbers.get(standing);
    if (number === undefined) {
      if (this.#standing.length === STANDING_COUNT - 1) {
        this.#engine.exports.forgetTemplates();
        this.#forgetStanding();
      }
      this.#standing.push(standing);
      number = this.#standing.length;
      this.#standingNumbers.set(standing, number);
      this.#engine.memory[STANDING + number] = standing.stands ? 1 : 0;
    }
    return number;
  }

  #forgetStanding(): void {
    this.#standing = [];
    this.#standingNumbers.clear();
  }
}
