import { isJsonObject, own } from "@auditsieve/audit";
import type { JsonObject, JsonValue } from "@auditsieve/audit";
import type { ObjectRevisions } from "../facts/revisions.ts";
import type { RbacChange } from "./rbac-at.ts";
import type { EventsByPlace, Place } from "../facts/read-events.ts";

/** Whether a resource is a role or a binding. */
export function isRbac(resource: string): boolean {
  return resource.endsWith(".rbac.authorization.k8s.io");
}

/** The changes to roles and bindings in order of time, for {@link rbacAt}. */
export function rbacChanges(
  objects: readonly ObjectRevisions[],
  events: EventsByPlace,
  eventIndex: (place: Place) => number | undefined,
): readonly RbacChange[] {
  return objects
    .flatMap(({ key, revisions }) =>
      revisions.map(({ verb, time, session, place }): RbacChange => {
        const event = events.get(place);
        const body = [event?.responseObject, verb === "patch" ? undefined : event?.requestObject].find(isRbacBody);
        const index = eventIndex(place);
        return {
          time,
          verb,
          key,
          actor: session.identity.name,
          role: body === undefined ? "" : roleOf(body),
          subjects: body === undefined ? [] : listOf(body, "subjects").map(subjectText),
          rules: body === undefined ? [] : listOf(body, "rules").map(ruleText),
          hasBody: body !== undefined,
          ...(index === undefined ? {} : { event: index }),
        };
      }),
    )
    .toSorted((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
}

function isRbacBody(value: JsonValue | undefined): value is JsonObject {
  return isJsonObject(value) && (own(value, "rules") !== undefined || own(value, "roleRef") !== undefined);
}

function roleOf(binding: JsonObject): string {
  const ref = own(binding, "roleRef");
  return isJsonObject(ref) ? `${text(ref, "kind")} ${text(ref, "name")}` : "";
}

function subjectText(subject: JsonObject): string {
  const namespace = text(subject, "namespace");
  return `${text(subject, "kind")} ${namespace === "" ? "" : `${namespace}/`}${text(subject, "name")}`;
}

function ruleText(rule: JsonObject): string {
  const names = words(rule, "resourceNames");
  const groups = words(rule, "apiGroups").filter((group) => group !== "");
  const on = [...words(rule, "resources"), ...words(rule, "nonResourceURLs")].join(", ");
  return `${words(rule, "verbs").join(", ")}: ${on}${groups.length > 0 ? ` of ${groups.join(", ")}` : ""}${
    names.length > 0 ? ` named ${names.join(", ")}` : ""
  }`;
}

function listOf(object: JsonObject, key: string): readonly JsonObject[] {
  const value = own(object, key);
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function words(object: JsonObject, key: string): readonly string[] {
  const value = own(object, key);
  return Array.isArray(value) ? value.filter((word) => typeof word === "string") : [];
}

function text(object: JsonObject, key: string): string {
  const value = own(object, key);
  return typeof value === "string" ? value : "";
}
