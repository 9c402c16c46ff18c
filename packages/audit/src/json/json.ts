import { BACKSLASH, QUOTE } from "./json-bytes.ts";

/** Any value that JSON can hold; what outside data is once it is parsed and before it is decoded. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

/** A JSON object. Keys come from outside: read them with {@link own}, never by plain property access. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/**
 * Whether `value` is a JSON object (no array, not null).
 *
 * @example
 * assert.deepEqual([{}, [], null].map(isJsonObject), [true, false, false]);
 */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The value under `key`, or undefined. Looks at own properties only, so that a key such as `constructor` or
 * `__proto__` in hostile data finds nothing of ours.
 *
 * @example
 * assert.equal(own({}, "constructor"), undefined);
 */
export function own(object: JsonObject, key: string): JsonValue | undefined {
  // Most keys asked for are not there, and one look says so.
  const value = object[key];
  return value !== undefined && Object.hasOwn(object, key) ? value : undefined;
}

/**
 * The value that the text of one is: a part of a line that is known to be JSON, most often a string without an escape, which takes no parser.
 * Undefined where it is none.
 *
 * @example
 * assert.equal(parsedJson('"get"'), "get");
 * assert.equal(parsedJson("{"), undefined);
 */
export function parsedJson(text: string): JsonValue | undefined {
  if (text.startsWith('"') && text.endsWith('"') && !text.includes("\\")) {
    return text.slice(1, -1);
  }
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

/**
 * What {@link parsedJson} gives of the text that stands there.
 *
 * @example
 * assert.deepEqual(jsonAt(Buffer.from('{"a":[1]}'), 5, 8), [1]);
 */
export function jsonAt(bytes: Buffer, start: number, end: number): JsonValue | undefined {
  const last = end - 1;
  if (last > start && bytes[start] === QUOTE && bytes[last] === QUOTE) {
    let at = start + 1;
    while (at < last && (bytes[at] as number) < 128 && bytes[at] !== BACKSLASH) {
      at++;
    }
    if (at === last) {
      return bytes.toString("latin1", start + 1, last);
    }
  }
  return parsedJson(bytes.toString("utf8", start, end));
}
