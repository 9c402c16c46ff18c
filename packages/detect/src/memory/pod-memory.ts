import { isDryRunOption, KeyEndings } from "@auditsieve/audit";
import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import { headOf, lacksKeys, listsObjects, partAt, partOf, timeOfEvent } from "../reading/event-parts.ts";
import type { BodyName } from "../reading/event-parts.ts";
import { at, nameOf, objectsAt, textAt } from "./body.ts";
import type { PodChange, ToldEvent } from "./pod-change.ts";
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
const ADDRESS_KEYS = new KeyEndings(["podIP", "podIPs"]);
const POD_IP = ["status", "podIP"];
const POD_IPS = ["status", "podIPs"];
const NO_ADDRESSES: readonly string[] = [];
const NO_PATHS: readonly string[] = [];
const NODE_NAME = ["target", "name"];
const DRY_RUN = ["dryRun"];
const MAX_PATHS = 32;
const MAX_ADDRESSES = 8;
/** Label and field selectors choose among the pods of a namespace. */
const SELECTOR = /[?&](?:label|field)Selector=[^&]/;
/** What is not found at a fixed place of a spec. */
const GRAVE_KEYS = new KeyEndings(["privileged", "hostPath"]);
const SPEC = ["spec"];
const WHOLE: readonly string[] = [];
const HOST_NETWORK = ["spec", "hostNetwork"] as const;
const HOST_PID = ["spec", "hostPID"] as const;
const HOST_IPC = ["spec", "hostIPC"] as const;
const SERVICE_ACCOUNT = ["spec", "serviceAccountName"] as const;
const NODE = ["spec", "nodeName"] as const;
const UID = ["metadata", "uid"] as const;
const NOTHING: Pick<PodFacts, "isSpecKnown" | "privileged" | "hostPath" | "hostNetwork" | "hostPID" | "hostIPC"> = {
  isSpecKnown: false,
  privileged: false,
  hostPath: [],
  hostNetwork: false,
  hostPID: false,
  hostIPC: false,
};

/** Reads below the requestObject. */
type RequestParts = Pick<ToldEvent, "part" | "spells">;

/** Of what a client may choose. */
function lettersOf({ hostPath, createdBy, serviceAccount }: PodFacts): number {
  const letters = (createdBy?.length ?? 0) + (serviceAccount?.length ?? 0);
  return hostPath.length === 0 ? letters : hostPath.reduce((sum, path) => sum + path.length, letters);
}

/** What the pods of a cluster are known to be, from the requests that made and changed them. */
export class PodMemory {
  readonly #pods: RecentMap<PodFacts>;

  constructor(max: number) {
    this.#pods = new RecentMap(max, lettersOf);
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
    const head = headOf(event);
    const verb = head.get("verb");
    const namespace = head.get("objectRef.namespace") as string | undefined;
    if (verb === "deletecollection" && namespace !== undefined) {
      this.#deleteAll(event, namespace);
      return;
    }
    const name = nameOf(event);
    if (namespace === undefined || name === undefined) {
      return;
    }
    const key = `${namespace}/${name}`;
    const subresource = head.get("objectRef.subresource");
    if (subresource === undefined && verb === "create") {
      this.#pods.set(key, created(event));
      return;
    }
    const before = this.#pods.get(key);
    if (subresource === undefined && verb === "delete") {
      this.#delete(key, before, timeOfEvent(event));
    } else if (subresource === "binding") {
      this.#bind(key, before, partOf(event, "requestObject", ...NODE_NAME));
    } else if (subresource === "ephemeralcontainers") {
      const spec = specOf(event, "responseObject") ?? specOf(event, "requestObject");
      const facts = before ?? unseen();
      this.#pods.set(key, { ...facts, privileged: facts.privileged || (spec !== undefined && isPrivileged(spec)) });
    } else if (subresource === "status" && !lacksKeys(event, "requestObject", ADDRESS_KEYS, WHOLE)) {
      this.#address(key, before, {
        part: (keys) => partOf(event, "requestObject", ...keys),
        spells: () => false,
      });
    }
  }

  /** Takes a successful request about a pod into account that changes it so: as {@link PodMemory.observe} would. */
  tell(change: PodChange, told: ToldEvent, time: number): void {
    const key = told.object;
    const before = this.#pods.get(key);
    switch (change) {
      case "deleted":
        if (before?.deletedAt === undefined && !isDryRunOption(told.part(DRY_RUN))) {
          this.#delete(key, before, time);
        }
        break;
      case "bound":
        this.#bind(key, before, told.part(NODE_NAME));
        break;
      case "addressed":
        this.#address(key, before, told);
        break;
      default: {
        const never: never = change;
        return never;
      }
    }
  }

  /** The answer names the pods where it is written; without a selector they are all of the namespace that are known. */
  #deleteAll(event: AuditEvent, namespace: string): void {
    const time = timeOfEvent(event);
    if (SELECTOR.test(event.requestURI)) {
      for (const pod of objectsAt(partOf(event, "responseObject", "items"))) {
        const name = textAt(pod, "metadata", "name");
        if (name !== undefined) {
          const key = `${namespace}/${name}`;
          this.#delete(key, this.#pods.get(key), time);
        }
      }
      return;
    }
    for (const key of [...this.#pods.keys()].filter((one) => one.startsWith(`${namespace}/`))) {
      this.#delete(key, this.#pods.get(key), time);
    }
  }

  #delete(key: string, before: PodFacts | undefined, time: number): void {
    // A pod is deleted several times: by its owner, then by its node.
    if (before?.deletedAt === undefined) {
      this.#pods.set(key, { ...(before ?? unseen()), deletedAt: time });
    }
  }

  #bind(key: string, before: PodFacts | undefined, name: JsonValue | undefined): void {
    const node = textAt(name);
    if (before === undefined || (node !== undefined && node !== before.node)) {
      this.#pods.set(key, { ...(before ?? unseen()), ...(node !== undefined && { node }) });
    }
  }

  #address(key: string, before: PodFacts | undefined, told: RequestParts): void {
    const known = before?.addresses ?? NO_ADDRESSES;
    const addresses = withAddresses(known, told);
    if (addresses !== known) {
      this.#pods.set(key, { ...(before ?? unseen()), addresses: addresses.slice(-MAX_ADDRESSES) });
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

/** Those that are known and behind them the others that the status in the request names, each once; the same list where there is no other. */
function withAddresses(known: readonly string[], told: RequestParts): readonly string[] {
  const last = known.at(-1);
  const isKnown = last !== undefined && told.spells(POD_IP, '"', last, '"');
  const all = isKnown ? known : withAddress(known, textAt(told.part(POD_IP)));
  const latest = all.at(-1);
  // As the kubelet writes a pod's only address.
  return latest !== undefined && told.spells(POD_IPS, '[{"ip":"', latest, '"}]')
    ? all
    : objectsAt(told.part(POD_IPS)).reduce((some, address) => withAddress(some, textAt(address, "ip")), all);
}

function withAddress(some: readonly string[], address: string | undefined): readonly string[] {
  return address === undefined || some.includes(address) ? some : [...some, address];
}

function unseen(): PodFacts {
  return { ...NOTHING, addresses: [], createdAt: Number.NEGATIVE_INFINITY };
}

function created(event: AuditEvent): PodFacts {
  // The answer shows what admission made of it.
  const told = specTold(event, "responseObject") ?? specTold(event, "requestObject");
  const uid = textAt(partAt(event, "responseObject", UID)) ?? event.objectRef?.uid;
  return new CreatedPod(told, uid, headOf(event).get("user.username") as string | undefined, timeOfEvent(event));
}

/** Pods are made by the thousand: its fields are set one by one, in the order in which they are written to snapshots, and not copied together. */
class CreatedPod implements PodFacts {
  declare readonly isSpecKnown: boolean;
  declare readonly privileged: boolean;
  declare readonly hostPath: readonly string[];
  declare readonly hostNetwork: boolean;
  declare readonly hostPID: boolean;
  declare readonly hostIPC: boolean;
  declare readonly uid?: string;
  declare readonly serviceAccount?: string;
  declare readonly node?: string;
  declare readonly createdBy?: string;
  declare readonly addresses: readonly string[];
  declare readonly createdAt: number;

  constructor(told: SpecTold | undefined, uid: string | undefined, createdBy: string | undefined, createdAt: number) {
    const { isSpecKnown, privileged, hostPath, hostNetwork, hostPID, hostIPC } = told ?? NOTHING;
    this.isSpecKnown = isSpecKnown;
    this.privileged = privileged;
    this.hostPath = hostPath;
    this.hostNetwork = hostNetwork;
    this.hostPID = hostPID;
    this.hostIPC = hostIPC;
    if (uid !== undefined) {
      this.uid = uid;
    }
    if (told?.serviceAccount !== undefined) {
      this.serviceAccount = told.serviceAccount;
    }
    if (told?.node !== undefined) {
      this.node = told.node;
    }
    if (createdBy !== undefined) {
      this.createdBy = createdBy;
    }
    this.addresses = NO_ADDRESSES;
    this.createdAt = createdAt;
  }
}

type SpecTold = typeof NOTHING & { readonly serviceAccount: string | undefined; readonly node: string | undefined };

/** What the body says by its spec; undefined where it has none. */
function specTold(event: AuditEvent, body: BodyName): SpecTold | undefined {
  // Of most pods nothing need be parsed.
  const isPlain = listsObjects(event, body, "spec", "containers") && lacksKeys(event, body, GRAVE_KEYS, SPEC);
  const spec = isPlain ? undefined : specOf(event, body);
  if (!isPlain && spec === undefined) {
    return undefined;
  }
  const read = (path: readonly [string, string]): JsonValue | undefined =>
    isPlain ? partAt(event, body, path) : at(spec, path[1]);
  return {
    isSpecKnown: true,
    privileged: spec !== undefined && isPrivileged(spec),
    hostPath: spec === undefined ? NO_PATHS : hostPathsOf(spec),
    hostNetwork: read(HOST_NETWORK) === true,
    hostPID: read(HOST_PID) === true,
    hostIPC: read(HOST_IPC) === true,
    serviceAccount: textAt(read(SERVICE_ACCOUNT)),
    node: textAt(read(NODE)),
  };
}

function specOf(event: AuditEvent, body: BodyName): JsonValue | undefined {
  const spec = partOf(event, body, "spec");
  return objectsAt(spec, "containers").length > 0 || objectsAt(spec, "ephemeralContainers").length > 0
    ? spec
    : undefined;
}

function hostPathsOf(spec: JsonValue): readonly string[] {
  return objectsAt(spec, "volumes")
    .flatMap((volume) => textAt(volume, "hostPath", "path") ?? [])
    .slice(0, MAX_PATHS);
}

function isPrivileged(spec: JsonValue): boolean {
  return CONTAINERS.some((kind) =>
    objectsAt(spec, kind).some((container) => at(container, "securityContext", "privileged") === true),
  );
}
