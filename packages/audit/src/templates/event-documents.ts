import { slotOf } from "../scan.ts";
import type { EventScan, Field } from "../scan.ts";
import { sharedEngine } from "../scan-wasm/engine.ts";
import type { Engine } from "../scan-wasm/engine.ts";

/** What is taken out of a body, by the keys of objects; lists are passed through, at any depth. */
export type BodyShape = "keyword" | "boolean" | "long" | { readonly [key: string]: BodyShape };

/** One part of a document, in the order in which they are written. */
export type DocumentStep =
  /** A text as it is. */
  | { readonly kind: "text"; readonly text: string }
  /** A key, the value of a field as it stands in the event, and a comma; nothing where it is absent or empty. */
  | { readonly kind: "field"; readonly key: string; readonly field: Field }
  /** As `field`, but only for a time that every store can hold. */
  | { readonly kind: "time"; readonly key: string; readonly field: Field }
  /** An object begins, and ends with a comma behind it; nothing is left of it where nothing was written in it. */
  | { readonly kind: "open"; readonly text: string }
  | { readonly kind: "close" }
  /** A text that was made of some fields; see {@link EventDocumentsOptions.fragments}. */
  | { readonly kind: "fragment"; readonly fragment: 0 | 1 | 2; readonly text: 0 | 1 }
  /** The second text of fragment 2, or where that is empty that of fragment 1. Behind both. */
  | { readonly kind: "either-fragment" }
  /** A key, what of a body has its shape, and a comma; nothing where nothing has. */
  | { readonly kind: "body"; readonly key: string; readonly field: Field }
  /** A text that is given for each document. */
  | { readonly kind: "argument"; readonly argument: 0 | 1 | 2 | 3 }
  /** The whole event as a string. */
  | { readonly kind: "line" };

/** Two texts that are made of the values of at most four fields, and nothing else. */
export interface FragmentMaker {
  readonly fields: readonly Field[];
  readonly make: (values: Readonly<Record<string, unknown>>) => readonly [string, string];
}

/** What documents are written by: see {@link EventDocuments}. */
export interface EventDocumentsOptions {
  readonly steps: readonly DocumentStep[];
  readonly fragments: readonly [FragmentMaker, FragmentMaker, FragmentMaker];
  readonly shape: BodyShape;
}

// Places in the module's memory (assembly/memory.ts).
const PROGRAMS = 0x132_0000;
const PROGRAM_BYTES = 0x1_0000;
const ARGUMENTS = 0x133_0000;
const ARGUMENT_BYTES = 0x1000;
const ARGUMENT_LENGTHS = 0x9000 / 4;
/** Sixteen bytes are copied at a time. */
const MOST_ARGUMENT = ARGUMENT_BYTES - 16;
/** Up to that length a loop is faster than a call. */
const SHORT_ARGUMENT = 40;
const DOCUMENT = 0x159_0000;
const MISSING = 0x1000_0000;
/** Of what is made of fields; the document of the longest line that can be scanned then has less than 4 MiB. */
const MOST_FRAGMENT = 256 * 1024;
const STEP_BYTES = 16;
const KINDS = {
  text: 1,
  field: 2,
  open: 3,
  close: 4,
  fragment: 5,
  "either-fragment": 6,
  time: 7,
  body: 8,
  argument: 9,
  line: 10,
} as const;
const SHAPES = { keyword: 1, boolean: 2, long: 3 } as const;
const OBJECT = 4;
const LONGEST_NAME = 31;

/** There is one memory; who wrote the steps into it last. */
let owner: symbol | undefined;

/**
 * Writes documents about events by copying their bytes, without parsing: most values stand in an event as they must stand in
 * the document. What must be made of several values (who it was, the outcome) is made once and found again by their bytes.
 *
 * @example
 * const nothing = { fields: [], make: (): [string, string] => ["", ""] };
 * const documents = new EventDocuments({
 *   steps: [{ kind: "open", text: "{" }, { kind: "field", key: "action", field: "verb" }, { kind: "close" }],
 *   fragments: [nothing, nothing, nothing],
 *   shape: {},
 * });
 * const line = Buffer.from('{"level":"Metadata","stage":"Panic","requestURI":"/","verb":"get","user":{}}');
 * const scan = new EventScan();
 * scan.scan(line, 0, line.length);
 * assert.equal(documents.write(scan, []), 17);
 * assert.equal(documents.bytes.toString("utf8", documents.start, documents.start + 17), '{"action":"get"},');
 */
export class EventDocuments {
  readonly #options: EventDocumentsOptions;
  readonly #self = Symbol("EventDocuments");
  readonly #engine: Engine = sharedEngine();
  /** The arguments that stand in the memory. */
  readonly #written: (string | undefined)[] = [];

  constructor(options: EventDocumentsOptions) {
    this.#options = options;
  }

  /** What {@link write} has written stands in here, until anything else is scanned or written. */
  get bytes(): Buffer {
    return this.#engine.memory;
  }

  /** From here on. */
  get start(): number {
    return DOCUMENT;
  }

  /** Whether {@link write} can be asked about what `scan` has scanned last: it was not too long, and nothing else was scanned since. */
  canWrite(scan: EventScan): boolean {
    return this.#engine.hasPlaces(scan);
  }

  /**
   * Writes the document of the event that `scan` has scanned last. Gives its length in bytes; 0 where it cannot, because the event is
   * long or written in a way that none but a parser reads. Arguments are Latin-1.
   */
  write(scan: EventScan, args: readonly string[]): number {
    const engine = this.#engine;
    if (!this.canWrite(scan)) {
      return 0;
    }
    if (owner !== this.#self) {
      owner = this.#self;
      this.#written.fill(undefined);
      writeProgram(engine, this.#options);
    }
    for (let i = 0; i < args.length; i++) {
      const text = args[i] as string;
      if (this.#written[i] !== text) {
        this.#written[i] = undefined;
        if (!putArgument(engine, i, text)) {
          return 0;
        }
        this.#written[i] = text;
      }
    }
    for (;;) {
      const written = engine.exports.writeDocument(scan.end - scan.start, PROGRAMS);
      if (written < MISSING) {
        return written;
      }
      if (!this.#learn(scan, written - MISSING)) {
        return 0;
      }
    }
  }

  #learn(scan: EventScan, kind: number): boolean {
    const { fields, make } = this.#options.fragments[kind] as FragmentMaker;
    const there = fields.filter((field) => scan.has(field)).map((field) => [field, scan.value(field)] as const);
    const [first, second] = make(Object.fromEntries(there)).map((text) => Buffer.from(text)) as [Buffer, Buffer];
    const { memory, exports } = this.#engine;
    if (first.length + second.length > MOST_FRAGMENT) {
      return false;
    }
    memory.set(first, DOCUMENT);
    memory.set(second, DOCUMENT + first.length);
    return exports.learnFragment(kind, slotsOf(fields), DOCUMENT, first.length, second.length) !== 0;
  }
}

function putArgument({ memory, control }: Engine, place: number, text: string): boolean {
  const { length } = text;
  if (length > MOST_ARGUMENT) {
    return false;
  }
  const to = ARGUMENTS + place * ARGUMENT_BYTES;
  if (length <= SHORT_ARGUMENT) {
    for (let i = 0; i < length; i++) {
      memory[to + i] = text.charCodeAt(i);
    }
  } else {
    memory.write(text, to, length, "latin1");
  }
  control[ARGUMENT_LENGTHS + place] = length;
  return true;
}

/** Up to four slots in the bytes of one number, with 255 behind the last. */
function slotsOf(fields: readonly Field[]): number {
  return fields.reduce((word, field, i) => (word & ~(255 << (8 * i))) | (slotOf(field) << (8 * i)), -1);
}

/** Steps first, behind them what they point to. */
function writeProgram({ memory }: Engine, { steps, fragments, shape }: EventDocumentsOptions): void {
  let free = PROGRAMS + STEP_BYTES * (steps.length + 1);
  const put = (bytes: Uint8Array): number => {
    const at = free;
    // Sixteen bytes are read at a time.
    free = (at + bytes.length + 16 + 3) & ~3;
    if (free > PROGRAMS + PROGRAM_BYTES) {
      throw new RangeError(
        `Cannot write documents: the steps need more than ${PROGRAM_BYTES} bytes; shorten their texts`,
      );
    }
    memory.set(bytes, at);
    return at;
  };
  const body = planOf(shape, put);
  const words = new Uint32Array(4 * (steps.length + 1));
  steps.forEach((step, i) => {
    const number = "field" in step ? slotOf(step.field) : step.kind === "argument" ? step.argument : 0;
    words.set([KINDS[step.kind], number], 4 * i);
    switch (step.kind) {
      case "text":
      case "open":
        words.set(placed(put, Buffer.from(step.text)), 4 * i + 2);
        break;
      case "field":
      case "time":
        words.set(placed(put, Buffer.from(`"${step.key}":`)), 4 * i + 2);
        break;
      case "body":
        words[4 * i + 2] = put(memberOf(step.key, 0, body, 0));
        break;
      case "fragment":
        words[4 * i + 1] = 2 * step.fragment + step.text;
        words[4 * i + 2] = slotsOf(fragments[step.fragment].fields);
        break;
      case "close":
      case "either-fragment":
      case "argument":
      case "line":
        break;
      default:
        step satisfies never;
    }
  });
  memory.set(Buffer.from(words.buffer), PROGRAMS);
}

function placed(put: (bytes: Uint8Array) => number, text: Buffer): readonly [number, number] {
  return [put(text), text.length];
}

/** Writes the plan of a shape, and before it those of what is in it. Gives its place. */
function planOf(shape: BodyShape, put: (bytes: Uint8Array) => number): number {
  if (typeof shape === "string") {
    return put(Buffer.from([SHAPES[shape], 0, 0, 0]));
  }
  const words = new Uint32Array(2 + LONGEST_NAME);
  words[0] = OBJECT;
  Object.entries(shape).forEach(([name, inner], i) => {
    const length = Buffer.byteLength(name);
    if (length > LONGEST_NAME || i > LONGEST_NAME) {
      throw new RangeError(`Cannot look for "${name}" in bodies: at most ${LONGEST_NAME} names of as many bytes`);
    }
    words[1 + length] = put(memberOf(name, words[1 + length] as number, planOf(inner, put), 1 << i));
  });
  return put(Buffer.from(words.buffer));
}

function memberOf(name: string, next: number, plan: number, bit: number): Uint8Array {
  const key = Buffer.from(`"${name}":`);
  return Buffer.concat([Buffer.from(new Int32Array([next, bit, plan, key.length]).buffer), key]);
}
