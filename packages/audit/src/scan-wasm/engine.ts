import type { KeyTable } from "../json/key-table.ts";
import { API_VERSION, EVENT_KIND, LEVELS, STAGES } from "../event.ts";
import { FORM, FORMS, NESTED, SLOT_COUNT, TOP } from "../scan-fields.ts";
import { MODULE } from "./module.ts";

// TypeScript knows WebAssembly only with the browser's library.
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

/** What packages/audit/assembly/index.ts exports. */
export interface EngineExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  scanEvent(length: number): number;
  nextSuspect(from: number, end: number): number;
  forgetHarmless(): void;
  noteHarmless(place: number): void;
  forgetCopies(): void;
  findCopies(from: number, end: number): number;
  learnCopy(place: number, end: number): boolean;
  plainHead(uri: number, uriEnd: number, resource: number, resourceEnd: number): number;
  skipString(open: number): number;
  skipBracketed(from: number): number;
  indexMembers(open: number, end: number, base: number): number;
  indexWhole(open: number, end: number): number;
  findPaths(count: number, base: number, set: number): number;
  lacksEndings(from: number, end: number, endings: number, count: number): number;
  buildSpread(): void;
  writeDocument(length: number, program: number): number;
  learnFragment(kind: number, slots: number, texts: number, first: number, second: number): number;
  forget(): void;
  forgetTemplates(): void;
  takeLines(from: number, to: number, kept: number): number;
  learnLine(
    from: number,
    headEnd: number,
    tail: number,
    to: number,
    hash: number,
    decision: number,
    fixed: number,
    fixedBehind: number,
    query: number,
    queryEnd: number,
    name: number,
    nameEnd: number,
    space: number,
    spaceEnd: number,
  ): number;
  renewLine(entry: number, standing: number): void;
  standingOf(entry: number): number;
  dropLine(entry: number): void;
}

/** The WebAssembly module, its memory, and the places in it (assembly/memory.ts). */
export interface Engine {
  readonly exports: EngineExports;
  readonly memory: Buffer;
  /** The 32-bit words of the memory from CONTROL on. */
  readonly control: Int32Array;
  /** Where the fields of the line at SCAN stand, three words each: start and end of the value, start of the key. */
  readonly places: Int32Array;
  /** The entries that `indexMembers` writes. */
  readonly members: Int32Array;
  /** Whether the line at SCAN is the one that this scan has scanned last. */
  holds(scan: { readonly scans: number }): boolean;
  /** Whether the places of its fields are at PLACES too. */
  hasPlaces(scan: { readonly scans: number }): boolean;
  /** The line of that scan has been put to SCAN. */
  loaded(scan: { readonly scans: number }): void;
  /** It was found to be an event there. */
  placed(): void;
}

export const SCAN = 0x26_0000;
export const SCAN_BYTES = 0x8_0000;
export const NEEDLES = 0x25_8000;
export const ENDINGS = 0x25_d000;
export const PATHS = 0x1b3_4000;
export const NEEDLE_BITS = 0x25_8800;

const CONTROL = 0x1_0000;
const PLACES = 0x8000;
const KEYS = 0x25_0000;
const NAMES = 0x25_6000;
const NAME_BYTES = 32;
const SLOT_BYTES = 64;
const MEMBERS = 0x1a2_0000;
const MEMBER_WORDS = 6 * 1024;
const TABLE_BYTES = 65 * SLOT_BYTES;

let engine: Engine | undefined;
/** Of its memory, which V8 takes long to find out of a view. */
let engineBuffer: ArrayBuffer | undefined;
let engineMemory: Buffer | undefined;

/** The one instance (28 MiB of addresses, never more); compiled when it is first asked for, in 5 ms. */
export function sharedEngine(): Engine {
  if (engine === undefined) {
    const module = new WebAssembly.Module(Buffer.from(MODULE, "base64"));
    const exports = new WebAssembly.Instance(module).exports as EngineExports;
    const { buffer } = exports.memory;
    const memory = Buffer.from(buffer);
    engineBuffer = buffer;
    engineMemory = memory;
    let holder: object | undefined;
    let held = 0;
    let isPlaced = false;
    engine = {
      exports,
      memory,
      control: new Int32Array(buffer, CONTROL, 0x1_0000 / 4),
      places: new Int32Array(buffer, CONTROL + PLACES, 3 * SLOT_COUNT),
      members: new Int32Array(buffer, MEMBERS, MEMBER_WORDS),
      holds: (scan) => holder === scan && held === scan.scans,
      hasPlaces: (scan) => isPlaced && holder === scan && held === scan.scans,
      loaded: (scan) => {
        holder = scan;
        held = scan.scans;
        isPlaced = false;
      },
      placed: () => {
        isPlaced = true;
      },
    };
    exports.buildSpread();
    writeKeys(memory);
    writeNames(memory);
  }
  return engine;
}

/** The instance in whose memory the bytes stand; undefined for all others. */
export function engineHolding(bytes: Buffer): Engine | undefined {
  return bytes === engineMemory || bytes.buffer === engineBuffer ? engine : undefined;
}

/** Tells the module the keys, so that they and their forms are written down in one place. */
function writeKeys(memory: Buffer): void {
  const parents = NESTED.flatMap((table, slot) => (table === undefined ? [] : [{ table, slot }]));
  writeTable(memory, KEYS, TOP, (field) => parents.findIndex(({ slot }) => slot === field) + 1);
  parents.forEach(({ table }, i) => writeTable(memory, KEYS + (i + 1) * TABLE_BYTES, table, () => 0));
}

function writeNames(memory: Buffer): void {
  [...LEVELS, ...STAGES, EVENT_KIND, API_VERSION].forEach((name, i) => {
    const at = NAMES + NAME_BYTES * i;
    memory[at] = memory.write(`"${name}"`, at + 1, "latin1");
  });
}

function writeTable(memory: Buffer, at: number, table: KeyTable, nested: (field: number) => number): void {
  memory.writeInt32LE(table.factor | 0, at);
  table.slots.forEach((name, slot) => {
    const field = table.values[slot] ?? -1;
    if (name !== undefined) {
      const place = at + SLOT_BYTES + SLOT_BYTES * slot;
      memory.set([name.length, field, nested(field), FORMS[field] ?? FORM.any], place);
      memory.set(name, place + 8);
    }
  });
}
