import { isJsonObject, own } from "@auditsieve/audit";
import type { EventScan, JsonObject } from "@auditsieve/audit";
import { certificateId } from "@auditsieve/detect";
import { boundedText } from "../bounded-text.ts";
import type { Place } from "./read-events.ts";
import type { Session } from "./sessions.ts";
import { body, objectAt, textAt } from "./made-object.ts";

/** A token that a TokenRequest in the log was answered with. */
export interface IssuedToken {
  /** `JTI=…`, as the requests made with it carry it. */
  readonly credential: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  /** What it is bound to; absent when it is bound to nothing or the log holds no body. */
  readonly boundTo: { readonly kind: string; readonly name: string; readonly uid: string } | undefined;
  readonly session: Session;
  readonly time: string;
  readonly place: Place;
}

/** A certificate signing request, as far as the log tells its life. */
export interface SigningRequest {
  readonly name: string;
  made: Deed | undefined;
  approved: Deed | undefined;
  /** `X509SHA256=…` of the certificate in the answers; what requests made with it carry. */
  credential: string | undefined;
  issued: Deed | undefined;
}

/** Who did it, when, and the event that shows it. */
export interface Deed {
  readonly session: Session;
  readonly time: string;
  readonly place: Place;
}

/** What {@link CredentialDeeds.restore} goes on from. */
export interface CredentialsSnapshot {
  readonly tokens: Map<string, IssuedToken>;
  readonly requests: Map<string, SigningRequest>;
  readonly byCertificate: Map<string, SigningRequest>;
}

const MOST_TOKENS = 100_000;
const MOST_REQUESTS = 5_000;

/**
 * Which request brought forth which credential, with the session and the line behind it. The detections' `CredentialLedger` says
 * what a credential is; this is where in the log that stands, which a story has to show.
 */
export class CredentialDeeds {
  #tokens = new Map<string, IssuedToken>();
  #requests = new Map<string, SigningRequest>();
  #byCertificate = new Map<string, SigningRequest>();

  /** A TokenRequest that was answered. */
  addToken(scan: EventScan, credential: string, deed: Deed): void {
    if (this.#tokens.size >= MOST_TOKENS) {
      const [oldest = ""] = this.#tokens.keys();
      this.#tokens.delete(oldest);
    }
    const spec = objectAt(body(scan, "responseObject") ?? body(scan, "requestObject") ?? {}, "spec");
    const bound = own(spec, "boundObjectRef");
    this.#tokens.set(credential, {
      ...deed,
      credential,
      namespace: boundedText(scan.text("objectRef.namespace") ?? ""),
      serviceAccount: boundedText(scan.text("objectRef.name") ?? ""),
      boundTo: isJsonObject(bound)
        ? { kind: textAt(bound, "kind") ?? "", name: textAt(bound, "name") ?? "", uid: textAt(bound, "uid") ?? "" }
        : undefined,
    });
  }

  /** Any answered request about a certificate signing request. */
  addSigning(scan: EventScan, verb: string, deed: Deed): void {
    const answer = body(scan, "responseObject");
    const name = scan.text("objectRef.name") ?? textAt(objectAt(answer ?? {}, "metadata"), "name");
    if (name === undefined) {
      return;
    }
    const request = this.#request(boundedText(name));
    if (request === undefined) {
      return;
    }
    const subresource = scan.text("objectRef.subresource");
    if (verb === "create" && subresource === undefined) {
      request.made = deed;
    } else if (subresource === "approval" && verb !== "get") {
      request.approved = deed;
    }
    const credential = certificateOf(answer) ?? certificateOf(body(scan, "requestObject"));
    if (credential !== undefined && request.credential === undefined) {
      request.credential = credential;
      request.issued = deed;
      this.#byCertificate.set(credential, request);
    }
  }

  snapshot(): CredentialsSnapshot {
    return { tokens: this.#tokens, requests: this.#requests, byCertificate: this.#byCertificate };
  }

  restore({ tokens, requests, byCertificate }: CredentialsSnapshot): void {
    this.#tokens = tokens;
    this.#requests = requests;
    this.#byCertificate = byCertificate;
  }

  token(credential: string): IssuedToken | undefined {
    return this.#tokens.get(credential);
  }

  certificate(credential: string): SigningRequest | undefined {
    return this.#byCertificate.get(credential);
  }

  tokens(): readonly IssuedToken[] {
    return [...this.#tokens.values()];
  }

  signingRequests(): readonly SigningRequest[] {
    return [...this.#requests.values()];
  }

  #request(name: string): SigningRequest | undefined {
    const known = this.#requests.get(name);
    if (known !== undefined || this.#requests.size >= MOST_REQUESTS) {
      return known;
    }
    const fresh = { name, made: undefined, approved: undefined, credential: undefined, issued: undefined };
    this.#requests.set(name, fresh);
    return fresh;
  }
}

function certificateOf(body: JsonObject | undefined): string | undefined {
  return certificateId(own(objectAt(body ?? {}, "status"), "certificate"));
}
