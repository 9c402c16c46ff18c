import { isJsonObject, own } from "@auditsieve/audit";
import type { JsonObject, JsonValue } from "@auditsieve/audit";

/** Deeper than any object of the API. */
const MAX_DEPTH = 64;
const INDEX = /^(-|-?\d+)$/;

type List = JsonValue[];
type Fields = Record<string, JsonValue>;

/**
 * What a JSON patch writes, as a part of the object that it is for: fields below which nothing is written are absent, what is removed is null.
 * So conditions about `requestObject.spec.hostPID` need not know how a client wrote it. Undefined for a list that is no patch. Operations
 * that write what stands elsewhere in the object (`copy`, `move`) count where the patch itself wrote that, and it is no list or object:
 * copies of copies would grow without bound.
 *
 * @example
 * objectOfPatch([{ op: "add", path: "/metadata/labels/a~1b", value: "c" }]); // { metadata: { labels: { "a/b": "c" } } }
 * objectOfPatch([{ op: "replace", path: "/spec/containers/2/image", value: "i" }]); // { spec: { containers: [{ image: "i" }] } }
 */
export function objectOfPatch(patch: readonly JsonValue[]): JsonValue | undefined {
  const written = new Written();
  let isPatch = false;
  for (const step of patch) {
    const path = isJsonObject(step) ? own(step, "path") : undefined;
    if (isJsonObject(step) && typeof path === "string") {
      isPatch = true;
      written.write(step, path);
    }
  }
  return isPatch ? written.object : undefined;
}

class Written {
  object: JsonValue | undefined;
  /** Containers that are ours to change: what the event holds is not. */
  readonly #ours = new Set<JsonValue>();
  /** Where an element of a list stands of which the patch says nothing else, by what the patch calls it. */
  readonly #places = new Map<JsonValue, Map<string, number>>();

  write(step: JsonObject, path: string): void {
    const op = own(step, "op");
    const keys = keysOf(path);
    if (keys.length > MAX_DEPTH) {
      return;
    }
    if (op === "add" || op === "replace") {
      const value = own(step, "value");
      this.object = this.#set(this.object, keys, 0, value ?? null, op === "add");
    } else if (op === "remove") {
      this.object = this.#set(this.object, keys, 0, null, false);
    } else if (op === "copy" || op === "move") {
      this.#take(own(step, "from"), keys, op === "move");
    }
  }

  #take(from: JsonValue | undefined, keys: readonly string[], isMoved: boolean): void {
    const source = typeof from === "string" ? keysOf(from) : [];
    if (source.length === 0 || source.length > MAX_DEPTH) {
      return;
    }
    const value = source.reduce<JsonValue | undefined>((found, key) => this.#get(found, key), this.object);
    if (value === undefined || typeof value === "object") {
      return;
    }
    if (isMoved) {
      this.object = this.#set(this.object, source, 0, null, false);
    }
    this.object = this.#set(this.object, keys, 0, value, true);
  }

  #get(value: JsonValue | undefined, key: string): JsonValue | undefined {
    return Array.isArray(value)
      ? (value as readonly JsonValue[])[this.#placeIn(value as readonly JsonValue[], key) ?? -1]
      : isJsonObject(value)
        ? own(value, key)
        : undefined;
  }

  /** No deeper than `MAX_DEPTH`. */
  #set(
    before: JsonValue | undefined,
    keys: readonly string[],
    at: number,
    value: JsonValue,
    isAdded: boolean,
  ): JsonValue {
    const key = keys[at];
    if (key === undefined) {
      return value;
    }
    const isLast = at === keys.length - 1;
    if (Array.isArray(before) || (!isJsonObject(before) && INDEX.test(key))) {
      const list = this.#listOf(before);
      const place = isLast && isAdded ? undefined : this.#placeIn(list, key);
      if (place !== undefined) {
        list[place] = this.#set(list[place], keys, at + 1, value, isAdded);
      } else {
        this.#places.get(list)?.set(key, list.length);
        list.push(this.#set(undefined, keys, at + 1, value, isAdded));
      }
      return list;
    }
    const fields = this.#fieldsOf(before);
    fields[key] = this.#set(own(fields, key), keys, at + 1, value, isAdded);
    return fields;
  }

  #placeIn(list: readonly JsonValue[], key: string): number | undefined {
    const places = this.#places.get(list);
    if (places) {
      return key === "-" ? undefined : places.get(key);
    }
    const index = key === "-" ? list.length : Number(key) + (key.startsWith("-") ? list.length : 0);
    return index >= 0 && index < list.length ? index : undefined;
  }

  #listOf(before: JsonValue | undefined): List {
    if (Array.isArray(before) && this.#ours.has(before as List)) {
      return before as List;
    }
    const list = Array.isArray(before) ? [...(before as readonly JsonValue[])] : [];
    this.#ours.add(list);
    if (!Array.isArray(before)) {
      this.#places.set(list, new Map());
    }
    return list;
  }

  /** Without a prototype: a key may be called `__proto__`. */
  #fieldsOf(before: JsonValue | undefined): Fields {
    if (isJsonObject(before) && this.#ours.has(before)) {
      return before;
    }
    const fields = Object.assign(Object.create(null), isJsonObject(before) ? before : {}) as Fields;
    this.#ours.add(fields);
    return fields;
  }
}

/** What stands before the first slash does not count for the apiserver either. */
function keysOf(pointer: string): readonly string[] {
  return pointer
    .split("/", MAX_DEPTH + 2)
    .slice(1)
    .map((key) => (key.includes("~") ? key.replaceAll("~1", "/").replaceAll("~0", "~") : key));
}
