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

/**
 * What changed from one body of an object to the next; bookkeeping is left out. Lists are compared place by place.
 *
 * @example
 * const changes = diffBodies({ spec: { replicas: 1 } }, { spec: { replicas: 3 } });
 * assert.deepEqual(changes, [{ path: "spec.replicas", before: "1", after: "3" }]);
 */
export function diffBodies(before: JsonValue, after: JsonValue): readonly Change[] {
  const changes: Change[] = [];
  compare("", before, after, changes);
  return changes;
}

function compare(path: string, before: JsonValue | undefined, after: JsonValue | undefined, to: Change[]): void {
  if (to.length >= MOST_CHANGES || before === after || BOOKKEEPING.has(path)) {
    return;
  }
  if (isJsonObject(before) && isJsonObject(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      compare(join(path, key), own(before, key), own(after, key), to);
    }
  } else if (Array.isArray(before) && Array.isArray(after)) {
    for (let i = 0; i < Math.max(before.length, after.length); i++) {
      compare(`${path}[${i}]`, before[i] as JsonValue | undefined, after[i] as JsonValue | undefined, to);
    }
  } else if (JSON.stringify(before) !== JSON.stringify(after)) {
    to.push({
      path: path === "" ? "(whole)" : path,
      ...(before === undefined ? {} : { before: show(before) }),
      ...(after === undefined ? {} : { after: show(after) }),
    });
  }
}

/** An object without its bookkeeping, for a first revision. */
export function withoutBookkeeping(object: JsonObject, path = ""): JsonObject {
  return Object.fromEntries(
    Object.entries(object)
      .filter(([key]) => !BOOKKEEPING.has(join(path, key)))
      .map(([key, value]) => [key, isJsonObject(value) ? withoutBookkeeping(value, join(path, key)) : value]),
  );
}

function join(path: string, key: string): string {
  const part = /^[A-Za-z_][A-Za-z0-9_-]*$/.test(key) ? key : `[${JSON.stringify(key)}]`;
  return path === "" || part.startsWith("[") ? path + part : `${path}.${part}`;
}

function show(value: JsonValue): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}…` : text;
}
