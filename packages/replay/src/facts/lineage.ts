import type { EventScan } from "@auditsieve/audit";
import { boundedText } from "../bounded-text.ts";
import { CredentialDeeds } from "./credential-deeds.ts";
import type { CredentialsSnapshot, Deed } from "./credential-deeds.ts";
import { objectKey, readMadeObject } from "./made-object.ts";
import type { MadeObject } from "./made-object.ts";

/** Somebody reached into a pod: a command, a terminal, a tunnel, a debug container. */
export interface Reach extends Deed {
  /** `exec`, `attach`, `portforward`, `proxy`, `ephemeralcontainers`. */
  readonly by: string;
  readonly namespace: string;
  readonly pod: string;
}

const MOST_OBJECTS = 100_000;
/** Of the names of all objects. */
const MOST_LETTERS = 24 * 1024 * 1024;
const MOST_REACHES = 20_000;
const REACHES: ReadonlySet<string> = new Set(["exec", "attach", "portforward", "proxy", "ephemeralcontainers"]);
/** What control loops create all day and no chain leads through. */
const NO_OBJECTS: ReadonlySet<string> = new Set([
  "events",
  "leases",
  "tokenreviews",
  "subjectaccessreviews",
  "selfsubjectaccessreviews",
  "selfsubjectrulesreviews",
  "selfsubjectreviews",
  "localsubjectaccessreviews",
  "controllerrevisions",
  "endpoints",
  "endpointslices",
]);

/** One answered request that succeeded. */
export interface SucceededRequest extends Deed {
  readonly verb: string;
  readonly resource: string;
  readonly issuedCredential: string | undefined;
}

/** Whether a request that succeeded is one that {@link Lineage.add} wants to see. */
export function isLinked({
  kind,
  subresource,
  verb,
  issuedCredential,
}: {
  /** `pods`, `serviceaccounts`: the resource without group and subresource. */
  readonly kind: string;
  readonly subresource: string;
  readonly verb: string;
  readonly issuedCredential: string | undefined;
}): boolean {
  return (
    kind === "certificatesigningrequests" ||
    (issuedCredential !== undefined && kind === "serviceaccounts" && subresource === "token") ||
    (kind === "pods" && REACHES.has(subresource)) ||
    (verb === "create" && subresource === "" && !NO_OBJECTS.has(kind))
  );
}

/** What {@link Lineage.restore} goes on from. */
export interface LineageSnapshot {
  readonly credentials: CredentialsSnapshot;
  readonly byUid: Map<string, MadeObject>;
  readonly byKey: Map<string, MadeObject>;
  readonly reaches: Reach[];
  readonly evicted: number;
}

/** What links one identity's acts to another's: what was made by whom, which credential came from where, who reached into what. */
export class Lineage {
  readonly credentials: CredentialDeeds = new CredentialDeeds();
  #byUid = new Map<string, MadeObject>();
  #byKey = new Map<string, MadeObject>();
  #reaches: Reach[] = [];
  #letters = 0;
  /** Made when it is asked for, of what does not change any more: by pod, and by namespace and service account. */
  #reachesByPod: ReadonlyMap<string, readonly Reach[]> | undefined;
  #tokenSecrets: ReadonlyMap<string, MadeObject> | undefined;
  /** Objects that were left out because there were too many. */
  evicted = 0;

  /** Shown every request that succeeded and is linked; the scan holds its event. Gives the object that it made. */
  add(scan: EventScan, request: SucceededRequest): MadeObject | undefined {
    this.#forgetIndexes();
    const { verb, resource, issuedCredential, session, time, place } = request;
    const deed = { session, time, place };
    const kind = scan.text("objectRef.resource") ?? "";
    const subresource = scan.text("objectRef.subresource") ?? "";
    if (kind === "certificatesigningrequests") {
      this.credentials.addSigning(scan, verb, deed);
    }
    if (issuedCredential !== undefined && kind === "serviceaccounts" && subresource === "token") {
      this.credentials.addToken(scan, issuedCredential, deed);
    } else if (kind === "pods" && REACHES.has(subresource)) {
      this.#reach(scan, subresource, deed);
    } else if (verb === "create" && subresource === "" && !NO_OBJECTS.has(kind)) {
      return this.#made(readMadeObject(scan, { resource, session, time, place }));
    }
    return undefined;
  }

  snapshot(): LineageSnapshot {
    const [byUid, byKey, reaches] = [this.#byUid, this.#byKey, this.#reaches];
    return { credentials: this.credentials.snapshot(), byUid, byKey, reaches, evicted: this.evicted };
  }

  restore({ credentials, byUid, byKey, reaches, evicted }: LineageSnapshot): void {
    this.#forgetIndexes();
    this.credentials.restore(credentials);
    this.#byUid = byUid;
    this.#byKey = byKey;
    this.#letters = [...byKey.values()].reduce((sum, object) => sum + lettersOf(object), 0);
    this.#reaches = reaches;
    this.evicted = evicted;
  }

  objectByUid(uid: string): MadeObject | undefined {
    return this.#byUid.get(uid);
  }

  /** The newest object of this name. */
  object(resource: string, namespace: string, name: string): MadeObject | undefined {
    return this.#byKey.get(objectKey(resource, namespace, name));
  }

  objects(): readonly MadeObject[] {
    return [...this.#byKey.values()];
  }

  /** The Secret that a token without expiry of this service account was made by: the first of them. */
  tokenSecret(namespace: string, serviceAccount: string): MadeObject | undefined {
    const secrets = (this.#tokenSecrets ??= new Map(
      this.objects()
        .filter(({ tokenFor }) => tokenFor !== undefined)
        .map((secret) => [pairOf(secret.namespace, secret.tokenFor ?? ""), secret] as const)
        .toReversed(),
    ));
    return secrets.get(pairOf(namespace, serviceAccount));
  }

  /** Who reached into this pod, before `until` where it is given. */
  reachesInto(namespace: string, pod: string, until?: string): readonly Reach[] {
    const into = (this.#reachesByPod ??= Map.groupBy(this.#reaches, (reach) => pairOf(reach.namespace, reach.pod)));
    return (into.get(pairOf(namespace, pod)) ?? []).filter(({ time }) => until === undefined || time <= until);
  }

  reaches(): readonly Reach[] {
    return this.#reaches;
  }

  #forgetIndexes(): void {
    this.#reachesByPod = undefined;
    this.#tokenSecrets = undefined;
  }

  #made(object: MadeObject): MadeObject {
    while (this.#byKey.size >= MOST_OBJECTS || this.#letters >= MOST_LETTERS) {
      const [oldest] = this.#byKey.values();
      if (oldest === undefined) {
        break;
      }
      this.#byUid.delete(oldest.uid ?? "");
      this.#byKey.delete(oldest.key);
      this.#letters -= lettersOf(oldest);
      this.evicted++;
    }
    const before = this.#byKey.get(object.key);
    this.#letters += lettersOf(object) - (before === undefined ? 0 : lettersOf(before));
    this.#byKey.set(object.key, object);
    if (object.uid !== undefined) {
      this.#byUid.set(object.uid, object);
    }
    return object;
  }

  #reach(scan: EventScan, by: string, deed: Deed): void {
    if (this.#reaches.length < MOST_REACHES) {
      const [namespace = "", pod = ""] = [scan.text("objectRef.namespace"), scan.text("objectRef.name")].map((text) =>
        boundedText(text ?? ""),
      );
      this.#reaches.push({ ...deed, by, namespace, pod });
    }
  }
}

function lettersOf({ key, name, owners }: MadeObject): number {
  return key.length + name.length + owners.reduce((sum, owner) => sum + owner.name.length + owner.uid.length, 0);
}

/** Whatever stands in the names, two pairs are never one. */
function pairOf(namespace: string, name: string): string {
  return JSON.stringify([namespace, name]);
}
