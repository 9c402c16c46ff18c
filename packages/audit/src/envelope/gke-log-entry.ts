import type * as Crypto from "node:crypto";
import { createRequire } from "node:module";
import { OPEN_OBJECT, QUOTE, skipSpace, skipValue } from "../json/json-bytes.ts";
import type { Level } from "../event.ts";
import { requestInfo } from "../request-info.ts";
import type { RequestInfo } from "../request-info.ts";
import { MemberReader } from "./members.ts";
import type { Members, Span } from "./members.ts";
import { requestPath } from "./resource-name.ts";
import { httpStatus } from "./rpc-code.ts";

const ENTRY = new MemberReader(["protoPayload", "insertId", "timestamp", "labels", "operation"]);
const PAYLOAD = new MemberReader([
  "serviceName",
  "methodName",
  "resourceName",
  "authenticationInfo",
  "requestMetadata",
  "status",
  "request",
  "response",
]);
/** In an entry whose keys are in order these stand before the bodies, and what they say too stands behind. */
const TORN_PAYLOAD = new MemberReader(["authorizationInfo"]);
const PERMISSION = new MemberReader(["resource"]);
const AUTHENTICATION = new MemberReader(["principalEmail", "authoritySelector"]);
const METADATA = new MemberReader(["callerIp", "callerSuppliedUserAgent"]);
const STATUS = new MemberReader(["code", "message"]);
const OPERATION = new MemberReader(["first", "last"]);

/** Requests that carry no body: for them a missing one says nothing about the level. */
const BODILESS_VERBS: ReadonlySet<string> = new Set(["get", "list", "watch"]);
/** What no LogEntry says and is always worked out here. */
const ALWAYS_DERIVED = ["level", "stage", "requestURI", "verb"];

/**
 * The canonical event of one LogEntry of GKE's audit log, or undefined where the entry is none. Texts and bodies are the
 * entry's own bytes. `origin` says which fields were derived, and holds a hash of all that is not copied, so that two entries
 * that differ anywhere are two events.
 *
 * @see https://cloud.google.com/kubernetes-engine/docs/how-to/audit-logging
 */
export function gkeEvent(bytes: Buffer, start: number, end: number): Buffer | undefined {
  const entry = ENTRY.read(bytes, start, end);
  const payload = below(bytes, entry?.protoPayload, PAYLOAD);
  if (entry === undefined || payload === undefined || text(bytes, payload.serviceName) !== "k8s.io") {
    return undefined;
  }
  return converted(bytes, { start, end, entry, payload, resource: text(bytes, payload.resourceName) ?? "" });
}

/**
 * As {@link gkeEvent}, of an entry that is torn at `end`, if it stands before that who did what to which object: what is torn is left out, and
 * so unknown. `origin.isTorn` says it.
 */
export function tornGkeEvent(bytes: Buffer, start: number, end: number): Buffer | undefined {
  const entry = ENTRY.readTorn(bytes, start, end);
  const { protoPayload } = entry ?? {};
  const read = protoPayload && PAYLOAD.readTorn(bytes, protoPayload.start, protoPayload.end);
  if (entry === undefined || protoPayload === undefined || read?.authenticationInfo === undefined) {
    return undefined;
  }
  const service = text(bytes, read.serviceName);
  const isOfKubernetes =
    service === undefined ? text(bytes, read.methodName)?.startsWith("io.k8s.") === true : service === "k8s.io";
  if (!isOfKubernetes || !isWhole(bytes, read.authenticationInfo)) {
    return undefined;
  }
  return converted(bytes, {
    start,
    end,
    entry: onlyWhole(bytes, entry),
    payload: onlyWhole(bytes, read),
    resource: text(bytes, read.resourceName) ?? permittedResource(bytes, protoPayload),
    isTorn: true,
  });
}

/** What the request was allowed, or refused, to be done to. */
function permittedResource(bytes: Buffer, payload: Span): string {
  const list = TORN_PAYLOAD.readTorn(bytes, payload.start, payload.end)?.authorizationInfo;
  const first = list && skipSpace(bytes, list.start + 1, list.end);
  const behind = first === undefined || bytes[first] !== OPEN_OBJECT ? -1 : skipValue(bytes, first, list?.end ?? 0);
  const permission = behind === -1 || first === undefined ? undefined : PERMISSION.read(bytes, first, behind);
  return text(bytes, permission?.resource) ?? "";
}

function isWhole(bytes: Buffer, { start, end }: Span): boolean {
  return skipValue(bytes, start, end) === end;
}

function onlyWhole<Key extends string>(bytes: Buffer, members: Members<Key>): Members<Key> {
  const whole = Object.entries<Span | undefined>(members).filter(
    ([, span]) => span !== undefined && isWhole(bytes, span),
  );
  return Object.fromEntries(whole) as Members<Key>;
}

/** An entry that was read. */
interface ReadEntry extends Span {
  readonly entry: Members<"insertId" | "timestamp" | "labels" | "operation">;
  readonly payload: Members<
    "methodName" | "authenticationInfo" | "requestMetadata" | "status" | "request" | "response"
  >;
  readonly resource: string;
  readonly isTorn?: boolean;
}

function converted(
  bytes: Buffer,
  { start, end, entry, payload, resource, isTorn = false }: ReadEntry,
): Buffer | undefined {
  const verb = /[^.]+$/.exec(text(bytes, payload.methodName) ?? "")?.[0];
  const uri = requestPath(resource);
  const who = below(bytes, payload.authenticationInfo, AUTHENTICATION);
  const how = below(bytes, payload.requestMetadata, METADATA);
  const status = below(bytes, payload.status, STATUS);
  const operation = below(bytes, entry.operation, OPERATION);
  if (verb === undefined || uri === undefined || !who || !how || !status || !operation) {
    return undefined;
  }
  const strings = [entry.insertId, entry.timestamp, status.message, ...Object.values(who), ...Object.values(how)];
  if (!strings.every((span) => startsWith(bytes, span, QUOTE)) || !startsWith(bytes, entry.labels, OPEN_OBJECT)) {
    return undefined;
  }
  const copy = (span: Span | undefined): string | undefined => span && bytes.toString("latin1", span.start, span.end);
  const code = payload.status && httpStatus(Number(copy(status.code) ?? 0));
  const info = requestInfo(uri, verb);
  const derived = [
    ...ALWAYS_DERIVED,
    ...(info.isResourceRequest ? ["objectRef"] : []),
    ...(code === undefined ? [] : ["responseStatus.code"]),
    ...(who.authoritySelector === undefined ? [] : ["impersonatedUser"]),
  ];
  const isStart = copy(operation.first) === "true" && copy(operation.last) !== "true";
  const copied = [entry.labels, status.message, payload.request, payload.response];
  const event = object({
    kind: '"Event"',
    apiVersion: '"audit.k8s.io/v1"',
    level: `"${levelOf(payload, verb)}"`,
    auditID: copy(entry.insertId),
    stage: isStart ? '"ResponseStarted"' : '"ResponseComplete"',
    requestURI: json(uri),
    verb: json(verb),
    user: object({ username: copy(who.principalEmail) }),
    impersonatedUser: who.authoritySelector && object({ username: copy(who.authoritySelector) }),
    sourceIPs: how.callerIp && `[${copy(how.callerIp)}]`,
    userAgent: copy(how.callerSuppliedUserAgent),
    objectRef: info.isResourceRequest ? objectReference(info) : undefined,
    responseStatus: payload.status && object({ message: copy(status.message), code: code?.toString() }),
    requestObject: copy(payload.request),
    responseObject: copy(payload.response),
    stageTimestamp: copy(entry.timestamp),
    annotations: copy(entry.labels),
    origin: object({
      envelope: '"gke-log-entry"',
      isTorn: isTorn ? "true" : undefined,
      derived: JSON.stringify(derived),
      sha256: `"${hashWithout(bytes, start, end, copied)}"`,
    }),
  });
  return Buffer.from(event, "latin1");
}

/** The members of an object inside the entry; none where there is no such object, undefined where it is damaged. */
function below<Key extends string>(
  bytes: Buffer,
  span: Span | undefined,
  reader: MemberReader<Key>,
): Members<Key> | undefined {
  return span === undefined ? reader.none : reader.read(bytes, span.start, span.end);
}

function startsWith(bytes: Buffer, span: Span | undefined, byte: number): boolean {
  return span === undefined || bytes[span.start] === byte;
}

function text(bytes: Buffer, span: Span | undefined): string | undefined {
  return span !== undefined && bytes[span.start] === QUOTE
    ? (JSON.parse(bytes.toString("utf8", span.start, span.end)) as string)
    : undefined;
}

/** As much as the entry shows. Where a body could have been and is not, the level is one at which that body is unknown. */
function levelOf({ request, response }: Members<"request" | "response">, verb: string): Level {
  if (response !== undefined && (request !== undefined || BODILESS_VERBS.has(verb))) {
    return "RequestResponse";
  }
  return request === undefined ? "Metadata" : "Request";
}

function objectReference({ resource, namespace, name, apiGroup, apiVersion, subresource }: RequestInfo): string {
  const members = { resource, namespace, name, apiGroup, apiVersion, subresource };
  return object(
    Object.fromEntries(Object.entries(members).map(([key, value]) => [key, value === "" ? undefined : json(value)])),
  );
}

/** JSON text, one letter a byte, as everything here that becomes the event. */
function json(value: string): string {
  return Buffer.from(JSON.stringify(value)).toString("latin1");
}

function object(members: Readonly<Record<string, string | undefined>>): string {
  const texts = Object.entries(members).flatMap(([key, value]) => (value === undefined ? [] : [`"${key}":${value}`]));
  return `{${texts.join(",")}}`;
}

/** What is copied is left out: a hash over a body could be guessed back to the secret that redaction takes out of it. */
function hashWithout(bytes: Buffer, start: number, end: number, copied: readonly (Span | undefined)[]): string {
  // Loaded for the first entry only: it takes longer than all else that a short log needs.
  const { createHash } = createRequire(import.meta.url)("node:crypto") as typeof Crypto;
  const hash = createHash("sha256");
  let at = start;
  const spans = copied.filter((span) => span !== undefined).sort((a, b) => a.start - b.start);
  for (const span of spans) {
    hash.update(bytes.subarray(at, span.start));
    at = span.end;
  }
  return hash.update(bytes.subarray(at, end)).digest("hex");
}
