import { isDryRun } from "@auditsieve/audit";
import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import { ABSENT } from "../condition/field-path.ts";
import type { Reading } from "../condition/field-path.ts";
import { objectParts, onePart } from "../json-parts.ts";
import { asksTrial, headOf, isMissing, timeOfEvent } from "../reading/event-parts.ts";
import type { HeadView } from "../reading/head-view.ts";
import { isHeadUnknown } from "../reading/recorded.ts";
import { at, isSuccess } from "./body.ts";
import { readSubject } from "./certificate-request.ts";
import { CredentialLedger } from "./credential-ledger.ts";
import type { Credential } from "./credential-ledger.ts";
import { allowedBy, GrantMemory, RECENT_GRANT_MS, subjectsOf } from "./grant-memory.ts";
import type { Grant } from "./grant-memory.ts";
import type { Ground, Grounds, Remembered } from "./grounds.ts";
import { addressesOf, credentialId, lastAddress, namesOf, reasonOf } from "./head-reads.ts";
import type { PodChange, ToldEvent } from "./pod-change.ts";
import type { PodFacts } from "./pod-facts.ts";
import { PodMemory } from "./pod-memory.ts";
import type { MapWatch } from "./recent-map.ts";
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

const BINDINGS: ReadonlySet<JsonValue | undefined> = new Set(["rolebindings", "clusterrolebindings"]);
const DELETIONS: ReadonlySet<JsonValue | undefined> = new Set(["delete", "deletecollection"]);
const WRITES: ReadonlySet<JsonValue | undefined> = new Set(["create", "update", "patch"]);

/** What earlier events of a log said, by which detections judge later ones: pods, grants, credentials. */
export class ClusterMemory {
  readonly pods: PodMemory;
  readonly grants: GrantMemory;
  readonly credentials: CredentialLedger;
  /** Event time in ms. */
  #now = Number.NEGATIVE_INFINITY;
  readonly #advanced: (() => void)[] = [];
  /** Where what is looked up is noted. */
  #grounds: Ground[] | undefined;

  constructor(options: ClusterMemoryOptions = {}) {
    this.pods = new PodMemory(options.maxPods ?? 20_000);
    this.grants = new GrantMemory(options.maxGrants ?? 5000);
    this.credentials = new CredentialLedger(options.maxCredentials ?? 20_000);
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
    return Math.min(Number.POSITIVE_INFINITY, ...recent.map((names) => this.grants.mayUseUntil(names, this.#now)));
  }

  /** The time that it was last told; in ms. */
  get now(): number {
    return this.#now;
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
      this.grants.observe(event, this.#now);
    }
  }

  /** The same for an event of which no more is needed; the ledger has been told of its credential. */
  tell(change: PodChange, told: ToldEvent, time: number): void {
    this.advance(time);
    this.pods.tell(change, told, time);
  }

  /** Tells the time of an event in ms. */
  advance(time: number): void {
    if (time > this.#now) {
      this.#now = time;
      this.#advanced.forEach((advanced) => advanced());
    }
  }

  /** Notes what `ask` looks up: its answers about the same head stay the same while all of that does. */
  grounds(ask: () => void): Grounds {
    const outer = this.#grounds;
    const grounds: Ground[] = [];
    this.#grounds = grounds;
    try {
      ask();
    } finally {
      this.#grounds = outer;
      outer?.push(...grounds);
    }
    return grounds;
  }

  /** Whether everything that an answer rests on is as it was. */
  stands(grounds: Grounds): boolean {
    for (const ground of grounds) {
      if (!this.#isAsItWas(ground)) {
        return false;
      }
    }
    this.#grounds?.push(...grounds);
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
      return this.#readCredential(name, head, event);
    }
    if (name.startsWith("pod.")) {
      return this.#readPod(name, head, event);
    }
    if (name.startsWith("csr.")) {
      return readRequested(name, head, event);
    }
    return name.startsWith("grant.") ? this.#readGrant(name, head, event) : readSubjects(name, head, event);
  }

  /** For {@link ClusterMemory.restore}: as text, in parts. */
  snapshot(): Iterable<string> {
    return objectParts({
      version: () => onePart(MEMORY_VERSION),
      now: () => onePart(Number.isFinite(this.#now) ? this.#now : null),
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
    this.#now = typeof now === "number" ? now : Number.NEGATIVE_INFINITY;
    this.pods.restore(pods);
    this.grants.restore(grants);
    this.credentials.restore(credentials);
    return true;
  }

  #isAsItWas(ground: Ground): boolean {
    switch (ground.of) {
      case "pod":
        return this.pods.find(ground.namespace, ground.name) === ground.was;
      case "credential":
        return this.credentials.find(ground.id) === ground.was;
      case "node":
        return this.credentials.nodeAddresses(ground.name) === ground.was;
      case "grant":
        return this.grants.find(ground.binding) === ground.was;
      case "recent":
        return this.grants.mayUse(ground.names, this.#now) === ground.was;
      case "anything":
        return false;
      default: {
        const never: never = ground;
        return never;
      }
    }
  }

  #pod(namespace: string, name: string): PodFacts | undefined {
    const was = this.pods.find(namespace, name);
    this.#grounds?.push({ of: "pod", namespace, name, was });
    return was;
  }

  #credential(id: string): Credential | undefined {
    const was = this.credentials.find(id);
    this.#grounds?.push({ of: "credential", id, was });
    return was;
  }

  #grant(binding: string): Grant | undefined {
    const was = this.grants.find(binding);
    this.#grounds?.push({ of: "grant", binding, was });
    return was;
  }

  #mayUseRecent(names: readonly string[]): boolean {
    const was = this.grants.mayUse(names, this.#now);
    this.#grounds?.push({ of: "recent", names, was });
    return was;
  }

  #nodeAddresses(name: string): readonly string[] {
    const was = this.credentials.nodeAddresses(name);
    this.#grounds?.push({ of: "node", name, was });
    return was;
  }

  #lineage(id: string): readonly Credential[] {
    this.#grounds?.push({ of: "anything" });
    return this.credentials.lineage(id);
  }

  #readGrant(name: RememberedName, head: HeadView, event: AuditEvent | undefined): Reading | undefined {
    const isOld = name === "grant.ageSeconds" || name === "grant.by";
    if (isOld && areGroupsKnown(head) && !this.#mayUseRecent(namesOf(head))) {
      return ABSENT;
    }
    const allowed = allowedBy(reasonOf(head));
    if (!allowed) {
      return ABSENT;
    }
    if (!isOld) {
      return of(name === "grant.binding" ? allowed.binding : allowed.role);
    }
    const grant = this.#grant(allowed.binding);
    if (!event && grant) {
      return undefined;
    }
    const age = event && grant && timeOfEvent(event) - grant.at;
    if (age === undefined || Number.isNaN(age) || age > RECENT_GRANT_MS) {
      return ABSENT;
    }
    return name === "grant.by" ? of(grant?.by) : of(Math.max(0, Math.floor(age / 1000)));
  }

  #readPod(name: RememberedName, head: HeadView, event: AuditEvent | undefined): Reading | undefined {
    const [namespace, pod] = [head.get("objectRef.namespace"), head.get("objectRef.name")];
    if (head.get("objectRef.resource") !== "pods") {
      return ABSENT;
    }
    if (typeof namespace !== "string" || typeof pod !== "string") {
      return head.get("verb") === "create" ? undefined : ABSENT;
    }
    const facts = this.#pod(namespace, pod);
    if (!facts) {
      return undefined;
    }
    if (name === "pod.createdBy") {
      return facts.createdBy === undefined ? undefined : of(facts.createdBy);
    }
    if (name === "pod.ageSeconds") {
      return event && Number.isFinite(facts.createdAt) ? since(facts.createdAt, event) : undefined;
    }
    return readSpec(name, facts);
  }

  #readCredential(name: RememberedName, head: HeadView, event: AuditEvent | undefined): Reading | undefined {
    const id = credentialId(head);
    if (id === undefined) {
      return areGroupsKnown(head) ? ABSENT : undefined;
    }
    if (name === "credential.kind") {
      return of(id.startsWith("JTI=") ? "token" : id.startsWith("X509SHA256=") ? "certificate" : undefined);
    }
    const credential = this.#credential(id);
    if (!credential) {
      return name === "credential.addresses" || name === "credential.awayFromPod" ? undefined : ABSENT;
    }
    const { issuedAt } = credential;
    const deletedAt = this.#podOf(credential)?.deletedAt;
    const answers: Partial<Record<RememberedName, () => Reading | undefined>> = {
      "credential.issuedBy": () => of(credential.issuedBy),
      "credential.approvedBy": () => of(credential.approvedBy),
      "credential.lineage": () => of(...this.#lineage(id).flatMap(({ issuedBy }) => issuedBy ?? [])),
      "credential.addresses": () => of(new Set([...credential.addresses, lastAddress(head)]).size),
      "credential.ageSeconds": () => (issuedAt === undefined ? ABSENT : event && since(issuedAt, event)),
      "credential.podDeletedSeconds": () => (deletedAt === undefined ? ABSENT : event && since(deletedAt, event)),
      "credential.awayFromPod": () => this.#readAway(credential, head),
    };
    return answers[name]?.();
  }

  #readAway(credential: Credential, head: HeadView): Reading {
    const addresses = addressesOf(head);
    const known = [
      ...(this.#podOf(credential)?.addresses ?? []),
      ...(credential.node === undefined ? [] : this.#nodeAddresses(credential.node)),
    ];
    // Without the pod's own address nobody can tell it from another's.
    const isKnown =
      credential.pod !== undefined && addresses.length > 0 && (this.#podOf(credential)?.addresses.length ?? 0) > 0;
    // A forwarded address counts too: a pod is behind no proxy, and a false one gives only its sender away.
    return isKnown ? of(addresses.some((address) => !known.includes(address))) : ABSENT;
  }

  #podOf({ pod, podUID }: Credential): PodFacts | undefined {
    const slash = pod?.indexOf("/") ?? -1;
    const facts = pod === undefined ? undefined : this.#pod(pod.slice(0, slash), pod.slice(slash + 1));
    // A StatefulSet gives the next pod the same name.
    return facts?.uid !== undefined && podUID !== undefined && facts.uid !== podUID ? undefined : facts;
  }
}

function readSpec(name: RememberedName, facts: PodFacts): Reading | undefined {
  const key = name.slice("pod.".length);
  if (!facts.isSpecKnown && !(key === "privileged" && facts.privileged)) {
    return undefined;
  }
  switch (key) {
    case "privileged":
    case "hostNetwork":
    case "hostPID":
    case "hostIPC":
      return of(facts[key]);
    case "hostPath":
      return facts.hostPath.length > 0 ? of(...facts.hostPath) : ABSENT;
    default:
      return of(facts.serviceAccount);
  }
}

function readRequested(name: RememberedName, head: HeadView, event: AuditEvent | undefined): Reading | undefined {
  if (head.get("objectRef.resource") !== "certificatesigningrequests" || !WRITES.has(head.get("verb"))) {
    return ABSENT;
  }
  const body = event?.requestObject;
  if (!event || body === undefined || body === null) {
    return undefined;
  }
  const request = at(body, "spec", "request");
  if (request === undefined) {
    return ABSENT;
  }
  const subject = typeof request === "string" ? readSubject(request) : undefined;
  return subject && (name === "csr.commonName" ? of(subject.commonName) : of(...subject.organizations));
}

function readSubjects(name: RememberedName, head: HeadView, event: AuditEvent | undefined): Reading | undefined {
  if (!BINDINGS.has(head.get("objectRef.resource")) || !WRITES.has(head.get("verb"))) {
    return ABSENT;
  }
  if (!event || isMissing(event, "requestObject")) {
    return undefined;
  }
  const namespace = head.get("objectRef.namespace") as string | undefined;
  const subjects = (): readonly string[] => subjectsOf(event, "requestObject", namespace) ?? [];
  if (name === "subjects") {
    return of(...subjects());
  }
  const own = namesOf(head).filter((one) => !one.startsWith("system:") || one.startsWith("system:serviceaccount:"));
  // Of a binding by the apiserver itself, which has no such name, the body need not be read.
  const isOwn = own.length > 0 && subjects().some((subject) => own.includes(subject));
  return isOwn || areGroupsKnown(head) ? of(isOwn) : undefined;
}

/** Whether the log tells more of the user than the name. */
function areGroupsKnown(head: HeadView): boolean {
  return !isHeadUnknown("user.groups", head);
}

/** Whether it certainly was no trial: what may still stand is remembered. */
function isCertain(event: AuditEvent): boolean {
  return isDryRun(event) === false;
}

function since(time: number, event: AuditEvent): Reading {
  const age = timeOfEvent(event) - time;
  return Number.isNaN(age) ? ABSENT : of(Math.max(0, Math.floor(age / 1000)));
}

function of(...values: readonly (JsonValue | undefined)[]): Reading {
  const known = values.filter((value) => value !== undefined);
  return known.length > 0 ? { present: true, values: known } : ABSENT;
}
