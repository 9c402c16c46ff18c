import { isDryRunOption, KeyEndings, KeyPaths } from "@auditsieve/audit";
import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import { findPaths, headOf, lacksKeys, partOf, timeOfEvent } from "../reading/event-parts.ts";
import { at, nameOf, objectsAt, textAt } from "./body.ts";
import type { PodChange, ToldEvent } from "./pod-change.ts";
import { RecentMap } from "./recent-map.ts";
import type { MapWatch } from "./recent-map.ts";

/** What a pod's spec says, as the request or the answer of its creation showed it. */
interface Spec {
  /** Whether it was recorded; what follows is known only then. */
  readonly isSpecKnown: boolean;
  readonly privileged: boolean;
  readonly hostPath: readonly string[];
  readonly hostNetwork: boolean;
  readonly hostPID: boolean;
  readonly hostIPC: boolean;
  readonly serviceAccount?: string | undefined;
}

/** What is remembered of one pod. */
export interface PodFacts extends Spec {
  readonly uid?: string | undefined;
  readonly node?: string | undefined;
  readonly createdBy?: string | undefined;
  readonly addresses: readonly string[];
  /** Event time in ms. */
  readonly createdAt: number;
  readonly deletedAt?: number | undefined;
}

/** What later requests change of it. */
type Changes = Partial<Pick<PodFacts, "privileged" | "node" | "addresses" | "deletedAt">>;

const KINDS_OF_CONTAINERS = ["containers", "initContainers", "ephemeralContainers"] as const;
const ADDRESS_KEYS = new KeyEndings(["podIP", "podIPs"]);
const NO_ADDRESSES: readonly string[] = [];
const NO_PATHS: readonly string[] = [];
/** What a request says that changes a pod, by these numbers. */
const CHANGE = new KeyPaths([["dryRun"], ["target", "name"], ["status", "podIP"], ["status", "podIPs"]]);
const DRY_RUN = 0;
const NODE_NAME = 1;
const POD_IP = 2;
const POD_IPS = 3;
const MAX_PATHS = 32;
const MAX_ADDRESSES = 8;
/** Label and field selectors choose among the pods of a namespace. */
const SELECTOR = /[?&](?:label|field)Selector=[^&]/;
/** What is not found at a fixed place of a spec. */
const GRAVE_KEYS = new KeyEndings(["privileged", "hostPath"]);
/** What a pod says of itself, by these numbers. */
const POD = new KeyPaths([
  ["metadata", "name"],
  ["metadata", "uid"],
  ["spec"],
  ["spec", "containers"],
  ["spec", "hostNetwork"],
  ["spec", "hostPID"],
  ["spec", "hostIPC"],
  ["spec", "serviceAccountName"],
  ["spec", "nodeName"],
]);
const NAME = 0;
const UID = 1;
const SPEC = 2;
const CONTAINERS = 3;
const HOST_NETWORK = 4;
const HOST_PID = 5;
const HOST_IPC = 6;
const SERVICE_ACCOUNT = 7;
const NODE = 8;
const NOTHING: Spec = {
  isSpecKnown: false,
  privileged: false,
  hostPath: [],
  hostNetwork: false,
  hostPID: false,
  hostIPC: false,
};

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
    const subresource = head.get("objectRef.subresource");
    if (namespace !== undefined && subresource === undefined && verb === "create") {
      this.#create(event, namespace);
      return;
    }
    const name = nameOf(event);
    if (namespace === undefined || name === undefined) {
      return;
    }
    const key = `${namespace}/${name}`;
    const before = this.#pods.get(key);
    if (subresource === undefined && verb === "delete") {
      this.#delete(key, before, timeOfEvent(event));
    } else if (subresource === "binding") {
      findPaths(event, "requestObject", CHANGE);
      this.#bind(key, before, CHANGE.value(NODE_NAME));
    } else if (subresource === "ephemeralcontainers") {
      const spec =
        withContainers(partOf(event, "responseObject", "spec")) ??
        withContainers(partOf(event, "requestObject", "spec"));
      const facts = before ?? unseen();
      const privileged = facts.privileged || (spec !== undefined && isPrivileged(spec));
      this.#pods.set(key, changed(facts, { privileged }));
    } else if (subresource === "status" && !lacksKeys(event, "requestObject", ADDRESS_KEYS)) {
      findPaths(event, "requestObject", CHANGE);
      this.#address(key, before);
    }
  }

  /** Takes a successful request about a pod into account that changes it so: as {@link PodMemory.observe} would. */
  tell(change: PodChange, told: ToldEvent, time: number): void {
    const key = told.object;
    if (change === "deleted" && this.#pods.fresh(key)?.deletedAt !== undefined) {
      // Of a pod that is known to be deleted there is nothing to learn, whether this one was a trial or not.
      return;
    }
    told.find(CHANGE);
    if (change === "deleted" && isDryRunOption(CHANGE.value(DRY_RUN))) {
      return;
    }
    const before = this.#pods.get(key);
    switch (change) {
      case "deleted":
        this.#delete(key, before, time);
        break;
      case "bound":
        this.#bind(key, before, CHANGE.value(NODE_NAME));
        break;
      case "addressed":
        this.#address(key, before);
        break;
      default: {
        const never: never = change;
        return never;
      }
    }
  }

  #create(event: AuditEvent, namespace: string): void {
    const head = headOf(event);
    findPaths(event, "responseObject", POD);
    let name = (head.get("objectRef.name") as string | null | undefined) ?? textAt(POD.value(NAME));
    const uid = textAt(POD.value(UID)) ?? event.objectRef?.uid;
    // The answer shows what admission made of it.
    let spec = specFound();
    if (name === undefined || spec === undefined) {
      findPaths(event, "requestObject", POD);
      name ??= textAt(POD.value(NAME));
      spec ??= specFound();
    }
    if (name === undefined) {
      return;
    }
    const createdBy = head.get("user.username") as string | undefined;
    const facts = { uid, createdBy, addresses: NO_ADDRESSES, createdAt: timeOfEvent(event) };
    this.#pods.set(`${namespace}/${name}`, new KnownPod(spec ?? NOTHING, facts, { node: spec?.node }));
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
      this.#pods.set(key, changed(before ?? unseen(), { deletedAt: time }));
    }
  }

  #bind(key: string, before: PodFacts | undefined, name: JsonValue | undefined): void {
    const node = textAt(name);
    if (before === undefined || (node !== undefined && node !== before.node)) {
      this.#pods.set(key, changed(before ?? unseen(), { node }));
    }
  }

  /** By what {@link CHANGE} has found. */
  #address(key: string, before: PodFacts | undefined): void {
    const known = before?.addresses ?? NO_ADDRESSES;
    const addresses = withAddresses(known);
    if (addresses !== known) {
      this.#pods.set(key, changed(before ?? unseen(), { addresses: addresses.slice(-MAX_ADDRESSES) }));
    }
  }

  /** For {@link PodMemory.restore}: as text, in parts. */
  snapshot(): Iterable<string> {
    // JSON leaves out what is undefined.
    return this.#pods.snapshot((facts) => ({ ...facts }) as unknown as JsonValue);
  }

  restore(snapshot: unknown): void {
    this.#pods.restore(snapshot, (value) =>
      typeof value === "object" && value !== null ? (value as PodFacts) : undefined,
    );
  }
}

/** Those that are known and behind them the others that the status names that {@link CHANGE} has found, each once; the same list where there is no other. */
function withAddresses(known: readonly string[]): readonly string[] {
  const last = known.at(-1);
  const isKnown = last !== undefined && CHANGE.spells(POD_IP, '"', last, '"');
  const all = isKnown ? known : withAddress(known, textAt(CHANGE.value(POD_IP)));
  const latest = all.at(-1);
  // As the kubelet writes a pod's only address.
  return latest !== undefined && CHANGE.spells(POD_IPS, '[{"ip":"', latest, '"}]')
    ? all
    : objectsAt(CHANGE.value(POD_IPS)).reduce((some, address) => withAddress(some, textAt(address, "ip")), all);
}

function withAddress(some: readonly string[], address: string | undefined): readonly string[] {
  return address === undefined || some.includes(address) ? some : [...some, address];
}

function unseen(): PodFacts {
  return new KnownPod(NOTHING, { addresses: NO_ADDRESSES, createdAt: Number.NEGATIVE_INFINITY }, {});
}

function changed(facts: PodFacts, changes: Changes): PodFacts {
  return new KnownPod(facts, facts, changes);
}

/** Pods are made and changed by the thousand: all have the same fields, set one by one in the order in which they are written to snapshots. */
class KnownPod implements PodFacts {
  declare readonly isSpecKnown: boolean;
  declare readonly privileged: boolean;
  declare readonly hostPath: readonly string[];
  declare readonly hostNetwork: boolean;
  declare readonly hostPID: boolean;
  declare readonly hostIPC: boolean;
  declare readonly uid: string | undefined;
  declare readonly serviceAccount: string | undefined;
  declare readonly node: string | undefined;
  declare readonly createdBy: string | undefined;
  declare readonly addresses: readonly string[];
  declare readonly createdAt: number;
  declare readonly deletedAt: number | undefined;

  constructor(spec: Spec, facts: Omit<PodFacts, keyof Spec>, changes: Changes) {
    this.isSpecKnown = spec.isSpecKnown;
    this.privileged = changes.privileged ?? spec.privileged;
    this.hostPath = spec.hostPath;
    this.hostNetwork = spec.hostNetwork;
    this.hostPID = spec.hostPID;
    this.hostIPC = spec.hostIPC;
    this.uid = facts.uid;
    this.serviceAccount = spec.serviceAccount;
    this.node = changes.node ?? facts.node;
    this.createdBy = facts.createdBy;
    this.addresses = changes.addresses ?? facts.addresses;
    this.createdAt = facts.createdAt;
    this.deletedAt = changes.deletedAt ?? facts.deletedAt;
  }
}

/** What {@link POD} has found of a spec; undefined where there is none. */
function specFound(): (Spec & Pick<PodFacts, "node">) | undefined {
  // Of most pods nothing need be parsed.
  const isPlain = POD.listsObjects(CONTAINERS) && POD.lacks(SPEC, GRAVE_KEYS);
  const spec = isPlain ? undefined : withContainers(POD.value(SPEC));
  if (!isPlain && spec === undefined) {
    return undefined;
  }
  return {
    isSpecKnown: true,
    privileged: spec !== undefined && isPrivileged(spec),
    hostPath: spec === undefined ? NO_PATHS : hostPathsOf(spec),
    hostNetwork: POD.value(HOST_NETWORK) === true,
    hostPID: POD.value(HOST_PID) === true,
    hostIPC: POD.value(HOST_IPC) === true,
    serviceAccount: textAt(POD.value(SERVICE_ACCOUNT)),
    node: textAt(POD.value(NODE)),
  };
}

/** The spec, if it is one. */
function withContainers(spec: JsonValue | undefined): JsonValue | undefined {
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
  return KINDS_OF_CONTAINERS.some((kind) =>
    objectsAt(spec, kind).some((container) => at(container, "securityContext", "privileged") === true),
  );
}
