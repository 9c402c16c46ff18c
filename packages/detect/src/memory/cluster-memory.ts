import { isDryRun } from "@auditsieve/audit";
import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import type { Reading } from "../condition/field-path.ts";
import { finite, objectParts, onePart } from "../json-parts.ts";
import { asksTrial, headOf, timeOfEvent } from "../reading/event-parts.ts";
import type { HeadView } from "../reading/head-view.ts";
import { isSuccess } from "./body.ts";
import { CredentialLedger } from "./credential-ledger.ts";
import { BINDINGS, GrantMemory } from "./grant-memory.ts";
import { Lookups } from "./grounds.ts";
import type { Ground, Grounds, Remembered } from "./grounds.ts";
import type { PodChange, ToldEvent } from "./pod-change.ts";
import { PodMemory } from "./pod-memory.ts";
import type { MapWatch } from "./recent-map.ts";
import { readCredential, readGrant, readPod, readRequested, readSubjects } from "./remembered-readings.ts";
import { MEMORY_ROOT } from "../condition/remembered-fields.ts";
import type { RememberedName } from "../condition/remembered-fields.ts";
import { MEMORY_VERSION } from "../snapshot-shape.ts";

/** Bounds of a {@link ClusterMemory}; each half of a map holds as many. */
export interface ClusterMemoryOptions {
  /** Default 20,000. */
  readonly maxPods?: number;
  /** Default 5,000. */
  readonly maxGrants?: number;
  /** Default 20,000. */
  readonly maxCredentials?: number;
}

const DELETIONS: ReadonlySet<JsonValue | undefined> = new Set(["delete", "deletecollection"]);

/** What earlier events of a log said, by which detections judge later ones: pods, grants, credentials. */
export class ClusterMemory {
  readonly pods: PodMemory;
  readonly grants: GrantMemory;
  readonly credentials: CredentialLedger;
  readonly #advanced: (() => void)[] = [];
  readonly #lookups: Lookups;

  constructor(options: ClusterMemoryOptions = {}) {
    this.pods = new PodMemory(options.maxPods ?? 20_000);
    this.grants = new GrantMemory(options.maxGrants ?? 5000);
    this.credentials = new CredentialLedger(options.maxCredentials ?? 20_000);
    this.#lookups = new Lookups(this.pods, this.grants, this.credentials);
  }

  get evicted(): number {
    return this.pods.evicted + this.grants.evicted + this.credentials.evicted;
  }

  /** Has told what changes: `of` says by whom for each kind of grounds; and that time may have passed on. */
  watch(of: (kind: Remembered) => MapWatch, advanced: () => void): void {
    this.pods.watch(of("pod"));
    this.credentials.watch(of("credential"), of("use"), of("node"));
    this.grants.watch(of("grant"), of("subject"));
    this.#advanced.push(advanced);
  }

  /** Until which time these grounds stand if nothing is learned meanwhile; in ms. */
  until(grounds: Grounds): number {
    const recent = grounds.flatMap((ground) => (ground.of === "recent" ? [ground.names] : []));
    return Math.min(
      Number.POSITIVE_INFINITY,
      ...recent.map((names) => this.grants.mayUseUntil(names, this.#lookups.now)),
    );
  }

  /** The time that it was last told; in ms. */
  get now(): number {
    return this.#lookups.now;
  }

  /** Learns from an event what later ones will be judged by. `isUseKnown`: the ledger has been told of the event's own credential. */
  observe(event: AuditEvent, isUseKnown = false): void {
    const head = headOf(event);
    this.advance(timeOfEvent(event));
    this.credentials.observe(event, isUseKnown);
    if (!isSuccess(head)) {
      return;
    }
    const resource = head.get("objectRef.resource");
    if (resource === "pods") {
      // Of most events no body need be parsed.
      if (DELETIONS.has(head.get("verb")) ? isCertain(event) : !asksTrial(event)) {
        this.pods.observe(event);
      }
    } else if (BINDINGS.has(resource) && isCertain(event)) {
      this.grants.observe(event, this.#lookups.now);
    }
  }

  /** The same for an event of which no more is needed; the ledger has been told of its credential. */
  tell(change: PodChange, told: ToldEvent, time: number): void {
    this.advance(time);
    this.pods.tell(change, told, time);
  }

  /** Tells the time of an event in ms. */
  advance(time: number): void {
    if (time > this.#lookups.now) {
      this.#lookups.now = time;
      this.#advanced.forEach((advanced) => advanced());
    }
  }

  /** Notes what `ask` looks up: its answers about the same head stay the same while all of that does. */
  grounds(ask: () => void): Grounds {
    const outer = this.#lookups.noted;
    const grounds: Ground[] = [];
    this.#lookups.noted = grounds;
    try {
      ask();
    } finally {
      this.#lookups.noted = outer;
      outer?.push(...grounds);
    }
    return grounds;
  }

  /** Whether everything that an answer rests on is as it was. */
  stands(grounds: Grounds): boolean {
    for (const ground of grounds) {
      if (!this.#lookups.isAsItWas(ground)) {
        return false;
      }
    }
    this.#lookups.noted?.push(...grounds);
    return true;
  }

  /**
   * A field under `auditsieve.`; undefined is unknown. Without the event only what its head decides is known, and that
   * never changes once the event is there.
   */
  read(field: string, head: HeadView, event?: AuditEvent): Reading | undefined {
    if (head.get("stage") === "RequestReceived") {
      return undefined;
    }
    const name = field.slice(MEMORY_ROOT.length + 1) as RememberedName;
    if (name.startsWith("credential.")) {
      return readCredential(name, head, event, this.#lookups);
    }
    if (name.startsWith("pod.")) {
      return readPod(name, head, event, this.#lookups);
    }
    if (name.startsWith("csr.")) {
      return readRequested(name, head, event);
    }
    return name.startsWith("grant.") ? readGrant(name, head, event, this.#lookups) : readSubjects(name, head, event);
  }

  /** For {@link ClusterMemory.restore}: as text, in parts. */
  snapshot(): Iterable<string> {
    return objectParts({
      version: () => onePart(MEMORY_VERSION),
      now: () => onePart(finite(this.#lookups.now)),
      pods: () => this.pods.snapshot(),
      grants: () => this.grants.snapshot(),
      credentials: () => this.credentials.snapshot(),
    });
  }

  /** Takes a snapshot's place; false when it is of a version that is not known. */
  restore(snapshot: unknown): boolean {
    const { version, now, pods, grants, credentials } = (snapshot ?? {}) as Readonly<Record<string, unknown>>;
    if (version !== MEMORY_VERSION) {
      return false;
    }
    this.#lookups.now = typeof now === "number" ? now : Number.NEGATIVE_INFINITY;
    this.pods.restore(pods);
    this.grants.restore(grants);
    this.credentials.restore(credentials);
    return true;
  }
}

/** Whether it certainly was no trial: what may still stand is remembered. */
function isCertain(event: AuditEvent): boolean {
  return isDryRun(event) === false;
}
