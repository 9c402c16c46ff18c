import type { EventScan, Field } from "@auditsieve/audit";
import { isJsonObject, own } from "@auditsieve/audit";
import type { JsonValue } from "@auditsieve/audit";
import { CREDENTIAL_ID, ISSUED_CREDENTIAL_ID } from "@auditsieve/detect";
import { boundedText } from "../bounded-text.ts";

/** An identity as an event's `user` says it. */
export interface Identity {
  /** `system:serviceaccount:shop:web`; empty after a failed authentication. */
  readonly name: string;
  readonly uid: string | undefined;
  readonly groups: readonly string[];
  /** `JTI=…` of a token, `X509SHA256=…` of a certificate. */
  readonly credential: string | undefined;
  /** The pod that a token is bound to. */
  readonly pod: { readonly name: string; readonly uid: string } | undefined;
  readonly node: string | undefined;
}

const EXTRA = "authentication.kubernetes.io/";
/** Of one field. Ordinary logs hold some hundred kilobytes; a client may choose longer names, and another one each time. */
const MOST_BYTES = 2 * 1024 * 1024;
/** Of the groups of an identity, and of the addresses of a request. */
const MOST_TEXTS = 100;

/** Remembers what the bytes of a field meant: heads repeat themselves, and parsing them each time would cost most. */
class ByteMemo<T> {
  readonly #field: Field;
  readonly #decode: (value: JsonValue) => T;
  readonly #known = new Map<string, T>();
  #bytes = 0;

  constructor(field: Field, decode: (value: JsonValue) => T) {
    this.#field = field;
    this.#decode = decode;
  }

  get(scan: EventScan): T | undefined {
    if (!scan.has(this.#field)) {
      return undefined;
    }
    const bytes = scan.bytes.toString("latin1", scan.valueStart(this.#field), scan.valueEnd(this.#field));
    const known = this.#known.get(bytes);
    if (known !== undefined) {
      return known;
    }
    this.#bytes += bytes.length;
    if (this.#bytes > MOST_BYTES) {
      this.#known.clear();
      this.#bytes = bytes.length;
    }
    const value = this.#decode(scan.value(this.#field) as JsonValue);
    this.#known.set(bytes, value);
    return value;
  }
}

/** Reads what repeats itself in the heads of events. One instance for a whole log. */
export class HeadReader {
  readonly #user = new ByteMemo("user", readIdentity);
  readonly #impersonated = new ByteMemo("impersonatedUser", readIdentity);
  readonly #addresses = new ByteMemo("sourceIPs", (value) => strings(value).slice(0, 5).join(" via "));
  readonly #agent = new ByteMemo("userAgent", (value) => string(value) ?? "");
  readonly #annotations = new ByteMemo("annotations", readAnnotations);

  user(scan: EventScan): Identity {
    return this.#user.get(scan) ?? NOBODY;
  }

  impersonated(scan: EventScan): string | undefined {
    return this.#impersonated.get(scan)?.name;
  }

  /** `203.0.113.77 via 10.0.0.2`: the last is the one that the apiserver saw, those before it a client may have claimed. */
  sourceIP(scan: EventScan): string {
    return this.#addresses.get(scan) ?? "";
  }

  userAgent(scan: EventScan): string {
    return this.#agent.get(scan) ?? "";
  }

  annotations(scan: EventScan): Annotations {
    return this.#annotations.get(scan) ?? NO_ANNOTATIONS;
  }
}

/** The annotations that lineage and rights rest on. */
export interface Annotations {
  readonly issuedCredential: string | undefined;
  /** `RBAC: allowed by ClusterRoleBinding "x" of ClusterRole "y" to User "z"`. */
  readonly reason: string | undefined;
}

const NO_ANNOTATIONS: Annotations = { issuedCredential: undefined, reason: undefined };
const NOBODY: Identity = {
  name: "",
  uid: undefined,
  groups: [],
  credential: undefined,
  pod: undefined,
  node: undefined,
};

function readIdentity(value: JsonValue): Identity {
  if (!isJsonObject(value)) {
    return NOBODY;
  }
  const extra = own(value, "extra");
  const first = (name: string): string | undefined =>
    isJsonObject(extra) ? strings(own(extra, EXTRA + name) ?? [])[0] : undefined;
  const podName = first("pod-name");
  const podUid = first("pod-uid");
  return {
    name: string(own(value, "username")) ?? "",
    uid: string(own(value, "uid")),
    groups: strings(own(value, "groups") ?? []),
    credential: strings(isJsonObject(extra) ? (own(extra, CREDENTIAL_ID) ?? []) : [])[0],
    pod: podUid === undefined ? undefined : { name: podName ?? "", uid: podUid },
    node: first("node-name"),
  };
}

function readAnnotations(value: JsonValue): Annotations {
  return isJsonObject(value)
    ? {
        issuedCredential: string(own(value, ISSUED_CREDENTIAL_ID)),
        reason: reasonOf(own(value, "authorization.k8s.io/reason")),
      }
    : NO_ANNOTATIONS;
}

/** It names a binding, a role and a subject, each of which may be as long as a name may be. */
const MOST_REASON_LETTERS = 2048;

function reasonOf(reason: JsonValue | undefined): string | undefined {
  return typeof reason === "string" ? boundedText(reason, MOST_REASON_LETTERS) : undefined;
}

function string(value: JsonValue | undefined): string | undefined {
  return typeof value === "string" ? boundedText(value) : undefined;
}

function strings(value: JsonValue): readonly string[] {
  return Array.isArray(value)
    ? value
        .slice(0, MOST_TEXTS)
        .filter((each) => typeof each === "string")
        .map((text) => boundedText(text))
    : [];
}
