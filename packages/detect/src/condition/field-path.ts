import { isJsonObject, KeyEndings, own } from "@auditsieve/audit";
import type { JsonObject, JsonValue } from "@auditsieve/audit";

/** A dotted field name, cut once so that reading it costs no string work. */
export interface FieldPath {
  readonly text: string;
  /** The first segment: the event's own key. */
  readonly root: string;
  /** In segments. */
  readonly length: number;
  /** The keys that may start at a segment, the longest first. */
  keysAt(segment: number): readonly PathKey[];
  /** What the last key on any way ends in, from behind the last character that JSON may spell in several ways; empty where that is nothing. */
  readonly ending: string;
  /** That ending, to be looked for. */
  readonly endings: KeyEndings;
}

/** A key on the way down a path, and the segment after it. */
export interface PathKey {
  readonly key: string;
  readonly next: number;
}

/** What is found at a field: whether the field is there at all, and its values with arrays taken apart. */
export interface Reading {
  readonly present: boolean;
  readonly values: readonly JsonValue[];
}

export const ABSENT: Reading = { present: false, values: [] };

const PLAIN_ENDING = /[\w-]*$/;

const cut = new Map<string, FieldPath>();
/** Detections name a few hundred fields over and over. */
const MAX_CUT = 4096;

/** Cuts a dotted field name; `fieldPath("annotations.authorization.k8s.io/decision")` finds the dotted key. */
export function fieldPath(text: string): FieldPath {
  const known = cut.get(text);
  if (known !== undefined) {
    return known;
  }
  if (cut.size >= MAX_CUT) {
    cut.clear();
  }
  const path = new CutPath(text);
  cut.set(text, path);
  return path;
}

/** It is cut where it is read below an object, as far as the way goes down there: most of those of a detection never are. */
class CutPath implements FieldPath {
  readonly text: string;
  readonly root: string;
  readonly length: number;
  #ending: string | undefined;
  #endings: KeyEndings | undefined;
  readonly #keys: (readonly PathKey[] | undefined)[] = [];

  constructor(text: string) {
    this.text = text;
    const first = text.indexOf(".");
    this.root = first < 0 ? text : text.slice(0, first);
    let length = 1;
    for (let dot = first; dot !== -1; dot = text.indexOf(".", dot + 1)) {
      length++;
    }
    this.length = length;
  }

  get ending(): string {
    return (this.#ending ??= PLAIN_ENDING.exec(this.text)?.[0] ?? "");
  }

  get endings(): KeyEndings {
    return (this.#endings ??= new KeyEndings([this.ending]));
  }

  keysAt(segment: number): readonly PathKey[] {
    return (this.#keys[segment] ??= keysFrom(this.text, segment, this.length));
  }
}

function keysFrom(text: string, segment: number, length: number): readonly PathKey[] {
  let start = 0;
  for (let before = 0; before < segment; before++) {
    start = text.indexOf(".", start) + 1;
  }
  const keys: PathKey[] = [];
  let end = text.length;
  for (let next = length; next > segment; next--) {
    keys.push({ key: interned(text.slice(start, end)), next });
    end = text.lastIndexOf(".", end - 1);
  }
  return keys;
}

/** The same text as engines keep it that name properties: it is then looked up by identity. */
function interned(key: string): string {
  return Object.keys({ [key]: true })[0] ?? key;
}

/**
 * Reads `path` below `value`. Arrays on the way and at the end fan out; at each object the longest literal key wins,
 * so keys with dots (annotations, labels, user.extra) need no quoting. Keeps its own stack: a body may be nested deeper
 * than ours allows. With `first` the value is that of the first so many segments.
 */
export function readField(value: JsonValue, path: FieldPath, first = 0): Reading {
  const { length } = path;
  let found = value;
  let from = first;
  // Without an array there is one way down.
  while (!Array.isArray(found)) {
    if (from === length) {
      return { present: true, values: [found] };
    }
    if (!isJsonObject(found)) {
      return ABSENT;
    }
    const keys = path.keysAt(from);
    let n = 0;
    while (n < keys.length && own(found, keys[n]?.key ?? "") === undefined) {
      n++;
    }
    const key = keys[n];
    if (!key) {
      return ABSENT;
    }
    found = own(found, key.key) as JsonValue;
    from = key.next;
  }
  return from === length && !holdsList(found) ? { present: true, values: found } : readBelow(found, path, from);
}

function holdsList(values: readonly JsonValue[]): boolean {
  for (let i = 0; i < values.length; i++) {
    if (Array.isArray(values[i])) {
      return true;
    }
  }
  return false;
}

function readBelow(value: JsonValue, path: FieldPath, first: number): Reading {
  const end = path.length;
  const values: JsonValue[] = [];
  const pending: { readonly value: JsonValue; readonly from: number }[] = [{ value, from: first }];
  let present = false;
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { value: found, from } = next;
    if (Array.isArray(found)) {
      present ||= from === end;
      for (let index = found.length - 1; index >= 0; index--) {
        pending.push({ value: found[index] as JsonValue, from });
      }
    } else if (from === end) {
      present = true;
      values.push(found);
    } else if (isJsonObject(found)) {
      const child = longestChild(found, path, from);
      if (child) {
        pending.push(child);
      }
    }
  }
  return present ? { present, values } : ABSENT;
}

function longestChild(
  object: JsonObject,
  path: FieldPath,
  from: number,
): { readonly value: JsonValue; readonly from: number } | undefined {
  const keys = path.keysAt(from);
  for (let i = 0; i < keys.length; i++) {
    const { key, next } = keys[i] as PathKey;
    const value = own(object, key);
    if (value !== undefined) {
      return { value, from: next };
    }
  }
  return undefined;
}
