import { hashOfID, hashOfObject, microseconds, timeOf } from "@auditsieve/audit";
import type { AuditEvent, JsonObject } from "@auditsieve/audit";
import { findPaths } from "../reading/event-parts.ts";
import type { ToldEvent } from "./pod-change.ts";

const NOON = Date.parse("2026-11-24T12:00:00Z");

/** An event of a finished request `seconds` after noon; `over` says what is special about it. */
export function eventAt(seconds: number, over: Partial<AuditEvent>): AuditEvent {
  const time = new Date(NOON + seconds * 1000).toISOString().replace("Z", "000Z");
  return {
    level: "RequestResponse",
    auditID: `a-${seconds}`,
    stage: "ResponseComplete",
    requestURI: "/",
    verb: "get",
    user: { username: "eve", groups: ["dev", "system:authenticated"] },
    sourceIPs: ["10.0.0.9"],
    responseStatus: { code: 200 },
    requestReceivedTimestamp: time,
    stageTimestamp: time,
    ...over,
  };
}

/** A pod of namespace `shop` is created with this spec. */
export function podCreated(seconds: number, name: string, spec: JsonObject): AuditEvent {
  return eventAt(seconds, {
    verb: "create",
    requestURI: "/api/v1/namespaces/shop/pods",
    objectRef: { resource: "pods", namespace: "shop", name },
    responseStatus: { code: 201 },
    requestObject: {
      metadata: { name },
      spec: { containers: [{ name: "c" }], ...spec },
    },
    responseObject: {
      metadata: { name, uid: `uid-${name}` },
      spec: { containers: [{ name: "c" }], ...spec },
    },
  });
}

/** Somebody gets into a pod of namespace `shop`. */
export function podExec(seconds: number, pod = "web"): AuditEvent {
  return eventAt(seconds, {
    stage: "ResponseStarted",
    responseStatus: { code: 101 },
    objectRef: { resource: "pods", subresource: "exec", namespace: "shop", name: pod },
  });
}

/** A request made with the credential `id`. */
export function madeWith(
  id: string,
  username: string,
  extra: Readonly<Record<string, readonly string[]>> = {},
): AuditEvent["user"] {
  return {
    username,
    groups: ["system:authenticated"],
    extra: { "authentication.kubernetes.io/credential-id": [id], ...extra },
  };
}

/** What of an event is told of a change of a pod. */
export function toldOf(event: AuditEvent): ToldEvent {
  const object = `${event.objectRef?.namespace}/${event.objectRef?.name}`;
  return {
    auditID: event.auditID,
    idHash: hashOfID(event.auditID),
    time: timeOf(event),
    micros: microseconds(event.stageTimestamp),
    object,
    objectHash: hashOfObject(event.objectRef?.namespace ?? "", event.objectRef?.name ?? ""),
    isObject: (text) => text === object,
    find: (paths) => findPaths(event, "requestObject", paths),
  };
}
