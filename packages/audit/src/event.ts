import type { JsonObject, JsonValue } from "./json/json.ts";

/** How much of a request the apiserver writes down, lowest first. */
export const LEVELS = ["None", "Metadata", "Request", "RequestResponse"] as const;
/** @see https://github.com/kubernetes/apiserver/blob/master/pkg/apis/audit/v1/types.go */
export type Level = (typeof LEVELS)[number];

/** The moments of a request at which the apiserver may write an audit event. */
export const STAGES = ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"] as const;
/** @see https://github.com/kubernetes/apiserver/blob/master/pkg/apis/audit/v1/types.go */
export type Stage = (typeof STAGES)[number];

/** What every event says that it is. */
export const EVENT_KIND = "Event";
export const API_VERSION = "audit.k8s.io/v1";

/**
 * Whether `a` records less than `b`.
 *
 * @example
 * assert.equal(isLevelBelow("Metadata", "Request"), true);
 */
export function isLevelBelow(a: Level, b: Level): boolean {
  return LEVELS.indexOf(a) < LEVELS.indexOf(b);
}

/** Who asked. A failed authentication (401) has no username at all. */
export interface UserInfo {
  readonly username?: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** What was asked about. `name` (and for namespaces `namespace`) is filled from the body on create. */
export interface ObjectReference {
  readonly resource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly apiGroup?: string;
  readonly apiVersion?: string;
  readonly resourceVersion?: string;
  readonly subresource?: string;
}

/** The answer without its body; `code` is the HTTP status. */
export interface ResponseStatus {
  readonly status?: string;
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly metadata?: JsonObject;
  readonly details?: JsonObject;
}

/**
 * One line of an audit log: audit.k8s.io/v1 Event, in the field order in which the apiserver writes it.
 * Timestamps stay text: they carry microseconds, which a JavaScript Date would lose.
 *
 * @see https://github.com/kubernetes/apiserver/blob/master/pkg/apis/audit/v1/types.go
 */
export interface AuditEvent {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly level: Level;
  readonly auditID: string;
  readonly stage: Stage;
  readonly requestURI: string;
  readonly verb: string;
  readonly user: UserInfo;
  readonly impersonatedUser?: UserInfo;
  readonly authenticationMetadata?: JsonObject;
  readonly sourceIPs?: readonly string[];
  readonly userAgent?: string;
  readonly objectRef?: ObjectReference;
  readonly responseStatus?: ResponseStatus;
  readonly requestObject?: JsonValue;
  readonly responseObject?: JsonValue;
  readonly requestReceivedTimestamp?: string;
  readonly stageTimestamp?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}
