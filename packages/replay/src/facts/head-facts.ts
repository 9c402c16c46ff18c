import { slotOf } from "@auditsieve/audit";
import type { EventScan } from "@auditsieve/audit";
import { isRevised } from "./revisions.ts";
import type { Allowed } from "./rights.ts";
import { isLinked } from "./lineage.ts";
import type { HeadReader } from "./event-head.ts";
import { boundedText } from "../bounded-text.ts";
import { isWrite } from "./sessions.ts";
import type { Actor, Session, Touch } from "./sessions.ts";

/**
 * What the head of an event says to those who gather facts: the same for every event whose head differs from it at most in the URI
 * and the object's name. Behind it what was last found for it, so that a request like the one before costs a few additions.
 */
export interface HeadFacts {
  /** The tables that what was found stands in. */
  readonly owner: object;
  readonly who: Actor;
  readonly isResource: boolean;
  readonly verb: string;
  readonly isWrite: boolean;
  readonly kind: string;
  readonly group: string;
  readonly subresource: string;
  /** `pods/exec`, `deployments.apps`; empty where the path says what it is. */
  readonly resource: string;
  readonly namespace: string;
  readonly code: number;
  readonly isRefused: boolean;
  /** Which events of a request are its answer. */
  readonly answer: "none" | "this" | "stream-begins" | "unless-begun";
  readonly reason: string | undefined;
  readonly issuedCredential: string | undefined;
  /** Whether it may begin or continue a chain, be a revision of an object, be the apiserver's own startup. */
  readonly isLinked: boolean;
  readonly isRevised: boolean;
  readonly isBootstrap: boolean;
  session: Session | undefined;
  right: Allowed | undefined;
  /** The touch that was found last, and the bytes of the name or URI that it was found for. */
  touch: Touch | undefined;
  name: Buffer;
}

const STREAMS: ReadonlySet<string> = new Set(["exec", "attach", "portforward"]);
const OBJECT_REF = slotOf("objectRef");

/** Whether the event last scanned is about an object. */
export function isAboutObject(scan: EventScan): boolean {
  return scan.slotEnd(OBJECT_REF) !== 0;
}

/** Reads the head of the event last scanned. */
export function readHeadFacts(scan: EventScan, head: HeadReader, owner: object): HeadFacts {
  const code = scan.code ?? 0;
  const verb = boundedText(scan.text("verb") ?? "");
  const kind = boundedText(scan.text("objectRef.resource") ?? "");
  const group = boundedText(scan.text("objectRef.apiGroup") ?? "");
  const subresource = boundedText(scan.text("objectRef.subresource") ?? "");
  const isResource = isAboutObject(scan);
  const resource = `${kind}${group === "" ? "" : `.${group}`}${subresource === "" ? "" : `/${subresource}`}`;
  const identity = head.user(scan);
  const { reason, issuedCredential } = head.annotations(scan);
  const isObject = isResource && code < 400;
  return {
    owner,
    who: {
      identity,
      impersonated: head.impersonated(scan),
      sourceIP: head.sourceIP(scan),
      userAgent: head.userAgent(scan),
    },
    isResource,
    verb,
    isWrite: isWrite(verb),
    kind,
    group,
    subresource,
    resource,
    namespace: boundedText(scan.text("objectRef.namespace") ?? ""),
    code,
    isRefused: code === 401 || code === 403,
    answer: answerOf(scan.stage, STREAMS.has(subresource), code),
    reason: reason === "" ? undefined : reason,
    issuedCredential,
    isLinked: isObject && isLinked({ kind, subresource, verb, issuedCredential }),
    isRevised: isObject && isWrite(verb) && isRevised(kind, subresource),
    isBootstrap:
      isObject &&
      isWrite(verb) &&
      identity.name === "system:apiserver" &&
      resource === "clusterroles.rbac.authorization.k8s.io",
    session: undefined,
    right: undefined,
    touch: undefined,
    name: NO_NAME,
  };
}

const NO_NAME = Buffer.alloc(0);

/** One event of each request: the last stage, or of a stream that may last for hours the first that has an answer. */
function answerOf(stage: EventScan["stage"], isStream: boolean, code: number): HeadFacts["answer"] {
  if (stage === "RequestReceived") {
    return "none";
  }
  if (stage !== "ResponseStarted") {
    return isStream ? "unless-begun" : "this";
  }
  // A failed authentication is this one event; a watch is counted when it ends.
  return isStream ? "stream-begins" : code === 401 ? "this" : "none";
}
