import { asksDryRun, isJsonObject, hashOfID, microseconds, own, timeOf } from "@auditsieve/audit";
import type { AuditEvent, JsonObject, JsonValue, KeyEndings, KeyPaths } from "@auditsieve/audit";
import type { HeadView } from "./head-view.ts";

/** A body of an event. */
export type BodyName = "requestObject" | "responseObject";

/**
 * What an event that is parsed as it is read has beside its fields. It is told apart by its functions, which no JSON can hold.
 * An event without them is plain JSON, and gives the same answers.
 */
export interface PartlyParsed extends Pick<HeadView, "get"> {
  /** The plain event. */
  toJSON(): AuditEvent;
  /** What `timeOf` gives of it, and the same in microseconds. */
  readonly time: number;
  readonly micros: number;
  /** What `hashOfID` gives of its auditID. */
  readonly idHash: number;
  /** Whether these are its texts; they need not be made. */
  isRequestURI(text: string): boolean;
  isReceivedAt(text: string): boolean;
  /** Whether its requestURI has no query; it need not be made. False says nothing. */
  isWithoutQuery(): boolean;
  /** Whether the body is there; it need not be parsed. */
  has(body: BodyName): boolean;
  /** Whether the body is absent or null; it need not be parsed. */
  isMissing(body: BodyName): boolean;
  /** Whether the body is there and has no key with one of these endings, at no depth: then it need not be parsed. False says nothing. */
  lacksAll(body: BodyName, endings: KeyEndings): boolean;
  /** Has the paths looked for in the body; the rest of it need not be parsed. */
  find(body: BodyName, paths: KeyPaths): void;
  /** The value at a path of literal keys below the body; the rest of it need not be parsed. */
  part(body: BodyName, keys: readonly string[]): JsonValue | undefined;
  /** Whether the body is there and an object; it need not be parsed. */
  isObject(body: BodyName): boolean;
  /** The value of a member of a body that is an object; the rest of it need not be parsed. */
  member(body: BodyName, key: string): JsonValue | undefined;
  /** Whether no value of the event holds one of these texts, which `neededInBytes` gave, in whatever case. False says nothing. */
  holdsNone(texts: readonly string[]): boolean;
  /** The bytes of the body, each as one character; undefined where there are none, or more than `maxLength`. */
  spelling(body: BodyName, maxLength: number): string | undefined;
}

type Event = AuditEvent & Partial<PartlyParsed>;

/** Fields that are read one by one where an event is parsed as it is read. */
const FIELDS: ReadonlySet<string> = new Set<keyof AuditEvent>([
  "level",
  "auditID",
  "stage",
  "requestURI",
  "verb",
  "user",
  "impersonatedUser",
  "sourceIPs",
  "userAgent",
  "objectRef",
  "responseStatus",
  "requestObject",
  "responseObject",
  "requestReceivedTimestamp",
  "stageTimestamp",
  "annotations",
]);

/** The event as plain JSON: read it with `own`. */
export function asJson(event: Event): JsonObject {
  return (isPartlyParsed(event) ? event.toJSON() : event) as unknown as JsonObject;
}

/** The value of a key of the event itself; nothing else of it need be parsed. */
export function rootOf(event: Event, key: string): JsonValue | undefined {
  return isPartlyParsed(event) && FIELDS.has(key)
    ? (event[key as keyof AuditEvent] as JsonValue | undefined)
    : own(asJson(event), key);
}

/** Whether the event has the body; it need not be parsed. */
export function hasBody(event: Event, body: BodyName): boolean {
  return isPartlyParsed(event) ? event.has(body) : rootOf(event, body) !== undefined;
}

/** Whether a key of the event itself is absent or null; it need not be parsed. */
export function isMissing(event: Event, key: string): boolean {
  if (isPartlyParsed(event) && (key === "requestObject" || key === "responseObject")) {
    return event.isMissing(key);
  }
  const value = rootOf(event, key);
  return value === undefined || value === null;
}

/** Whether the body is there and has no key with one of these endings, as far as that can be said without parsing it. */
export function lacksKeys(event: Event, body: BodyName, endings: KeyEndings): boolean {
  return isPartlyParsed(event) && event.lacksAll(body, endings);
}

/** Has the paths looked for in a body. */
export function findPaths(event: Event, body: BodyName, paths: KeyPaths): void {
  if (isPartlyParsed(event)) {
    event.find(body, paths);
  } else {
    paths.findParsed(rootOf(event, body));
  }
}

/** The value at a path of literal keys below a body. */
export function partOf(event: Event, body: BodyName, ...keys: readonly string[]): JsonValue | undefined {
  return partAt(event, body, keys);
}

/** The same of a path that is asked for again and again. */
export function partAt(event: Event, body: BodyName, keys: readonly string[]): JsonValue | undefined {
  if (isPartlyParsed(event)) {
    return event.part(body, keys);
  }
  return keys.reduce<JsonValue | undefined>(
    (found, key) => (isJsonObject(found) ? own(found, key) : undefined),
    rootOf(event, body),
  );
}

/** Whether no value of the event holds one of the texts, in whatever case, as far as that can be said without parsing it. */
export function holdsNone(event: Event, texts: readonly string[]): boolean {
  return isPartlyParsed(event) && event.holdsNone(texts);
}

/** Milliseconds of its time; NaN where it says none. */
export function timeOfEvent(event: Event): number {
  return isPartlyParsed(event) ? event.time : timeOf(event);
}

/** The same in microseconds. */
export function microsOfEvent(event: Event): number {
  return isPartlyParsed(event) ? event.micros : microseconds(event.stageTimestamp ?? event.requestReceivedTimestamp);
}

/** What `hashOfID` gives of its auditID. */
export function idHashOf(event: Event): number {
  return isPartlyParsed(event) ? event.idHash : hashOfID(event.auditID);
}

/** Whether this is the event's requestURI. */
export function isRequestURI(event: Event, text: string): boolean {
  return isPartlyParsed(event) ? event.isRequestURI(text) : event.requestURI === text;
}

/** Whether the event's requestURI asks for a trial. */
export function asksTrial(event: Event): boolean {
  return !(isPartlyParsed(event) && event.isWithoutQuery()) && asksDryRun(event.requestURI ?? "");
}

/** Whether this is its requestReceivedTimestamp. */
export function isReceivedAt(event: Event, text: string): boolean {
  return isPartlyParsed(event) ? event.isReceivedAt(text) : event.requestReceivedTimestamp === text;
}

/** The bytes of a body, where the event is parsed as it is read: bodies of the same spelling say the same. */
export function spellingOf(event: Event, body: BodyName, maxLength: number): string | undefined {
  return isPartlyParsed(event) ? event.spelling(body, maxLength) : undefined;
}

/**
 * The head of a decoded event.
 *
 * @example
 * const head = headOf({ level: "Metadata", auditID: "a", stage: "ResponseComplete", requestURI: "/version", verb: "get",
 *   user: { username: "eve" } });
 * assert.equal(head.get("user.username"), "eve");
 */
export function headOf(event: AuditEvent): HeadView {
  return isPartlyParsed(event) ? event : plainHead(event);
}

function plainHead(event: AuditEvent): HeadView {
  return {
    get(field) {
      const dot = field.indexOf(".");
      if (dot < 0) {
        return rootOf(event, field);
      }
      const parent = rootOf(event, field.slice(0, dot));
      if (!isJsonObject(parent)) {
        return undefined;
      }
      if (field !== "user.extra.authentication.kubernetes.io/credential-id") {
        return own(parent, field.slice(dot + 1));
      }
      const extra = own(parent, "extra");
      return isJsonObject(extra) ? own(extra, "authentication.kubernetes.io/credential-id") : undefined;
    },
  };
}

/** Whether no more of the event is parsed than is asked for. */
export function isPartlyParsed(event: Event): event is AuditEvent & PartlyParsed {
  return typeof event.toJSON === "function";
}
