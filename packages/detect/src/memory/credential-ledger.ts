import { createHash } from "node:crypto";
import { isJsonObject, own } from "@auditsieve/audit";
import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import { objectParts } from "../json-parts.ts";
import { asksTrial, headOf, partAt, timeOfEvent } from "../reading/event-parts.ts";
import { at, isSuccess, nameOf, objectsAt, textAt } from "./body.ts";
import { RecentMap } from "./recent-map.ts";
import type { MapWatch } from "./recent-map.ts";

/** One credential, by the id that the apiserver gives it: `JTI=…` of a token, `X509SHA256=…` of a certificate. */
export interface Credential {
  readonly id: string;
  readonly kind: "token" | "certificate" | "other";
  /** Whom it stands for: the service account of a token, the user of a certificate once it was used. */
  readonly subject?: string;
  /** Who asked for it; absent when its making is not in the log. */
  readonly issuedBy?: string;
  /** Credential with which it was asked for: the next link of the chain. */
  readonly issuedWith?: string;
  /** Request that made it. */
  readonly issuedAuditID?: string;
  /** Of a certificate: its certificate signing request, and who approved that. */
  readonly signingRequest?: string;
  readonly approvedBy?: string;
  readonly approvedWith?: string;
  /** Event time of its making in ms; absent as `issuedBy` is. */
  readonly issuedAt?: number;
  /** Pod and node that it is bound to: `namespace/name`. */
  readonly pod?: string;
  readonly podUID?: string;
  readonly node?: string;
  /** Whether it was used as a member of system:masters: no binding can be taken from it. */
  readonly isMasters: boolean;
  /** Event time of its first use that was looked at, in ms. */
  readonly firstUsedAt?: number;
  /** Addresses that the apiserver saw it come from, in the order of their first use. */
  readonly addresses: readonly string[];
}

/** A certificate signing request on its way. */
interface SigningRequest {
  readonly by?: string;
  readonly with?: string;
  readonly approvedBy?: string;
  readonly approvedWith?: string;
}

/** Key of `user.extra` under which the apiserver names the credential of a request. */
export const CREDENTIAL_ID = "authentication.kubernetes.io/credential-id";
/** Annotation of a TokenRequest: the id of the token that it was answered with. */
export const ISSUED_CREDENTIAL_ID = "authentication.kubernetes.io/issued-credential-id";
const POD_NAME = "authentication.kubernetes.io/pod-name";
const POD_UID = "authentication.kubernetes.io/pod-uid";
const NODE_NAME = "authentication.kubernetes.io/node-name";
const BOUND = ["spec", "boundObjectRef"];
const MAX_ADDRESSES = 16;
const MAX_CHAIN = 16;
const MAX_CERTIFICATE = 65_536;
const NOWHERE: readonly string[] = [];

/**
 * Who minted which credential: TokenRequests by the credential id that the apiserver annotates, certificate signing
 * requests by the fingerprint of the certificate that they got, and where each credential was used from. Feed it events
 * in the order of the log; it keeps a bounded number of credentials.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens
 *
 * @example
 * const ledger = new CredentialLedger();
 * ledger.observe({ level: "Metadata", auditID: "a", stage: "ResponseComplete", verb: "create",
 *   requestURI: "/api/v1/namespaces/shop/serviceaccounts/web/token",
 *   user: { username: "eve", extra: { "authentication.kubernetes.io/credential-id": ["X509SHA256=11"] } },
 *   objectRef: { resource: "serviceaccounts", subresource: "token", namespace: "shop", name: "web" },
 *   responseStatus: { code: 201 }, annotations: { "authentication.kubernetes.io/issued-credential-id": "JTI=22" } });
 * assert.equal(ledger.find("JTI=22")?.subject, "system:serviceaccount:shop:web");
 * assert.deepEqual(ledger.lineage("JTI=22").map(({ id }) => id), ["JTI=22", "X509SHA256=11"]);
 */
export class CredentialLedger {
  readonly #credentials: RecentMap<Credential>;
  readonly #requests: RecentMap<SigningRequest>;
  /** Uses that are in the books: a credential and an address. */
  readonly #uses: RecentMap<true>;
  readonly #nodes: RecentMap<readonly string[]>;

  constructor(max = 20_000) {
    this.#credentials = new RecentMap<Credential>(max, lettersOf);
    this.#requests = new RecentMap<SigningRequest>(Math.ceil(max / 10), lettersOf);
    this.#uses = new RecentMap(max);
    this.#nodes = new RecentMap(max);
  }

  get evicted(): number {
    return this.#credentials.evicted + this.#requests.evicted;
  }

  /** Has changes told: of credentials by id, of uses, of nodes by name. */
  watch(credentials: MapWatch, uses: MapWatch, nodes: MapWatch): void {
    this.#credentials.watch(credentials);
    this.#uses.watch(uses);
    this.#nodes.watch(nodes);
  }

  find(id: string): Credential | undefined {
    return this.#credentials.get(id);
  }

  /** The credential, what it was made with, what that was made with, and so on; as far as the log shows. */
  lineage(id: string): readonly Credential[] {
    const chain: Credential[] = [];
    for (let next = this.find(id); next && !chain.includes(next) && chain.length < MAX_CHAIN;) {
      chain.push(next);
      next = next.issuedWith === undefined ? undefined : this.find(next.issuedWith);
    }
    return chain;
  }

  /** Every credential that is remembered. */
  credentials(): readonly Credential[] {
    return [...this.#credentials.values()];
  }

  /** Addresses from which this node's own credential was used. */
  nodeAddresses(node: string): readonly string[] {
    return this.#nodes.get(node) ?? NOWHERE;
  }

  /** Whether {@link CredentialLedger.observe} has seen this credential come from this address: see {@link useKey}. */
  knowsUse(use: string): boolean {
    return this.#uses.get(use) === true;
  }

  /** Takes an event into account: what it made, and what it was made with unless that use is in the books. */
  observe(event: AuditEvent, isUseKnown = false): void {
    if (!isUseKnown) {
      this.observeUse(event);
    }
    const head = headOf(event);
    const resource = head.get("objectRef.resource");
    if (resource === "serviceaccounts") {
      if (isSuccess(head) && head.get("objectRef.subresource") === "token" && head.get("verb") === "create") {
        this.#tokenMade(event);
      }
    } else if (resource === "certificatesigningrequests" && isSuccess(head) && !asksTrial(event)) {
      this.#signing(event);
    }
  }

  /** Only the use of the event's own credential. */
  observeUse(event: AuditEvent): void {
    const id = credentialOf(event);
    const address = event.sourceIPs?.at(-1)?.slice(0, 64) ?? "";
    if (id === undefined || this.knowsUse(useKey(id, address))) {
      return;
    }
    this.#uses.set(useKey(id, address), true);
    const { user } = event;
    const before = this.find(id);
    const time = timeOfEvent(event);
    const [namespace] = /^system:serviceaccount:([^:]+):/.exec(user.username ?? "")?.slice(1) ?? [];
    const pod = extra(event, POD_NAME);
    const podUID = extra(event, POD_UID);
    const node = extra(event, NODE_NAME);
    const addresses = [...(before?.addresses ?? []), ...(address === "" ? [] : [address])].slice(0, MAX_ADDRESSES);
    this.#credentials.set(id, {
      ...(before ?? { id, kind: kindOf(id) }),
      ...(user.username !== undefined && { subject: user.username }),
      ...(pod !== undefined && namespace !== undefined && { pod: `${namespace}/${pod}` }),
      ...(podUID !== undefined && { podUID }),
      ...(node !== undefined && { node }),
      ...(!Number.isNaN(time) && { firstUsedAt: Math.min(before?.firstUsedAt ?? time, time) }),
      isMasters: before?.isMasters === true || user.groups?.includes("system:masters") === true,
      addresses,
    });
    const [own] = /^system:node:(.+)$/.exec(user.username ?? "")?.slice(1) ?? [];
    if (own !== undefined && address !== "") {
      this.#nodes.set(own, [...new Set([...this.nodeAddresses(own), address])].slice(-8));
    }
  }

  /** For {@link CredentialLedger.restore}: as text, in parts. */
  snapshot(): Iterable<string> {
    return objectParts({
      credentials: () => this.#credentials.snapshot((one) => ({ ...one })),
      requests: () => this.#requests.snapshot((one) => ({ ...one })),
      uses: () => this.#uses.snapshot((use) => use),
      nodes: () => this.#nodes.snapshot((addresses) => [...addresses]),
    });
  }

  restore(snapshot: unknown): void {
    const { credentials, requests, uses, nodes } = (snapshot ?? {}) as Readonly<Record<string, unknown>>;
    this.#credentials.restore(credentials, (value) =>
      isJsonObject(value) ? (value as unknown as Credential) : undefined,
    );
    this.#requests.restore(requests, (value) => (isJsonObject(value) ? value : undefined));
    this.#uses.restore(uses, (value) => (value === true ? true : undefined));
    this.#nodes.restore(nodes, (value) => (Array.isArray(value) ? (value as readonly string[]) : undefined));
  }

  #tokenMade(event: AuditEvent): void {
    // By head and parts of the body: the event need not be parsed.
    const head = headOf(event);
    const annotations = head.get("annotations");
    const id = isJsonObject(annotations) ? own(annotations, ISSUED_CREDENTIAL_ID) : undefined;
    if (typeof id !== "string" || id === "") {
      return;
    }
    const bound = partAt(event, "requestObject", BOUND);
    const namespace = (head.get("objectRef.namespace") ?? "") as string;
    const pod = textAt(bound, "kind") === "Pod" ? textAt(bound, "name") : undefined;
    const node = textAt(bound, "kind") === "Node" ? textAt(bound, "name") : undefined;
    const before = this.find(id);
    const subject = `system:serviceaccount:${namespace}:${(head.get("objectRef.name") ?? "") as string}`;
    this.#credentials.replace(id.slice(0, 256), {
      addresses: [],
      isMasters: false,
      ...before,
      id: id.slice(0, 256),
      kind: "token",
      subject,
      ...made(event, head.get("user.username") as string | undefined, credentialOf(event)),
      ...(pod !== undefined && { pod: `${namespace}/${pod}` }),
      ...(node !== undefined && { node }),
    });
  }

  #signing(event: AuditEvent): void {
    const { objectRef: ref, verb, requestObject: asked, responseObject: answered, user } = event;
    const name = nameOf(event);
    if (name === undefined) {
      return;
    }
    const used = credentialOf(event);
    const before = this.#requests.get(name);
    if (ref?.subresource === undefined && verb === "create") {
      this.#requests.set(name, {
        ...(user.username !== undefined && { by: user.username }),
        ...(used !== undefined && { with: used }),
      });
    } else if (ref?.subresource === "approval" && isApproved(answered, asked)) {
      this.#requests.set(name, {
        ...before,
        ...(user.username !== undefined && { approvedBy: user.username }),
        ...(used !== undefined && { approvedWith: used }),
      });
    }
    if (ref?.subresource !== "status") {
      // Anybody can write a certificate into a body of which the apiserver does not take it over.
      return;
    }
    const id =
      certificateId(at(answered, "status", "certificate")) ?? certificateId(at(asked, "status", "certificate"));
    const request = this.#requests.get(name);
    if (id === undefined || this.find(id)?.issuedAt !== undefined) {
      return;
    }
    this.#credentials.set(id, {
      addresses: [],
      isMasters: false,
      ...this.find(id),
      id,
      kind: "certificate",
      signingRequest: name,
      // Its signer answers: what that does it with is no link of the chain.
      ...made(event, request?.by, request?.with),
      ...(request?.approvedBy !== undefined && { approvedBy: request.approvedBy }),
      ...(request?.approvedWith !== undefined && { approvedWith: request.approvedWith }),
    });
  }
}

/** Of all its texts. */
function lettersOf(of: Credential | SigningRequest): number {
  let letters = 0;
  for (const value of Object.values(of) as readonly unknown[]) {
    letters += typeof value === "string" ? value.length : 0;
  }
  return letters;
}

/** A credential and an address that it comes from, as one text. */
export function useKey(id: string, address: string): string {
  return `${id} ${address}`;
}

/** The id of the credential that the request was made with. */
function credentialOf(event: AuditEvent): string | undefined {
  return firstOf(headOf(event).get(`user.extra.${CREDENTIAL_ID}`));
}

function extra(event: AuditEvent, key: string): string | undefined {
  return firstOf(event.user.extra?.[key]);
}

function firstOf(value: unknown): string | undefined {
  const first: unknown = Array.isArray(value) ? value[0] : undefined;
  return typeof first === "string" && first !== "" ? first.slice(0, 256) : undefined;
}

function made(event: AuditEvent, by: string | undefined, used: string | undefined): Partial<Credential> {
  const time = timeOfEvent(event);
  return {
    ...(by !== undefined && { issuedBy: by }),
    ...(used !== undefined && { issuedWith: used }),
    ...(!Number.isNaN(time) && { issuedAt: time }),
    issuedAuditID: event.auditID.slice(0, 128),
  };
}

function kindOf(id: string): Credential["kind"] {
  return id.startsWith("JTI=") ? "token" : id.startsWith("X509SHA256=") ? "certificate" : "other";
}

function isApproved(...bodies: readonly (JsonValue | undefined)[]): boolean {
  return bodies.some((body) =>
    objectsAt(body, "status", "conditions").some((condition) => textAt(condition, "type") === "Approved"),
  );
}

/**
 * The id that the apiserver gives a client certificate, `X509SHA256=…`: the hash of its DER bytes. In the log it is PEM, in base64.
 * Undefined for what is no certificate.
 *
 * @see https://github.com/kubernetes/apiserver/blob/master/pkg/authentication/request/x509/x509.go
 * @example
 * assert.equal(certificateId(Buffer.from("no certificate").toString("base64")), undefined);
 */
export function certificateId(certificate: JsonValue | undefined): string | undefined {
  if (typeof certificate !== "string" || certificate.length > MAX_CERTIFICATE) {
    return undefined;
  }
  const pem = Buffer.from(certificate, "base64").toString("latin1");
  const [, body] = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/.exec(pem) ?? [];
  return body === undefined
    ? undefined
    : `X509SHA256=${createHash("sha256").update(Buffer.from(body, "base64")).digest("hex")}`;
}
