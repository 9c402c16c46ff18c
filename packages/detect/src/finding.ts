import { hash } from "node:crypto";
import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import type { CorrelationType } from "./definition/correlation.ts";
import type { Detection, Severity } from "./definition/detection.ts";
import { headOf, isReceivedAt, isRequestURI } from "./reading/event-parts.ts";
import { actorOf, isTrial, objectOf, summarise } from "./summary.ts";

/** How the request that made a finding ended; `trial`: it succeeded and changed nothing (`dryRun=All`). */
export type RequestOutcome = "success" | "trial" | "denied" | "failure" | "unknown";

/**
 * One occurrence of a detection: the document that replay prints, a line each, and that ingest stores. Texts other
 * than `summary` are as the log has them: a printer neutralises them.
 */
export interface Finding {
  /** The same for the same request and detection, whenever and wherever it is found. */
  readonly id: string;
  readonly detection: {
    readonly id: string;
    readonly title: string;
    /** Sigma's word for the severity. */
    readonly level: Severity;
    readonly techniques: readonly string[];
  };
  /** When the apiserver received the request. */
  readonly time: string;
  /** The user that authenticated, also when it impersonated another; absent after a failed authentication. */
  readonly actor?: string;
  readonly impersonated?: string;
  /** One line, safe to print. */
  readonly summary: string;
  readonly outcome: RequestOutcome;
  readonly code?: number;
  readonly namespace?: string;
  /** `pods/exec shop/tools`; absent for requests that are not about a resource. */
  readonly object?: string;
  /** Of a correlation: what was counted in which group. `events` are then a bounded choice of them. */
  readonly correlation?: {
    readonly type: CorrelationType;
    readonly group: Readonly<Record<string, string>>;
    readonly count: number;
    readonly value: number;
  };
  readonly auditIDs: readonly string[];
  readonly events: readonly AuditEvent[];
}

const MAX_REMEMBERED_LENGTH = 512;

/** What tells one request from another, beside its apiserver; never the auditID alone, because a client chooses it. */
export type RequestNames = readonly (JsonValue | undefined)[];

export function requestNames(event: AuditEvent): RequestNames {
  const { auditID, requestReceivedTimestamp, verb, requestURI } = event;
  // Not by parsing the user where only its name is asked for.
  const username = headOf(event).get("user.username");
  return [auditID, requestReceivedTimestamp, username, verb, requestURI];
}

/** Whether an event has these names, which are all texts; of most events none need be made for that. */
export function areNamesOf(names: readonly string[], event: AuditEvent): boolean {
  return (
    event.auditID === names[0] &&
    event.verb === names[3] &&
    headOf(event).get("user.username") === names[2] &&
    isReceivedAt(event, names[1] as string) &&
    isRequestURI(event, names[4] as string)
  );
}

/** The bounded key of the request that an event is a stage of, as `FindingStream` makes it. */
export function requestId(event: AuditEvent, apiserver = ""): string {
  return idOfNames(requestNames(event), apiserver);
}

/** The same of what {@link requestNames} gives. */
export function idOfNames(names: RequestNames, apiserver: string): string {
  return digest(JSON.stringify([...names, apiserver]));
}

/** The finding that a detection makes of this request; `shown` is its event as it may leave. */
export function findingOfRequest(detection: Detection, request: string, shown: AuditEvent): Finding {
  return writeFinding(detection, digest(detection.id, request), shown);
}

/** A key of a request of bounded size, for state and for ids. */
export function digest(...parts: readonly string[]): string {
  DIGITS.write(hash("sha256", JSON.stringify(parts), "hex"), "latin1");
  return DIGITS.toString("latin1", 0, 32);
}

/** A piece of a text holds all of it, and there are very many. */
const DIGITS = Buffer.alloc(64);

const digests = new Map<string, string>();
const MAX_DIGESTS = 4096;

/** The same for parts that come again and again. */
export function repeatedDigest(...parts: readonly string[]): string {
  const text = JSON.stringify(parts);
  const known = digests.get(text);
  if (known !== undefined) {
    return known;
  }
  const made = digest(...parts);
  if (text.length <= MAX_REMEMBERED_LENGTH) {
    if (digests.size === MAX_DIGESTS) {
      digests.clear();
    }
    digests.set(text, made);
  }
  return made;
}

/** Writes the finding; `shown` is the event as it may leave, `id` is made from the original. */
export function writeFinding(detection: Detection, id: string, shown: AuditEvent): Finding {
  const actor = actorOf(shown);
  const impersonated = shown.impersonatedUser?.username;
  const code = shown.responseStatus?.code;
  const namespace = shown.objectRef?.namespace;
  const object = objectOf(shown);
  return {
    id,
    detection: namedIn(detection),
    time: shown.requestReceivedTimestamp ?? shown.stageTimestamp ?? "",
    ...(actor !== undefined && { actor }),
    ...(impersonated !== undefined && { impersonated }),
    summary: summarise(shown),
    outcome: requestOutcome(shown),
    ...(code !== undefined && { code }),
    ...(namespace !== undefined && { namespace }),
    ...(object !== undefined && { object }),
    auditIDs: [shown.auditID],
    events: [shown],
  };
}

function requestOutcome(event: AuditEvent): RequestOutcome {
  const code = event.responseStatus?.code;
  if (typeof code !== "number") {
    return "unknown";
  }
  if (code >= 400) {
    return code === 401 || code === 403 ? "denied" : "failure";
  }
  return isTrial(event) ? "trial" : "success";
}

/** What a finding says of its detection. */
export function namedIn({ id, title, severity, techniques }: Detection): Finding["detection"] {
  return { id, title, level: severity, techniques };
}
