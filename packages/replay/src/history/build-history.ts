import { isJsonObject, own } from "@auditsieve/audit";
import type { AuditEvent, JsonObject } from "@auditsieve/audit";
import type { EventsByPlace } from "../facts/read-events.ts";
import { diffBodies, jsonText, withoutBookkeeping } from "./diff-bodies.ts";
import type { Change } from "./diff-bodies.ts";
import type { ObjectRevisions, Revision } from "../facts/revisions.ts";

/** An object's life: each write with who did it, and what it changed where the log holds the bodies. */
export interface ObjectHistory {
  readonly object: ObjectRevisions;
  readonly revisions: readonly DatedChange[];
}

/** One revision of an object. */
export interface DatedChange {
  readonly revision: Revision;
  readonly changes: readonly Change[];
  /** Why there is no comparison, or what it compares; empty where the changes say all. */
  readonly note: string;
}

/**
 * Compares each revision of an object with the one before. `events` are redacted: a changed secret shows as one hash
 * becoming another.
 */
export function buildHistory(object: ObjectRevisions, events: EventsByPlace): ObjectHistory {
  let last: JsonObject | undefined;
  const revisions = object.revisions.map((revision): DatedChange => {
    const event = events.get(revision.place);
    if (event === undefined) {
      return { revision, changes: [], note: "The event was left out of the report; the log holds it" };
    }
    if (revision.verb === "delete" || revision.verb === "deletecollection") {
      last = undefined;
      return { revision, changes: [], note: "Deleted" };
    }
    const asked = objectBody(event.requestObject);
    const answer = objectBody(event.responseObject);
    const whole = answer ?? (revision.verb === "patch" ? undefined : asked);
    if (whole === undefined) {
      return withoutBody(revision, event);
    }
    if (last !== undefined && own(last, "kind") !== own(whole, "kind")) {
      // A subresource answers with an object of its own: a Scale says nothing of the Deployment's other fields.
      return {
        revision,
        changes: diffBodies({}, withoutBookkeeping(asked ?? whole)),
        note: `Body of ${revision.subresource}`,
      };
    }
    const before = last;
    last = whole;
    if (before === undefined) {
      const note =
        revision.verb === "create" ? "Created" : "The first body that the log holds: what changed is not known";
      return { revision, changes: diffBodies({}, withoutBookkeeping(whole)), note };
    }
    const changes = diffBodies(before, whole);
    return { revision, changes, note: changes.length === 0 ? "Nothing but status and bookkeeping changed" : "" };
  });
  return { object, revisions };
}

function withoutBody(revision: Revision, event: AuditEvent): DatedChange {
  if (event.requestObject !== undefined && event.requestObject !== null) {
    const patch = jsonText(event.requestObject);
    return {
      revision,
      changes: [{ path: "(patch as it was sent)", after: patch.slice(0, 4_000) }],
      note: "The log holds the patch, not what came of it",
    };
  }
  const isTruncated = event.annotations?.["audit.k8s.io/truncated"] === "true";
  const note = isTruncated
    ? "The apiserver cut the bodies off: the event was too large"
    : `No bodies at level ${event.level}: what changed is not known`;
  return { revision, changes: [], note };
}

function objectBody(value: AuditEvent["requestObject"]): JsonObject | undefined {
  return isJsonObject(value) && own(value, "kind") !== "Status" && own(value, "kind") !== undefined ? value : undefined;
}
