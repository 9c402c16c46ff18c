import { isJsonObject, own } from "@auditsieve/audit";
import type { JsonValue } from "@auditsieve/audit";

/** A dotted field name, cut once so that reading it costs no string work. */
export interface FieldPath {
  readonly text: string;
  /** `splits[i][n]`: the n-th longest key that may start at segment i, and the segment after it. */
  readonly splits: readonly (readonly { readonly key: string; readonly next: number }[])[];
}

/** What is found at a field: whether the field is there at all, and its values with arrays taken apart. */
export interface Reading {
  readonly present: boolean;
  readonly values: readonly JsonValue[];
}

export const ABSENT: Reading = { present: false, values: [] };

/** Cuts a dotted field name; `fieldPath("annotations.authorization.k8s.io/decision")` finds the dotted key. */
export function fieldPath(text: string): FieldPath {
  const segments = text.split(".");
  const splits = segments.map((_, from) =>
    Array.from({ length: segments.length - from }, (_unused, n) => {
      const next = segments.length - n;
      return { key: segments.slice(from, next).join("."), next };
    }),
  );
  return { text, splits };
}

/** The first segment of a field name: the event's own key. */
export function rootOf(path: FieldPath): string {
  return path.splits[0]?.at(-1)?.key ?? path.text;
}

/**
 * Reads `path` below `value`. Arrays on the way and at the end fan out; at each object the longest literal key wins,
 * so keys with dots (annotations, labels, user.extra) need no quoting.
 */
export function readField(value: JsonValue, path: FieldPath): Reading {
  const values: JsonValue[] = [];
  const present = collect(value, path, 0, values);
  return present ? { present, values } : ABSENT;
}

function collect(value: JsonValue, path: FieldPath, from: number, into: JsonValue[]): boolean {
  if (Array.isArray(value)) {
    let present = from === path.splits.length;
    for (const element of value as readonly JsonValue[]) {
      present = collect(element, path, from, into) || present;
    }
    return present;
  }
  const splits = path.splits[from];
  if (!splits) {
    into.push(value);
    return true;
  }
  if (!isJsonObject(value)) {
    return false;
  }
  for (const { key, next } of splits) {
    const child = own(value, key);
    if (child !== undefined) {
      return collect(child, path, next, into);
    }
  }
  return false;
}
