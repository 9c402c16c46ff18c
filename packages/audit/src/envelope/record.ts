import { COMMA, OPEN_OBJECT, QUOTE, skipColon, skipSpace, skipString, skipValue } from "../json/json-bytes.ts";
import { NO_ENVELOPE_KEYS } from "./list-keys.ts";
import { keyTable } from "../json/key-table.ts";
import type { KeyTable } from "../json/key-table.ts";
import { embeddedEvent } from "./embedded-event.ts";
import { gkeEvent, tornGkeEvent } from "./gke-log-entry.ts";
import { asV1 } from "./earlier-version.ts";
import { MemberReader, membersOf } from "./members.ts";
import type { Span } from "./members.ts";

/** Few logs are in an envelope, and every command would wait for a table. */
function lazily(keys: Readonly<Record<string, number>>): () => KeyTable {
  let table: KeyTable | undefined;
  return () => (table ??= keyTable(keys));
}

/** What the first telling key of an object says that the object is. */
const KIND = { event: 0, gke: 1, aks: 2, cloudWatch: 3 } as const;
const telling = lazily({
  kind: KIND.event,
  level: KIND.event,
  auditID: KIND.event,
  stage: KIND.event,
  requestURI: KIND.event,
  verb: KIND.event,
  user: KIND.event,
  protoPayload: KIND.gke,
  logName: KIND.gke,
  insertId: KIND.gke,
  receiveTimestamp: KIND.gke,
  properties: KIND.aks,
  category: KIND.aks,
  operationName: KIND.aks,
  resourceId: KIND.aks,
  message: KIND.cloudWatch,
});

const ofNoEnvelope = lazily(Object.fromEntries([...NO_ENVELOPE_KEYS].map((key) => [key, 1])));

/** Whether the key in `bytes[start, end)` is one of {@link NO_ENVELOPE_KEYS}. */
export function isOfNoEnvelope(bytes: Uint8Array, start: number, end: number): boolean {
  return ofNoEnvelope().find(bytes, start, end) !== -1;
}

/** Whether the key in `bytes[start, end)` says by itself what the object is: an event, or the record of a provider that packs none. */
export function isTelling(bytes: Uint8Array, start: number, end: number): boolean {
  return telling().find(bytes, start, end) !== -1;
}

const AKS_RECORD = new MemberReader(["properties"]);
const AKS_PROPERTIES = new MemberReader(["log"]);
const CLOUD_WATCH_RECORD = new MemberReader(["message"]);

/** The event inside a provider's record; undefined where the record is no envelope or holds no event. */
export function eventInside(bytes: Buffer, start: number, end: number): Buffer | undefined {
  switch (recordKind(bytes, start, end)) {
    case KIND.gke:
      return gkeEvent(bytes, start, end);
    case KIND.aks: {
      const properties = AKS_RECORD.read(bytes, start, end)?.properties;
      const log = properties && AKS_PROPERTIES.read(bytes, properties.start, properties.end)?.log;
      return log && embeddedEvent(bytes, log);
    }
    case KIND.cloudWatch: {
      const message = CLOUD_WATCH_RECORD.read(bytes, start, end)?.message;
      return message && embeddedEvent(bytes, message);
    }
    case KIND.event:
      return asV1(bytes, start, end);
    default:
      return undefined;
  }
}

/** What a record that is torn at `end` says of its event before that: of a LogEntry, which is none itself. Of others see {@link textInside}. */
export function tornEventInside(bytes: Buffer, start: number, end: number): Buffer | undefined {
  return recordKind(bytes, start, end) === KIND.gke ? tornGkeEvent(bytes, start, end) : undefined;
}

/**
 * The string of a provider's record, whole or torn, that has the event's text, where that stands whole in `bytes[start, end)`: CloudWatch's `message`, `log` of AKS.
 * Undefined where an event's own key stands before the tear, where the string's key stands there twice, and where a key that CloudWatch does
 * not write stands beside its `message`: that is the log of another program, which says there what it was told.
 */
export function textInside(bytes: Buffer, start: number, end: number): Span | undefined {
  switch (recordKind(bytes, start, end)) {
    case KIND.cloudWatch:
      return hasKeysOfCloudWatch(bytes, start, end)
        ? textOf(bytes, memberBefore(bytes, start, end, "message"))
        : undefined;
    case KIND.aks: {
      const properties = memberBefore(bytes, start, end, "properties");
      return properties !== undefined && bytes[properties.start] === OPEN_OBJECT
        ? textOf(bytes, memberBefore(bytes, properties.start, properties.end, "log"))
        : undefined;
    }
    default:
      return undefined;
  }
}

function textOf(bytes: Buffer, value: Span | undefined): Span | undefined {
  return value !== undefined && bytes[value.start] === QUOTE && skipString(bytes, value.start, value.end) === value.end
    ? value
    : undefined;
}

const CLOUD_WATCH_KEYS: ReadonlySet<string> = new Set(
  "id eventId timestamp ingestionTime logStreamName message".split(" "),
);

function hasKeysOfCloudWatch(bytes: Buffer, start: number, end: number): boolean {
  let isTold = false;
  for (const { key, value } of membersOf(bytes, start, end)) {
    // Loggers write times as texts.
    if (!CLOUD_WATCH_KEYS.has(key) || (key === "timestamp" && bytes[value.start] === QUOTE)) {
      return false;
    }
    isTold ||= key !== "message";
  }
  return isTold;
}

function memberBefore(bytes: Buffer, open: number, end: number, key: string): Span | undefined {
  const found = [...membersOf(bytes, open, end)].filter((member) => member.key === key);
  return found.length === 1 ? found[0]?.value : undefined;
}

/** What the record is by its first telling key; an event, if it has a key that only events have wherever that stands. */
function recordKind(bytes: Buffer, start: number, end: number): number {
  if (bytes[start] !== OPEN_OBJECT) {
    return -1;
  }
  let first = -1;
  let at = start;
  do {
    at = skipSpace(bytes, at + 1, end);
    const behindKey = at < end && bytes[at] === QUOTE ? skipString(bytes, at, end) : -1;
    if (behindKey === -1) {
      return first;
    }
    const kind = telling().find(bytes, at + 1, behindKey - 1);
    if (kind === KIND.event && (first === -1 || isOfNoEnvelope(bytes, at + 1, behindKey - 1))) {
      return KIND.event;
    }
    first = first === -1 ? kind : first;
    const value = skipColon(bytes, behindKey, end);
    const behind = value === -1 ? -1 : skipValue(bytes, value, end);
    at = behind === -1 ? end : skipSpace(bytes, behind, end);
  } while (at < end && bytes[at] === COMMA);
  return first;
}
