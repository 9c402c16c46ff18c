import { hash } from "node:crypto";
import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import type { CorrelationType } from "./definition/correlation.ts";
import type { Detection, Severity } from "./definition/detection.ts";
import { headOf, isReceivedAt, isRequestURI } from "./reading/event-parts.ts";
import type { ShownEvent } from "./shown-event.ts";
import type { EventFacts } from "./summary.ts";

/**
 * One occurrence of a detection: the document that replay prints, a line each, and that ingest stores. Texts other
 * than `summary` are as the log has them: a printer neutralises them. As text it is {@link findingJson}.
 */
export interface Finding extends EventFacts {
  /** The same for the same request and detection, whenever and wherever it is found. */
  readonly id: string;
  readonly detection: {
    readonly id: string;
    readonly title: string;
    /** Sigma's word for the severity. */
    readonly level: Severity;
    readonly techniques: readonly string[];
  };
  /** Of a correlation: what was counted in which group. `events` are then a bounded choice of them. */
  readonly correlation?: {
    readonly type: CorrelationType;
    readonly group: Readonly<Record<string, string>>;
    readonly count: number;
    readonly value: number;
  };
  readonly auditIDs: readonly string[];
  /** Parsed when first asked for, where only their JSON is at hand. */
  readonly events: readonly AuditEvent[];
}

/** What is written of a finding: all but its events, and those. */
interface WrittenFinding {
  readonly head: Omit<Finding, "events">;
  readonly shown: readonly ShownEvent[];
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

/** The finding that a detection makes of this request; with this summary, or with that of the event. */
export function findingOfRequest(
  detection: Detection,
  request: string,
  shown: ShownEvent,
  summary: string = shown.facts.summary,
): Finding {
  const head = { id: digest(detection.id, request), detection: namedIn(detection), ...shown.facts, summary };
  return withEvents({ ...head, auditIDs: [shown.auditID] }, [shown]);
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

/** Writes the finding; `id` is made from the original event. */
export function writeFinding(detection: Detection, id: string, shown: ShownEvent): Finding {
  const head = { id, detection: namedIn(detection), ...shown.facts, auditIDs: [shown.auditID] };
  return withEvents(head, [shown]);
}

/** The finding of which that is all but its events. */
export function withEvents(head: WrittenFinding["head"], shown: readonly ShownEvent[]): Finding {
  const finding = Object.defineProperty({ ...head }, "events", LATE_EVENTS) as Finding;
  written.set(finding, { head, shown });
  return finding;
}

/** By the finding itself: a copy with something else in it is another one. */
const written = new WeakMap<Finding, WrittenFinding | string>();

/** One for all: V8 takes long to make an object with functions of its own. */
const LATE_EVENTS: PropertyDescriptor & ThisType<Finding> = {
  enumerable: true,
  get() {
    const { shown } = written.get(this) as WrittenFinding;
    return shown.map(({ event }) => event);
  },
};

/**
 * The finding as JSON in one line. Of events it has what was written when they were shown, and neither parses them nor writes them anew: bodies
 * may be nested so deeply that `JSON.stringify` gives up, and whoever sends a patch chooses its body.
 *
 * @example
 * const { detections } = loadDetections(`
 * title: Nodes deleted
 * id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10
 * level: medium
 * logsource: { product: kubernetes, service: audit }
 * detection: { selection: { verb: delete, objectRef.resource: nodes }, condition: selection }
 * `, "nodes-deleted.yml");
 * const [finding] = new FindingStream(new DetectionEngine(detections)).push({ level: "Metadata", auditID: "a", stage: "ResponseComplete",
 *   requestURI: "/api/v1/nodes/n", verb: "delete", user: { username: "eve" }, objectRef: { resource: "nodes", name: "n" } });
 * assert.match(findingJson(finding), /"summary":"eve: delete node n \(delete\)".*"events":\[\{"level":"Metadata"/);
 */
export function findingJson(finding: Finding): string {
  return findingPieces(finding).join("");
}

/** The same in pieces, one behind another, for who writes them: as one text they would be copied first. */
export function findingPieces(finding: Finding): readonly string[] {
  const known = written.get(finding);
  if (typeof known !== "object") {
    return [known ?? JSON.stringify(finding)];
  }
  const { head, shown } = known;
  const events = shown.flatMap(({ json }, i) => (i === 0 ? [json] : [",", json]));
  return [JSON.stringify(head).slice(0, -1), ',"events":[', ...events, "]}"];
}

/** The finding that {@link findingJson} has written. */
export function findingOfJson(json: string): Finding {
  const finding = JSON.parse(json) as Finding;
  written.set(finding, json);
  return finding;
}

/** What a finding says of its detection. */
export function namedIn({ id, title, severity, techniques }: Detection): Finding["detection"] {
  return { id, title, level: severity, techniques };
}
