import { isLevelBelow, stripLine } from "@auditsieve/audit";
import type { EventScan, Level, RequestAttributes } from "@auditsieve/audit";
import type { Decision } from "../evaluate.ts";

/** A body of an audit event. */
export type Body = "requestObject" | "responseObject";

/** What a policy would have written of an event that some log holds. */
export interface EventPrediction {
  /** Undefined: nothing. */
  readonly level: Level | undefined;
  /** Index of the rule that decides; null where none matches. */
  readonly rule: number | null;
  readonly omitManagedFields: boolean;
  /** Bodies that the policy may write and that the log was too low a level to hold: their size is unknown. */
  readonly unknownBodies: readonly Body[];
}

const STREAMS: ReadonlySet<string> = new Set(["attach", "exec", "log", "portforward", "proxy"]);
const WRITES: ReadonlySet<string> = new Set(["create", "update", "patch", "delete", "deletecollection"]);
const BODY_LEVELS = { requestObject: "Request", responseObject: "RequestResponse" } as const;
const BODIES = ["requestObject", "responseObject"] as const;

/** Predicts from the decision on the request; the event's own level and stage say what of it the log can show. */
export function predictEvent(scan: EventScan, decision: Decision, request: RequestAttributes): EventPrediction {
  const { level, rule, omitManagedFields, omitStages } = decision;
  if (level === "None" || omitStages.includes(scan.stage)) {
    return { level: undefined, rule, omitManagedFields, unknownBodies: [] };
  }
  const isOver = scan.stage === "ResponseComplete" || scan.stage === "Panic";
  const unknownBodies = BODIES.filter((body) => {
    const wanted = BODY_LEVELS[body];
    return isOver && isLevelBelow(scan.level, wanted) && !isLevelBelow(level, wanted) && canCarry(body, request);
  });
  return { level, rule, omitManagedFields, unknownBodies };
}

/**
 * Whether a request can have the body at all: reads have none in the request, watches and streams none in the answer.
 *
 * @see https://github.com/kubernetes/apiserver/blob/master/pkg/audit/request.go
 */
function canCarry(body: Body, { isResourceRequest, subresource, verb }: RequestAttributes): boolean {
  const isStream = STREAMS.has(subresource);
  return body === "requestObject" ? isResourceRequest && WRITES.has(verb) && !isStream : !isStream && verb !== "watch";
}

/** Bytes of the line (without a newline) that the policy would write; of bodies that the log lacks nothing is counted. */
export function predictedBytes(scan: EventScan, prediction: EventPrediction): number {
  const { level, omitManagedFields } = prediction;
  if (level === undefined) {
    return 0;
  }
  const bytes = scan.end - scan.start;
  const isLower = isLevelBelow(level, scan.level);
  const hasBody = scan.has("requestObject") || scan.has("responseObject");
  if (!hasBody || (!isLower && !omitManagedFields)) {
    // Only the word itself changes: `"level":"Metadata"`.
    return bytes + level.length - scan.level.length;
  }
  const stripped = stripLine(scan, { level, omitManagedFields }).length;
  return isLower ? stripped : stripped + level.length - scan.level.length;
}

/** Bodies that stand in the event as the policy would write it. */
export function predictedBodies(scan: EventScan, { level }: EventPrediction): readonly Body[] {
  return level === undefined ? [] : BODIES.filter((body) => scan.has(body) && !isLevelBelow(level, BODY_LEVELS[body]));
}
