import type * as Crypto from "node:crypto";
import { createRequire } from "node:module";
import { OPEN_OBJECT, QUOTE } from "../json/json-bytes.ts";
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
  const verb = /[^.]+$/.exec(text(bytes, payload.methodName) ?? "")?.[0];
  const uri = requestPath(text(bytes, payload.resourceName) ?? "");
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
