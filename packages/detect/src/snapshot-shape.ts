import type { JsonValue } from "@auditsieve/audit";
import { isJsonObject, own } from "@auditsieve/audit";

/** The version of what a `FindingStream` remembers, and that of its memory, that this program writes and reads. */
export const SNAPSHOT_VERSION = 2;
export const MEMORY_VERSION = 1;

/**
 * Why a snapshot of a `FindingStream` cannot be gone on from; undefined where it can. A foreign program may write what this one reads as nothing, or
 * as something else: what it then does not find again nobody would be told of.
 *
 * @example
 * assert.equal(snapshotProblem({ version: 9 }), "it is of version 9, this program knows 2");
 * assert.equal(snapshotProblem({ version: 2, memory: null, detections: {}, firstSeen: 1 }), "its firstSeen is no object");
 */
export function snapshotProblem(snapshot: unknown): string | undefined {
  const written = snapshot as JsonValue | undefined;
  if (!isJsonObject(written)) {
    return "it is no JSON object";
  }
  const version = own(written, "version");
  if (version !== SNAPSHOT_VERSION) {
    return `it is of version ${shown(version)}, this program knows ${SNAPSHOT_VERSION}`;
  }
  const memory = own(written, "memory");
  const ofMemory = isJsonObject(memory) ? own(memory, "version") : MEMORY_VERSION;
  if (ofMemory !== MEMORY_VERSION) {
    return `its memory is of version ${shown(ofMemory)}, this program knows ${MEMORY_VERSION}`;
  }
  const wrong = SNAPSHOT(written);
  return wrong && `its ${wrong.replace(/^\./, "")}`;
}

/**
 * What is lost with a snapshot, as far as it can be read: `first-seen values (180), pods (106)`; "" where that is nothing.
 *
 * @example
 * assert.equal(heldBySnapshot({ version: 9, open: [["a"], ["b"]] }), "open requests (2)");
 */
export function heldBySnapshot(snapshot: unknown): string {
  const at = (...keys: readonly string[]): JsonValue | undefined =>
    keys.reduce<JsonValue | undefined>(
      (value, key) => (isJsonObject(value) ? own(value, key) : undefined),
      snapshot as JsonValue,
    );
  const lengthAt = (...keys: readonly string[]): number => {
    const value = at(...keys);
    return Array.isArray(value) ? value.length : 0;
  };
  const recentAt = (...keys: readonly string[]): number => lengthAt(...keys, "young") + lengthAt(...keys, "old");
  const counts: Readonly<Record<string, number>> = {
    "first-seen values": recentAt("firstSeen", "tuples"),
    pods: recentAt("memory", "pods"),
    grants: recentAt("memory", "grants", "grants"),
    credentials: recentAt("memory", "credentials", "credentials"),
    "open requests": lengthAt("open"),
    "windows of correlations": lengthAt("correlations", "windows"),
  };
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${what} (${count})`)
    .join(", ");
}

/** Versions are shown that are numbers; whatever else stands there may be of any length. */
function shown(version: JsonValue | undefined): string {
  return typeof version === "number" ? String(version) : "unknown";
}

/** Says what is wrong with a value, and behind which keys; undefined where nothing is. */
type Shape = (value: JsonValue | undefined) => string | undefined;

function only(what: string, isOne: (value: JsonValue | undefined) => boolean): Shape {
  const wrong = ` is no ${what}`;
  return (value) => (isOne(value) ? undefined : wrong);
}

function optional(shape: Shape): Shape {
  return (value) => (value === undefined ? undefined : shape(value));
}

function nullable(shape: Shape): Shape {
  return (value) => (value === null ? undefined : shape(value));
}

function object(members: Readonly<Record<string, Shape>>): Shape {
  const shapes = Object.entries(members);
  return (value) => {
    if (!isJsonObject(value)) {
      return " is no object";
    }
    for (const [key, shape] of shapes) {
      const wrong = shape(own(value, key));
      if (wrong !== undefined) {
        return `.${key}${wrong}`;
      }
    }
    return undefined;
  };
}

/** An object under whose keys, which are anyone's, all has one shape. */
function valuesOf(shape: Shape): Shape {
  return (value) => (isJsonObject(value) ? firstWrong(Object.values(value), shape) : " is no object");
}

function list(shape: Shape): Shape {
  return (value) => (Array.isArray(value) ? firstWrong(value as readonly JsonValue[], shape) : " is no list");
}

function firstWrong(values: readonly JsonValue[], shape: Shape): string | undefined {
  for (let i = 0; i < values.length; i++) {
    const wrong = shape(values[i]);
    if (wrong !== undefined) {
      return `[${i}]${wrong}`;
    }
  }
  return undefined;
}

/** A list of which each place has its own shape. */
function row(...shapes: readonly Shape[]): Shape {
  return (value) => {
    if (!Array.isArray(value)) {
      return " is no list";
    }
    for (let i = 0; i < shapes.length; i++) {
      const wrong = shapes[i]?.((value as readonly JsonValue[])[i]);
      if (wrong !== undefined) {
        return `[${i}]${wrong}`;
      }
    }
    return undefined;
  };
}

const TEXT = only("text", (value) => typeof value === "string");
const NUMBER = only("number", (value) => typeof value === "number");
const FLAG = only("boolean", (value) => typeof value === "boolean");
/** JSON has no infinite numbers, and none that is not known. */
const TIME = nullable(NUMBER);
const TEXTS = list(TEXT);

/** What a `RecentMap` writes. */
function recent(value: Shape): Shape {
  const half = list(row(TEXT, value));
  return object({ young: half, old: half, evicted: NUMBER });
}

const POD = object({
  isSpecKnown: FLAG,
  privileged: FLAG,
  hostPath: TEXTS,
  hostNetwork: FLAG,
  hostPID: FLAG,
  hostIPC: FLAG,
  uid: optional(TEXT),
  serviceAccount: optional(TEXT),
  node: optional(TEXT),
  createdBy: optional(TEXT),
  addresses: TEXTS,
  createdAt: optional(TIME),
  deletedAt: optional(TIME),
});

const CREDENTIAL = object({
  id: TEXT,
  kind: TEXT,
  subject: optional(TEXT),
  issuedBy: optional(TEXT),
  issuedWith: optional(TEXT),
  issuedAuditID: optional(TEXT),
  signingRequest: optional(TEXT),
  approvedBy: optional(TEXT),
  approvedWith: optional(TEXT),
  issuedAt: optional(TIME),
  pod: optional(TEXT),
  podUID: optional(TEXT),
  node: optional(TEXT),
  isMasters: FLAG,
  firstUsedAt: optional(TIME),
  addresses: TEXTS,
});

const SIGNING_REQUEST = object({
  by: optional(TEXT),
  with: optional(TEXT),
  approvedBy: optional(TEXT),
  approvedWith: optional(TEXT),
});

const MEMORY = object({
  now: TIME,
  pods: recent(POD),
  grants: object({
    grants: recent(object({ at: TIME, by: optional(TEXT) })),
    subjects: recent(TIME),
    newest: TIME,
    unclear: TIME,
  }),
  credentials: object({
    credentials: recent(CREDENTIAL),
    requests: recent(SIGNING_REQUEST),
    uses: recent(FLAG),
    nodes: recent(TEXTS),
  }),
});

const GROUP = row(TEXT, TEXTS);
const HELD = object({
  event: NUMBER,
  length: NUMBER,
  hit: optional(NUMBER),
  exception: optional(TEXT),
  keys: optional(list(row(TEXT, TEXT))),
});
const STANDING: Shape = (value) => (typeof value === "string" ? undefined : HELD(value));
const HIT = row(TIME, TEXT, TEXT, list(row(TEXT, list(GROUP), list(TEXTS))), list(row(TEXT, NUMBER, NUMBER)), TEXTS);

/** What waits for events to come is absent where only what was learned is written, and the memory is null where another stream writes it. */
const SNAPSHOT = object({
  detections: valuesOf(TEXT),
  memory: nullable(MEMORY),
  firstSeen: object({ groups: recent(TIME), tuples: recent(FLAG) }),
  open: optional(list(row(TEXT, TIME, list(row(TEXT, STANDING))))),
  correlations: optional(
    object({
      newest: TIME,
      floor: TIME,
      waiting: list(NUMBER),
      windows: list(row(TEXT, GROUP, list(NUMBER), TIME, FLAG)),
    }),
  ),
  // An event is what its codec has written.
  evidence: optional(object({ hits: list(HIT), events: list(() => undefined) })),
});
