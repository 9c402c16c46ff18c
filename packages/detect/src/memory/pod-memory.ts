import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import { lacksKey, partOf } from "../event-parts.ts";
import type { BodyName } from "../event-parts.ts";
import { at, nameOf, objectsAt, textAt, timeOf } from "./body.ts";
import { RecentMap } from "./recent-map.ts";
import type { MapWatch } from "./recent-map.ts";

/** What is remembered of one pod. Specs are those that the request or the answer of its creation showed. */
export interface PodFacts {
  readonly uid?: string;
  /** Whether its spec was recorded; what follows is known only then. */
  readonly isSpecKnown: boolean;
  readonly privileged: boolean;
  readonly hostPath: readonly string[];
  readonly hostNetwork: boolean;
  readonly hostPID: boolean;
  readonly hostIPC: boolean;
  readonly serviceAccount?: string;
  readonly node?: string;
  readonly createdBy?: string;
  readonly addresses: readonly string[];
  /** Event time in ms. */
  readonly createdAt: number;
  readonly deletedAt?: number;
}

const CONTAINERS = ["containers", "initContainers", "ephemeralContainers"] as const;
const ADDRESS_KEYS = ["podIP", "podIPs"] as const;
const MAX_PATHS = 32;
/** Label and field selectors choose among the pods of a namespace. */
const SELECTOR = /[?&](?:label|field)Selector=[^&]/;
const NOTHING = {
  isSpecKnown: false,
  privileged: false,
  hostPath: [],
  hostNetwork: false,
  hostPID: false,
  hostIPC: false,
};

/** What the pods of a cluster are known to be, from the requests that made and changed them. */
export class PodMemory {
  readonly #pods: RecentMap<PodFacts>;

  constructor(max: number) {
    this.#pods = new RecentMap(max);
  }

  get evicted(): number {
    return this.#pods.evicted;
  }

  /** Has changes told, by `namespace/name`. */
  watch(pods: MapWatch): void {
    this.#pods.watch(pods);
  }

  find(namespace: string, name: string): PodFacts | undefined {
    return this.#pods.get(`${namespace}/${name}`);
  }

  /** Takes a successful request about a pod into account. */
  observe(event: AuditEvent): void {
    // A body may be parsed when it is first read: none is read that is not needed.
    const { objectRef: ref, verb } = event;
    const namespace = ref?.namespace;
    if (verb === "deletecollection" && namespace !== undefined) {
      this.#deleteAll(event, namespace);
      return;
    }
    const name = nameOf(event);
    if (namespace === undefined || name === undefined) {
      return;
    }
    const key = `${namespace}/${name}`;
    const before = this.#pods.get(key);
    if (ref?.subresource === undefined && verb === "create") {
      this.#pods.set(key, created(event));
    } else if (ref?.subresource === undefined && verb === "delete") {
      this.#delete(key, timeOf(event));
    } else if (ref?.subresource === "binding") {
      const node = textAt(partOf(event, "requestObject", "target", "name"));
      if (before === undefined || (node !== undefined && node !== before.node)) {
        this.#pods.set(key, { ...(before ?? unseen()), ...(node !== undefined && { node }) });
      }
    } else if (ref?.subresource === "ephemeralcontainers") {
      const spec = specOf(event, "responseObject") ?? specOf(event, "requestObject");
      const facts = before ?? unseen();
      this.#pods.set(key, { ...facts, privileged: facts.privileged || (spec !== undefined && isPrivileged(spec)) });
    } else if (ref?.subresource === "status") {
      const isSilent = ADDRESS_KEYS.every((key) => lacksKey(event, "requestObject", key));
      const status = isSilent ? undefined : partOf(event, "requestObject", "status");
      const given = [textAt(status, "podIP"), ...objectsAt(status, "podIPs").map((ip) => textAt(ip, "ip"))];
      const addresses = new Set([...(before?.addresses ?? []), ...given.filter((ip) => ip !== undefined)]);
      if (addresses.size > (before?.addresses.length ?? 0)) {
        this.#pods.set(key, { ...(before ?? unseen()), addresses: [...addresses].slice(-8) });
      }
    }
  }

  /** The answer names the pods where it is written; without a selector they are all of the namespace that are known. */
  #deleteAll(event: AuditEvent, namespace: string): void {
    const time = timeOf(event);
    if (SELECTOR.test(event.requestURI)) {
      for (const pod of objectsAt(partOf(event, "responseObject", "items"))) {
        const name = textAt(pod, "metadata", "name");
        if (name !== undefined) {
          this.#delete(`${namespace}/${name}`, time);
        }
      }
      return;
    }
    for (const key of [...this.#pods.keys()].filter((one) => one.startsWith(`${namespace}/`))) {
      this.#delete(key, time);
    }
  }

  #delete(key: string, time: number): void {
    const before = this.#pods.get(key);
    // A pod is deleted several times: by its owner, then by its node.
    if (before?.deletedAt === undefined) {
      this.#pods.set(key, { ...(before ?? unseen()), deletedAt: time });
    }
  }

  snapshot(): JsonValue {
    return this.#pods.snapshot((facts) => ({ ...facts }));
  }

  restore(snapshot: unknown): void {
    this.#pods.restore(snapshot, (value) =>
      typeof value === "object" && value !== null ? (value as PodFacts) : undefined,
    );
  }
}

function unseen(): PodFacts {
  return { ...NOTHING, addresses: [], createdAt: Number.NEGATIVE_INFINITY };
}

function created(event: AuditEvent): PodFacts {
  const { user } = event;
  // The answer shows what admission made of it.
  const spec = specOf(event, "responseObject") ?? specOf(event, "requestObject");
  const uid = textAt(partOf(event, "responseObject", "metadata", "uid")) ?? event.objectRef?.uid;
  const serviceAccount = textAt(spec, "serviceAccountName");
  const node = textAt(spec, "nodeName");
  return {
    ...NOTHING,
    ...(uid !== undefined && { uid }),
    ...(spec && {
      isSpecKnown: true,
      privileged: isPrivileged(spec),
      hostPath: objectsAt(spec, "volumes")
        .flatMap((volume) => textAt(volume, "hostPath", "path") ?? [])
        .slice(0, MAX_PATHS),
      hostNetwork: at(spec, "hostNetwork") === true,
      hostPID: at(spec, "hostPID") === true,
      hostIPC: at(spec, "hostIPC") === true,
    }),
    ...(serviceAccount !== undefined && { serviceAccount }),
    ...(node !== undefined && { node }),
    ...(user.username !== undefined && { createdBy: user.username }),
    addresses: [],
    createdAt: timeOf(event),
  };
}

function specOf(event: AuditEvent, body: BodyName): JsonValue | undefined {
  const spec = partOf(event, body, "spec");
  return objectsAt(spec, "containers").length > 0 || objectsAt(spec, "ephemeralContainers").length > 0
    ? spec
    : undefined;
}

function isPrivileged(spec: JsonValue): boolean {
  return CONTAINERS.some((kind) =>
    objectsAt(spec, kind).some((container) => at(container, "securityContext", "privileged") === true),
  );
}
