import type { JsonValue } from "@auditsieve/audit";

/** Items of which the text is made at once. */
const TOGETHER = 512;

/** JSON of a value in one part. */
export function onePart(value: JsonValue): readonly string[] {
  return [JSON.stringify(value)];
}

/** JSON has no infinite numbers. */
export function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** JSON of a list in parts: what is written of its items is never there all at once. */
export function* listParts<T>(items: Iterable<T>, write: (item: T) => JsonValue): Generator<string, void> {
  let written: JsonValue[] = [];
  let separator = "";
  yield "[";
  for (const item of items) {
    written.push(write(item));
    if (written.length === TOGETHER) {
      yield `${separator}${JSON.stringify(written).slice(1, -1)}`;
      separator = ",";
      written = [];
    }
  }
  if (written.length > 0) {
    yield `${separator}${JSON.stringify(written).slice(1, -1)}`;
  }
  yield "]";
}

/** JSON of an object in parts; a member is made when those before it are written. */
export function* objectParts(members: Readonly<Record<string, () => Iterable<string>>>): Generator<string, void> {
  let separator = "{";
  for (const [name, partsOf] of Object.entries(members)) {
    yield `${separator}${JSON.stringify(name)}:`;
    yield* partsOf();
    separator = ",";
  }
  yield separator === "{" ? "{}" : "}";
}
