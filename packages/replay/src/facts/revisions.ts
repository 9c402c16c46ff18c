import type { Level } from "@auditsieve/audit";
import { objectKey } from "./made-object.ts";
import type { Place } from "./read-events.ts";
import type { Session } from "./sessions.ts";

/** One write to an object that succeeded. */
export interface Revision {
  readonly verb: string;
  /** `scale`, `approval`; empty for the object itself. */
  readonly subresource: string;
  readonly session: Session;
  readonly time: string;
  readonly place: Place;
  /** What the event holds: at Metadata there is no body to compare. */
  readonly level: Level;
}

/** An object's writes in the order of the log. */
export interface ObjectRevisions {
  readonly key: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly revisions: Revision[];
  /** Revisions between the first and the last kept ones that were let go. */
  omitted: number;
}

/** What {@link RevisionTable.restore} goes on from. */
export interface RevisionsSnapshot {
  readonly objects: Map<string, ObjectRevisions>;
  readonly evicted: number;
}

const MOST_OBJECTS = 100_000;
/** Of the names of all objects. */
const MOST_LETTERS = 24 * 1024 * 1024;
const MOST_REVISIONS = 60;
/** Of all objects together; then each keeps its first ones and its last. */
const MOST_KEPT = 300_000;
const FIRST_KEPT = 20;
/** Status is written by control loops and tells no intent; events and leases are no one's objects. */
const NOT_KEPT: ReadonlySet<string> = new Set([
  "status",
  "binding",
  "token",
  "exec",
  "attach",
  "portforward",
  "proxy",
  "eviction",
]);
const NO_OBJECTS: ReadonlySet<string> = new Set(["events", "leases", "endpoints", "endpointslices"]);

/** Whether a write to `pods` and the like, or to what is below it, is a revision of an object. */
export function isRevised(kind: string, subresource: string): boolean {
  return !NOT_KEPT.has(subresource) && !NO_OBJECTS.has(kind);
}

/** What is written to. */
export interface Written {
  /** `deployments`, without the group. */
  readonly kind: string;
  readonly group: string;
  readonly subresource: string;
  readonly namespace: string;
}

/** Every write to every object: who, when and where in the log; bodies are read again for the objects that matter. */
export class RevisionTable {
  #objects = new Map<string, ObjectRevisions>();
  #kept = 0;
  #letters = 0;
  /** Objects that there was no room for. */
  evicted = 0;

  /** Takes a write for which {@link isRevised}. */
  add(
    { kind, group, subresource, namespace }: Written,
    { verb, session, time, place, name, level }: Omit<Revision, "subresource"> & { readonly name: string },
  ): void {
    if (name === "") {
      return;
    }
    const resource = group === "" ? kind : `${kind}.${group}`;
    const key = objectKey(resource, namespace, name);
    let object = this.#objects.get(key);
    if (object === undefined) {
      if (this.#objects.size >= MOST_OBJECTS || this.#kept >= MOST_KEPT || this.#letters >= MOST_LETTERS) {
        this.evicted++;
        return;
      }
      object = { key, resource, namespace, name, revisions: [], omitted: 0 };
      this.#objects.set(key, object);
      this.#letters += key.length + name.length;
    }
    object.revisions.push({ verb, subresource, session, time, place, level });
    this.#kept++;
    const { length } = object.revisions;
    if (length > MOST_REVISIONS || (this.#kept > MOST_KEPT && length > 1)) {
      object.revisions.splice(Math.min(FIRST_KEPT, length - 2), 1);
      object.omitted++;
      this.#kept--;
    }
  }

  snapshot(): RevisionsSnapshot {
    return { objects: this.#objects, evicted: this.evicted };
  }

  restore({ objects, evicted }: RevisionsSnapshot): void {
    this.#objects = objects;
    this.#kept = [...objects.values()].reduce((sum, { revisions }) => sum + revisions.length, 0);
    this.#letters = [...objects.values()].reduce((sum, { key, name }) => sum + key.length + name.length, 0);
    this.evicted = evicted;
  }

  get(key: string): ObjectRevisions | undefined {
    return this.#objects.get(key);
  }

  objects(): readonly ObjectRevisions[] {
    return [...this.#objects.values()];
  }
}
