import { isDryRunOption, KeyEndings, KeyPaths } from "@auditsieve/audit";
import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import { findPaths, headOf, lacksKeys, partAt, partOf, timeOfEvent } from "../reading/event-parts.ts";
import { at, nameOf, objectsAt, textAt, textOf } from "./body.ts";
import { KnownPod, readPod, UNSEEN, writePod } from "./pod-facts.ts";
import type { PodFacts } from "./pod-facts.ts";
import type { PodChange, ToldEvent } from "./pod-change.ts";
import { RecentMap } from "./recent-map.ts";
import type { MapWatch } from "./recent-map.ts";

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
const UNSEEN_POD = new KnownPod(UNSEEN, undefined, NO_ADDRESSES, undefined);
const MAX_PATHS = 32;
const MAX_ADDRESSES = 8;
/** Label and field selectors choose among the pods of a namespace. */
const SELECTOR = /[?&](?:label|field)Selector=[^&]/;
/** What is not found at a fixed place of a spec. */
const GRAVE_KEYS = new KeyEndings(["privileged", "hostPath"]);
const NAME_PATH = ["metadata", "name"] as const;
/** What a pod says of itself, by these numbers. */
const POD = new KeyPaths([
  NAME_PATH,
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

/** Of what a client may choose. */
function lettersOf({ made: { hostPath, createdBy, serviceAccount } }: KnownPod): number {
  const letters = (createdBy?.length ?? 0) + (serviceAccount?.length ?? 0);
  return hostPath.length === 0 ? letters : hostPath.reduce((sum, path) => sum + path.length, letters);
}

/** What the pods of a cluster are known to be, from the requests that made and changed them. */
export class PodMemory {
  readonly #pods: RecentMap<KnownPod>;

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
      const { made, node, addresses, deletedAt } = before ?? UNSEEN_POD;
      const privileged = made.privileged || (spec !== undefined && isPrivileged(spec));
      this.#pods.set(key, new KnownPod({ ...made, privileged }, node, addresses, deletedAt));
    } else if (subresource === "status" && !lacksKeys(event, "requestObject", ADDRESS_KEYS)) {
      findPaths(event, "requestObject", CHANGE);
      this.#address(key, before);
    }
  }

  /** Takes a successful request about a pod into account that changes it so: as {@link PodMemory.observe} would. */
  tell(change: PodChange, told: ToldEvent, time: number): void {
    const key = told.object;
    const fresh = this.#pods.fresh(key);
    if (change === "deleted" && fresh?.deletedAt !== undefined) {
      // Of a pod that is known to be deleted there is nothing to learn, whether this one was a trial or not.
      return;
    }
    told.find(CHANGE);
    if (change === "deleted" && isDryRunOption(CHANGE.value(DRY_RUN))) {
      return;
    }
    const before = fresh ?? this.#pods.get(key);
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
    const name =
      (head.get("objectRef.name") as string | null | undefined) ??
      textOf(POD.value(NAME)) ??
      textOf(partAt(event, "requestObject", NAME_PATH));
    if (name === undefined) {
      // Where no bodies are written, the event need not be parsed for the rest.
      return;
    }
    const uid = textOf(POD.value(UID)) ?? event.objectRef?.uid;
    const createdBy = head.get("user.username") as string | undefined;
    const createdAt = timeOfEvent(event);
    // The answer shows what admission made of it.
    let pod = podFound(uid, createdBy, createdAt);
    if (pod === undefined) {
      findPaths(event, "requestObject", POD);
      pod = podFound(uid, createdBy, createdAt);
    }
    pod ??= new KnownPod({ ...UNSEEN, uid, createdBy, createdAt }, undefined, NO_ADDRESSES, undefined);
    this.#pods.set(`${namespace}/${name}`, pod);
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
    for (const key of this.#pods.keysFrom(`${namespace}/`)) {
      this.#delete(key, this.#pods.get(key), time);
    }
  }

  #delete(key: string, before: KnownPod | undefined, time: number): void {
    // A pod is deleted several times: by its owner, then by its node.
    if (before?.deletedAt === undefined) {
      const { made, node, addresses } = before ?? UNSEEN_POD;
      this.#pods.set(key, new KnownPod(made, node, addresses, time));
    }
  }

  #bind(key: string, before: KnownPod | undefined, name: JsonValue | undefined): void {
    const node = textOf(name);
    if (before === undefined || (node !== undefined && node !== before.node)) {
      const { made, node: known, addresses, deletedAt } = before ?? UNSEEN_POD;
      this.#pods.set(key, new KnownPod(made, node ?? known, addresses, deletedAt));
    }
  }

  /** By what {@link CHANGE} has found. */
  #address(key: string, before: KnownPod | undefined): void {
    const known = before?.addresses ?? NO_ADDRESSES;
    const addresses = withAddresses(known);
    if (addresses !== known) {
      const { made, node, deletedAt } = before ?? UNSEEN_POD;
      const last = addresses.length > MAX_ADDRESSES ? addresses.slice(-MAX_ADDRESSES) : addresses;
      this.#pods.set(key, new KnownPod(made, node, last, deletedAt));
    }
  }

  /** For {@link PodMemory.restore}: as text, in parts. */
  snapshot(): Iterable<string> {
    return this.#pods.snapshot(writePod);
  }

  restore(snapshot: unknown): void {
    this.#pods.restore(snapshot, readPod);
  }
}

/** Those that are known and behind them the others that the status names that {@link CHANGE} has found, each once; the same list where there is no other. */
function withAddresses(known: readonly string[]): readonly string[] {
  const last = known.at(-1);
  const isKnown = last !== undefined && CHANGE.spells(POD_IP, '"', last, '"');
  let all = isKnown ? known : withAddress(known, textOf(CHANGE.value(POD_IP)));
  const latest = all.at(-1);
  // As the kubelet writes a pod's only address.
  if (latest === undefined || !CHANGE.spells(POD_IPS, '[{"ip":"', latest, '"}]')) {
    for (const address of objectsAt(CHANGE.value(POD_IPS))) {
      all = withAddress(all, textAt(address, "ip"));
    }
  }
  return all;
}

function withAddress(some: readonly string[], address: string | undefined): readonly string[] {
  if (address === undefined || some.includes(address)) {
    return some;
  }
  // What is spread into a list has room for more behind it, and is held as long as the pod.
  return some.length === 0 ? [address] : [...some, address];
}

/** The pod with the spec that {@link POD} has found; undefined where there is none. */
function podFound(uid: string | undefined, createdBy: string | undefined, createdAt: number): KnownPod | undefined {
  // Of most pods nothing need be parsed.
  const isPlain = POD.listsObjects(CONTAINERS) && POD.lacks(SPEC, GRAVE_KEYS);
  const spec = isPlain ? undefined : withContainers(POD.value(SPEC));
  if (!isPlain && spec === undefined) {
    return undefined;
  }
  const made = {
    isSpecKnown: true,
    privileged: spec !== undefined && isPrivileged(spec),
    hostPath: spec === undefined ? NO_PATHS : hostPathsOf(spec),
    hostNetwork: POD.value(HOST_NETWORK) === true,
    hostPID: POD.value(HOST_PID) === true,
    hostIPC: POD.value(HOST_IPC) === true,
    serviceAccount: textOf(POD.value(SERVICE_ACCOUNT)),
    uid,
    createdBy,
    createdAt,
  };
  return new KnownPod(made, textOf(POD.value(NODE)), NO_ADDRESSES, undefined);
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
