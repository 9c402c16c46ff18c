import type { ObjectRevisions } from "../facts/revisions.ts";
import type { RbacChange } from "./rbac-at.ts";
import { kindOfResource, readRbacObject, ruleText, subjectText } from "../rbac/rbac-object.ts";
import type { RbacKind } from "../rbac/rbac-object.ts";
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
    .flatMap(({ key, resource, revisions }) =>
      revisions.map(({ verb, time, session, place }): RbacChange => {
        const event = events.get(place);
        const bodies = [event?.responseObject, verb === "patch" ? undefined : event?.requestObject];
        const body = bodies.map((each) => readRbacObject(kindOf(resource), each)).find((each) => each !== undefined);
        const index = eventIndex(place);
        return {
          time,
          verb,
          key,
          actor: session.identity.name,
          role: body === undefined || body.role.kind === "" ? "" : `${body.role.kind} ${body.role.name}`,
          subjects: body?.subjects.map(subjectText) ?? [],
          rules: body?.rules.map(ruleText) ?? [],
          hasBody: body !== undefined,
          ...(index === undefined ? {} : { event: index }),
        };
      }),
    )
    .toSorted((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
}

function kindOf(resource: string): RbacKind {
  return kindOfResource(resource.replace(/\..*$/s, "")) ?? "Role";
}
