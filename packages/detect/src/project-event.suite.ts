import { isLevelBelow } from "@auditsieve/audit";
import type { AuditEvent, Level, Stage } from "@auditsieve/audit";

/** The event as the apiserver would have written it at a lower level and an earlier stage: only ever less. */
export function projectEvent(event: AuditEvent, level: Exclude<Level, "None">, stage: Stage): AuditEvent {
  const { requestObject, responseObject, responseStatus, annotations, impersonatedUser, objectRef, ...head } = event;
  const lowest = isLevelBelow(level, event.level) ? level : event.level;
  const isEarly = stage === "RequestReceived";
  const isOver = stage === "ResponseComplete" || stage === "Panic";
  const keepsRequest = isOver && !isLevelBelow(lowest, "Request") && requestObject !== undefined;
  const keepsResponse = isOver && !isLevelBelow(lowest, "RequestResponse") && responseObject !== undefined;
  // A create takes its name from the body, which is read after RequestReceived.
  const { name, ...unnamed } = objectRef ?? {};
  const ref =
    event.verb === "create" && !isOver && name !== undefined && !event.requestURI.includes(name) ? unnamed : objectRef;
  return {
    ...head,
    level: lowest,
    stage,
    ...(ref && { objectRef: ref }),
    ...(!isEarly && impersonatedUser && { impersonatedUser }),
    ...(!isEarly && responseStatus && { responseStatus }),
    ...(!isEarly && annotations && { annotations }),
    ...(keepsRequest && { requestObject }),
    ...(keepsResponse && { responseObject }),
  };
}

/** The event as a provider's record that tells of its user the name alone. */
export function withNameAlone(event: AuditEvent): AuditEvent {
  const { username } = event.user;
  return { ...event, user: username === undefined ? {} : { username } };
}
