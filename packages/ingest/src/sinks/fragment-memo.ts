import type { EventScan, Field, JsonObject } from "@auditsieve/audit";

const MOST_ENTRIES = 4096;
const MOST_BYTES = 2 * 1024 * 1024;
const LONGEST_KEY = 4096;

/**
 * What is made of some fields of an event, remembered by their bytes: users, addresses, statuses and annotations come again in
 * event after event. Bounded; when it is full it starts again.
 */
export class FragmentMemo<T> {
  readonly #make: (body: JsonObject) => T;
  readonly #known = new Map<string, T>();
  #bytes = 0;

  /** `make` is given an object of just the fields that are asked for. */
  constructor(make: (body: JsonObject) => T) {
    this.#make = make;
  }

  /** What is made of `fields` of the event that `scan` holds. */
  get(scan: EventScan, fields: readonly Field[]): T {
    // No byte of JSON is 0: it keeps the fields apart.
    let key = "";
    for (const field of fields) {
      key += scan.has(field) ? scan.bytes.toString("latin1", scan.valueStart(field), scan.valueEnd(field)) : "";
      key += "\0";
    }
    const known = this.#known.get(key);
    if (known !== undefined) {
      return known;
    }
    const there = fields.filter((field) => scan.has(field)).map((field) => [field, scan.value(field)] as const);
    const made = this.#make(Object.fromEntries(there) as JsonObject);
    if (key.length <= LONGEST_KEY) {
      this.#note(key, made);
    }
    return made;
  }

  #note(key: string, made: T): void {
    if (this.#known.size >= MOST_ENTRIES || this.#bytes > MOST_BYTES) {
      this.#known.clear();
      this.#bytes = 0;
    }
    this.#known.set(key, made);
    this.#bytes += key.length;
  }
}
