import { isStartup } from "../facts/rank-actors.ts";
import type { Place } from "../facts/read-events.ts";
import type { Session } from "../facts/sessions.ts";
import type { Facts } from "../facts/gather-facts.ts";
import type { Deed, IssuedToken } from "../facts/credential-deeds.ts";
import type { MadeObject } from "../facts/made-object.ts";
import { credentialName, isControlLoop, manner, principalId, shortName } from "./principal.ts";
import type { Principal } from "./principal.ts";

/** Something that a chain leads through. */
export interface ChainNode {
  readonly id: string;
  readonly kind: "principal" | "object" | "signing-request";
  readonly label: string;
  readonly detail: string;
}

/** One link of a chain: who or what brought forth what, and the event that shows it. */
export interface ChainLink {
  readonly from: string;
  readonly to: string;
  readonly kind: "created" | "owns" | "token" | "certificate" | "reached" | "granted" | "impersonated";
  readonly time: string;
  readonly text: string;
  readonly place: Place | undefined;
}

/** Where a chain cannot be followed further, and why. */
export interface ChainEnd {
  readonly node: string;
  readonly text: string;
}

/** Where a principal's credential came from, as far as the log goes. */
export interface Origin {
  readonly nodes: ReadonlyMap<string, ChainNode>;
  readonly links: readonly ChainLink[];
  readonly ends: readonly ChainEnd[];
  /** Ids of the principals that the chain leads to, itself left out. */
  readonly ancestors: ReadonlySet<string>;
}

const MOST_DEPTH = 40;

/** Follows a principal's credential back: token or certificate, who asked for it, the pod it was mounted in, who made that. */
export function traceOrigin(
  principal: Principal,
  facts: Facts,
  principals: ReadonlyMap<string, Principal>,
  isTelling: (binding: Deed) => boolean,
): Origin {
  const trace = new Trace(facts, principals, isTelling);
  trace.principal(principal, 0);
  trace.ancestors.delete(principal.id);
  return trace;
}

/** Whether a deed is neither the cluster's own nor of its startup, when everything is bound once. */
export function isLater({ session, time }: Deed, { bootstrapUntil }: Facts): boolean {
  return !isControlLoop(session.identity.name) && !isStartup(time, bootstrapUntil);
}

class Trace implements Origin {
  readonly nodes = new Map<string, ChainNode>();
  readonly links: ChainLink[] = [];
  readonly ends: ChainEnd[] = [];
  readonly ancestors = new Set<string>();
  readonly #facts: Facts;
  readonly #principals: ReadonlyMap<string, Principal>;
  readonly #isTelling: (binding: Deed) => boolean;

  constructor(facts: Facts, principals: ReadonlyMap<string, Principal>, isTelling: (binding: Deed) => boolean) {
    this.#facts = facts;
    this.#principals = principals;
    this.#isTelling = isTelling;
  }

  principal(principal: Principal, depth: number): string {
    const { id, name, credential } = principal;
    if (this.nodes.has(id)) {
      return id;
    }
    this.ancestors.add(id);
    this.nodes.set(id, { id, kind: "principal", label: shortName(name), detail: credentialName(credential) });
    if (depth >= MOST_DEPTH) {
      this.#end(id, "The chain goes on: it is followed for forty links only.");
      return id;
    }
    this.#grants(principal, depth);
    if (credential?.startsWith("X509SHA256=") === true) {
      this.#certificate(principal, credential, depth);
    } else if (credential !== undefined || principal.pod !== undefined) {
      this.#token(principal, depth);
    } else {
      this.#withoutCredential(principal, depth);
    }
    return id;
  }

  #token({ id, name, credential, pod, sessions }: Principal, depth: number): void {
    const issued = credential === undefined ? undefined : this.#facts.lineage.credentials.token(credential);
    const boundPod = pod ?? (issued?.boundTo?.kind === "Pod" ? issued.boundTo : undefined);
    const isMounted = issued === undefined || isControlLoop(issued.session.identity.name);
    if (issued !== undefined) {
      this.#issued(id, issued, isMounted && boundPod !== undefined, depth);
    } else {
      this.#end(
        id,
        `The log does not show who asked for this token of ${shortName(name)}: it was issued before the log begins (${this.#facts.from ?? ""}), ` +
          "or the policy does not record requests for tokens.",
      );
    }
    if (boundPod !== undefined) {
      this.#mounted(id, { ...boundPod, namespace: namespaceOf(name) }, sessions, depth);
    }
  }

  #issued(id: string, issued: IssuedToken, isForItsPod: boolean, depth: number): void {
    const { session, namespace, serviceAccount, boundTo, time, place, credential } = issued;
    const asker = session.identity.name;
    const bound =
      boundTo === undefined ? "bound to nothing, so it outlives any pod" : `bound to ${boundTo.kind} ${boundTo.name}`;
    const text = `${shortName(asker)} asked for a token of service account ${namespace}/${serviceAccount} (${credential}), ${bound}, ${manner([session])}`;
    if (isForItsPod) {
      // The kubelet asks for the tokens of its pods: the chain goes through the pod.
      this.links.push({
        from: podId(boundTo?.uid ?? "", namespace, boundTo?.name ?? ""),
        to: id,
        kind: "token",
        time,
        text,
        place,
      });
      return;
    }
    const from = this.#session(session, depth);
    this.links.push({ from, to: id, kind: "token", time, text, place });
  }

  #mounted(
    id: string,
    pod: { readonly name: string; readonly uid: string; readonly namespace: string },
    sessions: readonly Session[],
    depth: number,
  ): void {
    const podNode = podId(pod.uid, pod.namespace, pod.name);
    const made =
      this.#facts.lineage.objectByUid(pod.uid) ?? this.#facts.lineage.object("pods", pod.namespace, pod.name);
    if (!this.links.some((link) => link.from === podNode && link.to === id)) {
      const [used] = sessions.toSorted((a, b) => (a.first < b.first ? -1 : 1));
      this.links.push({
        from: podNode,
        to: id,
        kind: "token",
        time: used?.first ?? "",
        text: `The token is the one mounted in pod ${pod.namespace}/${pod.name}: the requests made with it say so`,
        place: used?.firstPlace,
      });
    }
    if (!this.nodes.has(podNode)) {
      this.nodes.set(podNode, {
        id: podNode,
        kind: "object",
        label: `pod ${pod.namespace}/${pod.name}`,
        detail: pod.uid,
      });
      if (made === undefined) {
        this.#end(
          podNode,
          `Pod ${pod.namespace}/${pod.name} was not created in this log, or the policy does not record it.`,
        );
      } else {
        this.#made(podNode, made, depth + 1);
      }
      const until = sessions
        .map(({ last }) => last)
        .sort()
        .at(-1);
      const reaches = this.#facts.lineage.reachesInto(pod.namespace, pod.name, until);
      for (const reach of reaches.filter(({ session }) => !isControlLoop(session.identity.name)).slice(0, 20)) {
        const from = this.#session(reach.session, depth + 1);
        const who = shortName(reach.session.identity.name);
        this.links.push({
          from,
          to: podNode,
          kind: "reached",
          time: reach.time,
          text: `${who} reached into pod ${pod.namespace}/${pod.name} by ${reach.by}, and could read the token mounted there`,
          place: reach.place,
        });
      }
    }
  }

  /** Up the owners to what a person made. */
  #made(id: string, made: MadeObject, depth: number): void {
    const owner = made.owners[0];
    const { session, time, place } = made;
    const maker = shortName(session.identity.name);
    if (owner !== undefined) {
      const ownerId = `o:${owner.uid}`;
      const text = `${owner.kind} ${owner.name} brought forth ${made.key} (created by ${maker})`;
      this.links.push({ from: ownerId, to: id, kind: "owns", time, text, place });
      if (this.nodes.has(ownerId)) {
        return;
      }
      const parent = this.#facts.lineage.objectByUid(owner.uid);
      const label = parent?.key ?? `${owner.kind} ${made.namespace}/${owner.name}`;
      this.nodes.set(ownerId, { id: ownerId, kind: "object", label, detail: owner.uid });
      if (parent === undefined) {
        this.#end(ownerId, `${label} was not created in this log: it is older, or the policy does not record it.`);
      } else if (depth < MOST_DEPTH) {
        this.#made(ownerId, parent, depth + 1);
      }
      return;
    }
    if (made.isBodyMissing && isControlLoop(session.identity.name)) {
      this.#end(
        id,
        `${made.key} was created by ${maker}, and the log holds no body that would name its owner (level Metadata).`,
      );
      return;
    }
    const from = this.#session(session, depth);
    const account = made.serviceAccount === undefined ? "" : `, to run as service account ${made.serviceAccount}`;
    const text = `${maker} created ${made.key}${account}, ${manner([session])}`;
    this.links.push({ from, to: id, kind: "created", time, text, place });
  }

  #certificate({ id, name }: Principal, credential: string, depth: number): void {
    const { credentials } = this.#facts.lineage;
    const exact = credentials.certificate(credential);
    if (exact === undefined) {
      this.#end(
        id,
        `${shortName(name)} came with a client certificate that no signing request in this log explains: it is older than the log, or was made outside of the cluster. It cannot be revoked.`,
      );
      return;
    }
    const request = `r:${exact.name}`;
    this.nodes.set(request, {
      id: request,
      kind: "signing-request",
      label: `certificate request ${exact.name}`,
      detail: "",
    });
    const { issued, made, approved } = exact;
    const text = `The certificate (${credential.slice(0, 24)}…) was signed for request ${exact.name}`;
    this.links.push({
      from: request,
      to: id,
      kind: "certificate",
      time: issued?.time ?? "",
      text,
      place: issued?.place,
    });
    for (const [deed, did] of [
      [made, "made"],
      [approved, "approved"],
    ] as const) {
      if (deed !== undefined) {
        const from = this.#session(deed.session, depth);
        const who = shortName(deed.session.identity.name);
        this.links.push({
          from,
          to: request,
          kind: "certificate",
          time: deed.time,
          text: `${who} ${did} the certificate request ${exact.name}, ${manner([deed.session])}`,
          place: deed.place,
        });
      }
    }
    if (made === undefined) {
      this.#end(request, `Certificate request ${exact.name} was made before the log begins.`);
    }
  }

  #withoutCredential({ id, name }: Principal, depth: number): void {
    const account = /^system:serviceaccount:([^:]*):(.*)$/.exec(name);
    const secret = account === null ? undefined : this.#facts.lineage.tokenSecret(account[1] ?? "", account[2] ?? "");
    if (secret !== undefined) {
      const from = this.#session(secret.session, depth);
      const who = shortName(secret.session.identity.name);
      const text = `${who} created ${secret.key}, a token of ${account?.[1]}/${account?.[2]} without expiry; requests by such a token carry no id`;
      this.links.push({ from, to: id, kind: "token", time: secret.time, text, place: secret.place });
      return;
    }
    this.#end(id, WITHOUT.get(name) ?? (account === null ? NO_ID : NO_ID_ACCOUNT));
  }

  /** Who bound a role that let this principal pass: only bindings that are worth telling. */
  #grants({ id, name, sessions }: Principal, depth: number): void {
    const seen = new Set<string>();
    for (const { grant, first, requests } of this.#facts.rights.allowedOf(sessions)) {
      if (grant === undefined || seen.has(grant.binding) || EVERYBODY.test(grant.subject)) {
        continue;
      }
      seen.add(grant.binding);
      const [namespace, binding] = grant.kind === "RoleBinding" ? splitName(grant.binding) : ["", grant.binding];
      const made = this.#facts.lineage.object(
        `${grant.kind.toLowerCase()}s.rbac.authorization.k8s.io`,
        namespace,
        binding,
      );
      if (made === undefined || !this.#isTelling(made) || principalId(made.session) === id) {
        continue;
      }
      const from = this.#session(made.session, depth);
      const who = shortName(made.session.identity.name);
      const text = `${who} bound ${grant.roleKind} ${grant.role} by ${grant.kind} ${grant.binding}, which let ${shortName(name)} pass ${requests === 1 ? `once, at ${first}` : `${requests} times from ${first} on`}`;
      this.links.push({ from, to: id, kind: "granted", time: made.time, text, place: made.place });
    }
  }

  #session(session: Session, depth: number): string {
    const id = principalId(session);
    const { name, credential, pod, node } = session.identity;
    return this.principal(
      this.#principals.get(id) ?? { id, name, credential, pod, node, sessions: [session] },
      depth + 1,
    );
  }

  #end(node: string, text: string): void {
    this.ends.push({ node, text });
  }
}

/** What everybody got leads from everybody to everybody. */
const EVERYBODY = /^Group "system:(?:authenticated|serviceaccounts)"$/;
const NO_ID =
  "The requests carry no credential id (OIDC, a webhook, a static token or a proxy): the log cannot tell one credential from another.";
const NO_ID_ACCOUNT =
  "The requests carry no credential id: a token of a Secret (without expiry), or an apiserver before 1.29. No Secret for it was created in this log.";
/** By name of the user: a map, as somebody may be called `constructor`. */
const WITHOUT: ReadonlyMap<string, string> = new Map([
  ["", "No credential was accepted: the chain begins at the network."],
  ["system:anonymous", "No credential was sent: the chain begins at the network."],
  ["system:apiserver", "The apiserver itself."],
]);

function podId(uid: string, namespace: string, name: string): string {
  return uid === "" ? `o:${namespace}/${name}` : `o:${uid}`;
}

function namespaceOf(name: string): string {
  return /^system:serviceaccount:([^:]*):/.exec(name)?.[1] ?? "";
}

/** RBAC names a RoleBinding `web-edit/shop` in its reason: name first, then namespace. */
function splitName(binding: string): readonly [string, string] {
  const slash = binding.indexOf("/");
  return slash === -1 ? ["", binding] : [binding.slice(slash + 1), binding.slice(0, slash)];
}
