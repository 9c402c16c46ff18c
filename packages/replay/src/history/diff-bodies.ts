import { isJsonObject, own } from "@auditsieve/audit";
import type { JsonObject, JsonValue } from "@auditsieve/audit";

/** One place at which two bodies differ. */
export interface Change {
  /** `spec.template.spec.containers[0].image`. */
  readonly path: string;
  /** Absent where it was not there before. */
  readonly before?: string;
  /** Absent where it is gone. */
  readonly after?: string;
}

/** What the apiserver and its control loops keep in an object for themselves. */
const BOOKKEEPING: ReadonlySet<string> = new Set([
  "metadata.managedFields",
  "metadata.resourceVersion",
  "metadata.generation",
  "metadata.uid",
  "metadata.creationTimestamp",
  'metadata.annotations["deployment.kubernetes.io/revision"]',
  "status",
]);
const MOST_CHANGES = 200;
const MOST_TEXT = 2_000;
/** What is nested more deeply is compared as a whole: whoever sends a body chooses how deeply, and a call for each level may be too many. */
const MOST_LEVELS = 200;

/**
 * What changed from one body of an object to the next; bookkeeping is left out. Lists are compared place by place.
 *
 * @example
 * const changes = diffBodies({ spec: { replicas: 1 } }, { spec: { replicas: 3 } });
 * assert.deepEqual(changes, [{ path: "spec.replicas", before: "1", after: "3" }]);
 */
export function diffBodies(before: JsonValue, after: JsonValue): readonly Change[] {
  const changes: Change[] = [];
  compare("", before, after, 0, changes);
  return changes;
}

function compare(
  path: string,
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  level: number,
  to: Change[],
): void {
  if (to.length >= MOST_CHANGES || before === after || BOOKKEEPING.has(path)) {
    return;
  }
  if (level < MOST_LEVELS && isJsonObject(before) && isJsonObject(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      compare(join(path, key), own(before, key), own(after, key), level + 1, to);
    }
  } else if (level < MOST_LEVELS && Array.isArray(before) && Array.isArray(after)) {
    for (let i = 0; i < Math.max(before.length, after.length); i++) {
      compare(`${path}[${i}]`, before[i] as JsonValue | undefined, after[i] as JsonValue | undefined, level + 1, to);
    }
  } else if (!isSame(before, after)) {
    to.push({
      path: path === "" ? "(whole)" : path,
      ...(before === undefined ? {} : { before: show(before) }),
      ...(after === undefined ? {} : { after: show(after) }),
    });
  }
}

/** Whether both are the same JSON, without a call for each level. */
function isSame(before: JsonValue | undefined, after: JsonValue | undefined): boolean {
  const left: (readonly [JsonValue | undefined, JsonValue | undefined])[] = [[before, after]];
  for (let pair = left.pop(); pair !== undefined; pair = left.pop()) {
    const [one, other] = pair;
    if (one === other) {
      continue;
    }
    if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) {
      return false;
    }
    const others = new Map<string, JsonValue>(Object.entries(other));
    const entries = Object.entries<JsonValue>(one as JsonObject);
    if (Array.isArray(one) !== Array.isArray(other) || entries.length !== others.size) {
      return false;
    }
    for (const [key, value] of entries) {
      left.push([value, others.get(key)]);
    }
  }
  return true;
}

/** An object without its bookkeeping, for a first revision. */
export function withoutBookkeeping(object: JsonObject, path = ""): JsonObject {
  return Object.fromEntries(
    Object.entries(object)
      .filter(([key]) => !BOOKKEEPING.has(join(path, key)))
      .map(([key, value]) => [
        key,
        isJsonObject(value) && isAboveBookkeeping(join(path, key)) ? withoutBookkeeping(value, join(path, key)) : value,
      ]),
  );
}

function isAboveBookkeeping(path: string): boolean {
  return [...BOOKKEEPING].some((kept) => kept.startsWith(path));
}

function join(path: string, key: string): string {
  const part = /^[A-Za-z_][A-Za-z0-9_-]*$/.test(key) ? key : `[${JSON.stringify(key)}]`;
  return path === "" || part.startsWith("[") ? path + part : `${path}.${part}`;
}

function show(value: JsonValue): string {
  const text = typeof value === "string" ? value : jsonText(value);
  return text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}…` : text;
}

/** The value as JSON, or in its place that it is nested too deeply for that. */
export function jsonText(value: JsonValue): string {
  try {
    return JSON.stringify(value);
  } catch {
    return "(nested too deeply to be shown)";
  }
}
