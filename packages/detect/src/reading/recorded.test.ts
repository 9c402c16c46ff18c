import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import { describe, expect, it } from "vitest";
import { fieldPath } from "../condition/field-path.ts";
import { eventReader } from "../plan/field-readers.ts";

const CREATE: AuditEvent = {
  level: "RequestResponse",
  auditID: "a",
  stage: "ResponseComplete",
  requestURI: "/",
  verb: "create",
  user: {},
  objectRef: { resource: "pods" },
  responseStatus: { code: 201 },
};
const on = (verb: string, subresource?: string): AuditEvent => ({
  ...CREATE,
  verb,
  objectRef: { resource: "pods", ...(subresource !== undefined && { subresource }) },
});
const early = (event: AuditEvent): AuditEvent => {
  const { responseStatus: _status, ...rest } = event;
  return { ...rest, stage: "RequestReceived" };
};
const refused = (event: AuditEvent, code: number, annotations: Readonly<Record<string, string>> = {}): AuditEvent => ({
  ...event,
  responseStatus: { code },
  annotations,
});
const bodies = (event: AuditEvent, requestObject: JsonValue, responseObject: JsonValue): AuditEvent => ({
  ...event,
  requestObject,
  responseObject,
});

const cases: readonly (readonly [why: string, event: AuditEvent, field: string, expected: "absent" | "unknown"])[] = [
  ["a body that is there and has no such field", bodies(CREATE, {}, {}), "requestObject.x", "absent"],
  ["an answer that is there and has no such field", bodies(CREATE, {}, {}), "responseObject.x", "absent"],
  ["a body below its level", { ...CREATE, level: "Metadata" }, "requestObject.x", "unknown"],
  ["an answer below its level", { ...CREATE, level: "Request", requestObject: {} }, "responseObject.x", "unknown"],
  ["a body at RequestReceived", early(CREATE), "requestObject.x", "unknown"],
  ["an answer at RequestReceived", early(on("get")), "responseObject.x", "unknown"],
  ["a get has no request body", on("get"), "requestObject.x", "absent"],
  ["a get has none at RequestReceived either", early(on("get")), "requestObject.x", "absent"],
  ["a list has no request body at Metadata", { ...on("list"), level: "Metadata" }, "requestObject.x", "absent"],
  ["a watch has no request body", on("watch"), "requestObject.x", "absent"],
  ["a watch has no answer", { ...on("watch"), level: "Metadata" }, "responseObject.x", "absent"],
  ["exec has no request body, even as create", on("create", "exec"), "requestObject.x", "absent"],
  ["exec has no answer", on("create", "exec"), "responseObject.x", "absent"],
  ["port-forward has no answer", on("get", "portforward"), "responseObject.x", "absent"],
  ["proxy has no bodies", on("update", "proxy"), "requestObject.x", "absent"],
  ["a log is a stream", on("get", "log"), "responseObject.x", "absent"],
  ["a path has no bodies", { ...CREATE, verb: "get", objectRef: {} }, "responseObject.x", "absent"],
  [
    "a refused create",
    refused(CREATE, 403, { "authorization.k8s.io/decision": "forbid" }),
    "requestObject.x",
    "unknown",
  ],
  ["a refused impersonation", refused(CREATE, 403), "requestObject.x", "unknown"],
  [
    "refused by admission, which read the body",
    bodies(refused(CREATE, 403, { "authorization.k8s.io/decision": "allow" }), {}, {}),
    "requestObject.x",
    "absent",
  ],
  ["no valid credentials", refused(CREATE, 401), "requestObject.x", "unknown"],
  ["a malformed body", refused(CREATE, 400), "requestObject.x", "unknown"],
  ["a truncated event", refused(CREATE, 201, { "audit.k8s.io/truncated": "true" }), "requestObject.x", "unknown"],
  ["a write through an aggregated API", refused(on("update"), 200), "requestObject.x", "unknown"],
  ["a delete without options", refused(on("delete"), 200), "requestObject.x", "absent"],
  ["a delete below the level", { ...refused(on("delete"), 200), level: "Metadata" }, "requestObject.x", "unknown"],
  [
    "a truncated delete",
    refused(on("delete"), 200, { "audit.k8s.io/truncated": "true" }),
    "requestObject.x",
    "unknown",
  ],
  ["a refused delete", refused(on("deletecollection"), 403), "requestObject.x", "unknown"],
  ["a code at RequestReceived", early(CREATE), "responseStatus.code", "unknown"],
  ["an annotation at RequestReceived", early(CREATE), "annotations.authorization.k8s.io/decision", "unknown"],
  ["an annotation later", CREATE, "annotations.authorization.k8s.io/decision", "absent"],
  ["impersonation at RequestReceived", early(CREATE), "impersonatedUser.username", "unknown"],
  ["impersonation later", CREATE, "impersonatedUser.username", "absent"],
  ["the name of what is being created", early(CREATE), "objectRef.name", "unknown"],
  ["the name of what was not created", refused(CREATE, 403), "objectRef.name", "unknown"],
  ["a generated name", CREATE, "objectRef.name", "absent"],
  ["the name of a list", early(on("list")), "objectRef.name", "absent"],
  ["the namespace of a cluster-wide list", early(on("list")), "objectRef.namespace", "absent"],
  [
    "the namespace that is being created",
    early({ ...CREATE, objectRef: { resource: "namespaces" } }),
    "objectRef.namespace",
    "unknown",
  ],
  ["a user after a failed login", refused(CREATE, 401), "user.username", "absent"],
  ["groups after a failed login", refused(CREATE, 401), "user.groups", "absent"],
  ["groups of a converted event", { ...CREATE, user: { username: "jane" } }, "user.groups", "unknown"],
  ["a uid of a converted event", { ...CREATE, user: { username: "jane" } }, "user.uid", "unknown"],
  [
    "a credential of a converted event",
    { ...CREATE, user: { username: "jane" } },
    "user.extra.authentication.kubernetes.io/credential-id",
    "unknown",
  ],
  [
    "a credential that the apiserver knows no id of",
    { ...CREATE, user: { username: "jane", groups: ["system:authenticated"] } },
    "user.extra.authentication.kubernetes.io/credential-id",
    "absent",
  ],
  ["what a converted event lacks", { ...CREATE, level: undefined } as unknown as AuditEvent, "level", "unknown"],
];

describe("a field that is not in the event", () => {
  it.each(cases)("%s", (_why, event, field, expected) => {
    const reading = eventReader(event).read(fieldPath(field));
    expect(reading ? "absent" : "unknown").toBe(expected);
    expect(reading?.present ?? false).toBe(false);
  });
});
