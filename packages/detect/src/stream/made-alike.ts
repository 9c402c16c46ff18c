import type { AuditEvent, KeyEndings } from "@auditsieve/audit";
import { isSuccess } from "../memory/body.ts";
import { asksTrial, headOf, lacksKeys } from "../reading/event-parts.ts";
import { isOnlyFed } from "./judge.ts";
import type { Asked } from "./judge.ts";

/**
 * What is known of events of which the same is asked: each makes a pod, and the memory learns of that and nothing else comes of it, if its body has no key that
 * ends in one of these. Null where another kind of request is asked about.
 */
export type MadeAlike = KeyEndings | null;

/** Found by an event that has just been judged; undefined where that says nothing. */
export function madeAlike({ left, judged }: Asked, event: AuditEvent): MadeAlike | undefined {
  if (left === undefined || judged === undefined || !isOnlyFed(judged)) {
    return undefined;
  }
  const head = headOf(event);
  const isMade =
    head.get("objectRef.resource") === "pods" &&
    head.get("verb") === "create" &&
    head.get("objectRef.subresource") === undefined &&
    typeof head.get("objectRef.namespace") === "string" &&
    isSuccess(head);
  return isMade ? left.keysWhereAbsent(judged.evaluated.ofBody) : null;
}

/** Whether the event is one of those, and no trial. False says nothing. */
export function isMadeAlike(alike: MadeAlike | undefined, event: AuditEvent): boolean {
  return alike !== undefined && alike !== null && lacksKeys(event, "requestObject", alike) && !asksTrial(event);
}
