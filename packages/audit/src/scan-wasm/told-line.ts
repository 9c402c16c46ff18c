import type { JsonValue } from "../json.ts";
import { BACKSLASH } from "../json-bytes.ts";
import { MemberIndex } from "../member-index.ts";
import type { Field } from "../scan-fields.ts";
import type { EventScan } from "../scan.ts";
import type { Engine } from "./engine.ts";

// Words behind CONTROL (assembly/memory.ts, assembly/told.ts).
const TOLD = 0x40 / 4;
const AUDIT_ID = TOLD;
const AUDIT_ID_END = TOLD + 1;
const OBJECT_LENGTH = TOLD + 2;
const REQUEST = TOLD + 3;
const TIME = TOLD + 4;
const TIME_END = TOLD + 5;
const BODIES_END = TOLD + 6;
const LINE = TOLD + 7;
const BEHIND = TOLD + 8;
const OBJECT = 0x1_3000;
/** The same before a line is learned. */
const REQUEST_KEY = TOLD + 3;
const TIME_START = TOLD + 4;
const REQUEST_VALUE = TOLD + 5;

const IN_HEAD = ["auditID", "objectRef.namespace", "objectRef.name"] as const satisfies readonly Field[];

/** A line that was taken and of which somebody must be told: what of it is asked for is read where it stands. */
export class ToldLine {
  readonly #engine: Engine;
  readonly #index = new MemberIndex();
  #isIndexed = false;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Another line was taken. */
  renew(): void {
    this.#isIndexed = false;
  }

  get auditID(): string {
    return this.#text(AUDIT_ID, AUDIT_ID_END);
  }

  get stageTimestamp(): string {
    return this.#text(TIME, TIME_END);
  }

  /** `namespace/name` of the object that the request is for. */
  get object(): string {
    return this.#engine.memory.toString("latin1", OBJECT, OBJECT + this.#word(OBJECT_LENGTH));
  }

  /** The value at a path of keys below the requestObject; undefined where there is none, or no JSON, which only a verified line is sure to be. */
  part(keys: readonly string[]): JsonValue | undefined {
    const request = this.#word(REQUEST);
    if (request === 0) {
      return undefined;
    }
    const { memory } = this.#engine;
    if (!this.#isIndexed) {
      this.#isIndexed = true;
      this.#index.load(memory, request, this.#word(BODIES_END));
    }
    const range = this.#index.find(keys);
    return range && parsed(memory.toString("utf8", range.start, range.end));
  }

  /** The line without its newline. It stays there until other lines are loaded. */
  get bytes(): Buffer {
    return this.#engine.memory.subarray(this.#word(LINE), this.#word(BEHIND) - 1);
  }

  #text(start: number, end: number): string {
    return this.#engine.memory.toString("latin1", this.#word(start), this.#word(end));
  }

  #word(word: number): number {
    return this.#engine.control[word] as number;
  }
}

/**
 * Writes down where the event in `scan` has what a {@link ToldLine} gives, for the module to find it in lines like it; `shift` is added to
 * places. False where that cannot be found so: something of it is not there, in another order, or spelled with escapes or beyond ASCII.
 */
export function placeTold(scan: EventScan, control: Int32Array, shift: number): boolean {
  if (![...IN_HEAD, "stageTimestamp" as const].every((field) => isPlain(scan, field))) {
    return false;
  }
  const [auditID, namespace, name] = IN_HEAD.map((field) => scan.valueStart(field)) as [number, number, number];
  const hasRequest = scan.has("requestObject");
  const request = hasRequest ? scan.keyStart("requestObject") : Number.POSITIVE_INFINITY;
  if (!(auditID < namespace && namespace < name && name < request)) {
    return false;
  }
  control[AUDIT_ID] = auditID + shift;
  control[AUDIT_ID + 1] = namespace + shift;
  control[AUDIT_ID + 2] = name + shift;
  control[REQUEST_KEY] = hasRequest ? request + shift : 0;
  control[TIME_START] = scan.valueStart("stageTimestamp") + shift;
  control[REQUEST_VALUE] = hasRequest ? scan.valueStart("requestObject") - request : 0;
  return true;
}

function parsed(text: string): JsonValue | undefined {
  if (text.startsWith('"') && text.endsWith('"') && !text.includes("\\")) {
    return text.slice(1, -1);
  }
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

function isPlain(scan: EventScan, field: Field): boolean {
  return (
    scan.has(field) &&
    scan.bytes
      .subarray(scan.valueStart(field), scan.valueEnd(field))
      .every((byte) => byte >= 32 && byte < 127 && byte !== BACKSLASH)
  );
}
