import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import { ABSENT } from "../condition/field-path.ts";
import type { Reading } from "../condition/field-path.ts";
import type { RememberedName } from "../condition/remembered-fields.ts";
import { isMissing, timeOfEvent } from "../reading/event-parts.ts";
import type { HeadView } from "../reading/head-view.ts";
import { isHeadUnknown } from "../reading/recorded.ts";
import { at } from "./body.ts";
import { readSubject } from "./certificate-request.ts";
import type { Credential } from "./credential-ledger.ts";
import { allowedBy, BINDINGS, RECENT_GRANT_MS, subjectsOf } from "./grant-memory.ts";
import type { Lookups } from "./grounds.ts";
import { addressesOf, credentialId, lastAddress, namesOf, reasonOf } from "./head-reads.ts";
import type { PodFacts } from "./pod-facts.ts";

const WRITES: ReadonlySet<JsonValue | undefined> = new Set(["create", "update", "patch"]);

/** `grant.`: by which binding a request was allowed, and how old that is. */
export function readGrant(
  name: RememberedName,
  head: HeadView,
  event: AuditEvent | undefined,
  lookups: Lookups,
): Reading | undefined {
  const isOld = name === "grant.ageSeconds" || name === "grant.by";
  if (isOld && areGroupsKnown(head) && !lookups.mayUseRecent(namesOf(head))) {
    return ABSENT;
  }
  const allowed = allowedBy(reasonOf(head));
  if (!allowed) {
    return ABSENT;
  }
  if (!isOld) {
    return of(name === "grant.binding" ? allowed.binding : allowed.role);
  }
  const grant = lookups.grant(allowed.binding);
  if (!event && grant) {
    return undefined;
  }
  const age = event && grant && timeOfEvent(event) - grant.at;
  if (age === undefined || Number.isNaN(age) || age > RECENT_GRANT_MS) {
    return ABSENT;
  }
  return name === "grant.by" ? of(grant?.by) : of(Math.max(0, Math.floor(age / 1000)));
}

/** `pod.`: the pod that a request is about. */
export function readPod(
  name: RememberedName,
  head: HeadView,
  event: AuditEvent | undefined,
  lookups: Lookups,
): Reading | undefined {
  const [namespace, pod] = [head.get("objectRef.namespace"), head.get("objectRef.name")];
  if (head.get("objectRef.resource") !== "pods") {
    return ABSENT;
  }
  if (typeof namespace !== "string" || typeof pod !== "string") {
    return head.get("verb") === "create" ? undefined : ABSENT;
  }
  const facts = lookups.pod(namespace, pod);
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

/** `credential.`: what a request was made with. */
export function readCredential(
  name: RememberedName,
  head: HeadView,
  event: AuditEvent | undefined,
  lookups: Lookups,
): Reading | undefined {
  const id = credentialId(head);
  if (id === undefined) {
    return areGroupsKnown(head) ? ABSENT : undefined;
  }
  if (name === "credential.kind") {
    return of(id.startsWith("JTI=") ? "token" : id.startsWith("X509SHA256=") ? "certificate" : undefined);
  }
  const credential = lookups.credential(id);
  if (!credential) {
    return name === "credential.addresses" || name === "credential.awayFromPod" ? undefined : ABSENT;
  }
  const { issuedAt } = credential;
  const deletedAt = podOf(credential, lookups)?.deletedAt;
  const answers: Partial<Record<RememberedName, () => Reading | undefined>> = {
    "credential.issuedBy": () => of(credential.issuedBy),
    "credential.approvedBy": () => of(credential.approvedBy),
    "credential.lineage": () => of(...lookups.lineage(id).flatMap(({ issuedBy }) => issuedBy ?? [])),
    "credential.addresses": () =>
      of(new Set([...credential.addresses, lastAddress(head)].filter((one) => one !== "")).size),
    "credential.ageSeconds": () => (issuedAt === undefined ? ABSENT : event && since(issuedAt, event)),
    "credential.podDeletedSeconds": () => (deletedAt === undefined ? ABSENT : event && since(deletedAt, event)),
    "credential.awayFromPod": () => readAway(credential, head, lookups),
  };
  return answers[name]?.();
}

function readAway(credential: Credential, head: HeadView, lookups: Lookups): Reading {
  const addresses = addressesOf(head);
  const known = [
    ...(podOf(credential, lookups)?.addresses ?? []),
    ...(credential.node === undefined ? [] : lookups.nodeAddresses(credential.node)),
  ];
  // Without the pod's own address nobody can tell it from another's.
  const isKnown =
    credential.pod !== undefined && addresses.length > 0 && (podOf(credential, lookups)?.addresses.length ?? 0) > 0;
  // A forwarded address counts too: a pod is behind no proxy, and a false one gives only its sender away.
  return isKnown ? of(addresses.some((address) => !known.includes(address))) : ABSENT;
}

function podOf({ pod, podUID }: Credential, lookups: Lookups): PodFacts | undefined {
  const slash = pod?.indexOf("/") ?? -1;
  const facts = pod === undefined ? undefined : lookups.pod(pod.slice(0, slash), pod.slice(slash + 1));
  // A StatefulSet gives the next pod the same name.
  return facts?.uid !== undefined && podUID !== undefined && facts.uid !== podUID ? undefined : facts;
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

/** `csr.`: who a signing request asks to be. */
export function readRequested(
  name: RememberedName,
  head: HeadView,
  event: AuditEvent | undefined,
): Reading | undefined {
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

/** `subjects` and `selfGrant`: whom a binding that is written is for. */
export function readSubjects(name: RememberedName, head: HeadView, event: AuditEvent | undefined): Reading | undefined {
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

function since(time: number, event: AuditEvent): Reading {
  const age = timeOfEvent(event) - time;
  return Number.isNaN(age) ? ABSENT : of(Math.max(0, Math.floor(age / 1000)));
}

function of(...values: readonly (JsonValue | undefined)[]): Reading {
  const known = values.filter((value) => value !== undefined);
  return known.length > 0 ? { present: true, values: known } : ABSENT;
}
