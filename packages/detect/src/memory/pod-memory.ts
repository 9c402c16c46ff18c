import { isDryRunOption, KeyEndings, KeyPaths } from "@auditsieve/audit";
import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import { findPaths, headOf, lacksKeys, partAt, partOf, rootOf, timeOfEvent } from "../reading/event-parts.ts";
import { objectOfPatch } from "../condition/patched-object.ts";
import { at, nameOf, objectsAt, textAt, textOf } from "./body.ts";
import { FreshPods } from "./fresh-pods.ts";
import { KnownPod, readPod, UNSEEN, writePod } from "./pod-facts.ts";
import type { MadePod, PodFacts } from "./pod-facts.ts";
import type { PodChange, ToldEvent } from "./pod-change.ts";
import { RecentMap } from "./recent-map.ts";
import type { MapWatch } from "./recent-map.ts";

const KINDS_OF_CONTAINERS = ["containers", "initContainers", "ephemeralContainers"] as const;
const ADDRESS_KEYS = new KeyEndings(["podIP", "podIPs"]);
const NO_PATHS: readonly string[] = [];
/** What a request says that changes a pod, by these numbers. */
const CHANGE = new KeyPaths([["dryRun"], ["target", "name"], ["status", "podIP"], ["status", "podIPs"]]);
const DRY_RUN = 0;
const NODE_NAME = 1;
const POD_IP = 2;
const POD_IPS = 3;
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

/** Of what each takes beside its own. */
const LETTERS_A_PATH = 32;

/** Of what a client may choose. */
function lettersOf({ made: { hostPath, createdBy, serviceAccount } }: KnownPod): number {
  const letters = (createdBy?.length ?? 0) + (serviceAccount?.length ?? 0);
  return hostPath.length === 0 ? letters : hostPath.reduce((sum, path) => sum + path.length + LETTERS_A_PATH, letters);
}

/** What the pods of a cluster are known to be, from the requests that made and changed them. */
export class PodMemory {
  readonly #pods: RecentMap<KnownPod>;
  readonly #fresh: FreshPods;

  constructor(max: number) {
    this.#pods = new RecentMap(max, lettersOf);
    this.#fresh = new FreshPods(this.#pods, max);
  }

  get evicted(): number {
    return this.#pods.evicted;
  }

  /** Has changes told, by `namespace/name`. */
  watch(pods: MapWatch): void {
    this.#pods.watch(pods);
  }

  find(namespace: string, name: string): PodFacts | undefined {
    return this.#pods.get(`${namespace}/${name}`)?.facts;
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
    const known = this.#pods.get(key);
    const pod = known ?? new KnownPod(key);
    if (subresource === undefined && verb === "delete") {
      this.#changed(pod, known, pod.delete(timeOfEvent(event)));
    } else if (subresource === "binding") {
      findPaths(event, "requestObject", CHANGE);
      this.#changed(pod, known, bind(pod) || known === undefined);
    } else if (subresource === "ephemeralcontainers") {
      const spec =
        withContainers(partOf(event, "responseObject", "spec")) ??
        withContainers(partOf(event, "requestObject", "spec")) ??
        withContainers(patchedSpec(event));
      this.#changed(pod, known, pod.extend(spec !== undefined && isPrivileged(spec)));
    } else if (subresource === "status" && !lacksKeys(event, "requestObject", ADDRESS_KEYS)) {
      findPaths(event, "requestObject", CHANGE);
      this.#changed(pod, known, address(pod));
    }
  }

  /** Takes a successful request about a pod into account that changes it so: as {@link PodMemory.observe} would. */
  tell(change: PodChange, told: ToldEvent, time: number): void {
    const fresh = this.#fresh.told(told);
    if (change === "deleted" && fresh?.isDeleted === true) {
      // Of a pod that is known to be deleted there is nothing to learn, whether this one was a trial or not.
      return;
    }
    told.find(CHANGE);
    if (change === "deleted" && isDryRunOption(CHANGE.value(DRY_RUN))) {
      return;
    }
    const known = fresh ?? this.#pods.get(told.object);
    const pod = known ?? new KnownPod(told.object);
    switch (change) {
      case "deleted":
        this.#changed(pod, known, pod.delete(time));
        break;
      case "bound":
        this.#changed(pod, known, bind(pod) || known === undefined);
        break;
      case "addressed":
        this.#changed(pod, known, address(pod));
        break;
      default: {
        const never: never = change;
        return never;
      }
    }
  }

  /** The pod has been asked for, and is `known` if there is one; now it is changed, or as it was. */
  #changed(pod: KnownPod, known: KnownPod | undefined, isChanged: boolean): void {
    if (known === undefined && isChanged) {
      this.#pods.set(pod.key, pod);
    } else if (isChanged) {
      this.#pods.rewritten(pod.key);
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
    // The answer shows what admission made of it.
    let made = madeFound(createdBy);
    if (made === undefined) {
      findPaths(event, "requestObject", POD);
      made = madeFound(createdBy);
    }
    const node = made && textOf(POD.value(NODE));
    const known = this.#fresh.named(namespace, name);
    const pod = known ?? new KnownPod(`${namespace}/${name}`);
    pod.make(made ?? { ...UNSEEN, createdBy }, uid, timeOfEvent(event), node);
    if (known === undefined) {
      this.#pods.set(pod.key, pod);
      this.#fresh.add(pod);
    } else {
      this.#pods.rewritten(pod.key, pod);
    }
  }

  /** The answer names the pods where it is written; without a selector they are all of the namespace that are known. */
  #deleteAll(event: AuditEvent, namespace: string): void {
    const time = timeOfEvent(event);
    if (SELECTOR.test(event.requestURI)) {
      for (const pod of objectsAt(partOf(event, "responseObject", "items"))) {
        const name = textAt(pod, "metadata", "name");
        if (name !== undefined) {
          this.#delete(`${namespace}/${name}`, time);
        }
      }
      return;
    }
    for (const key of this.#pods.keysFrom(`${namespace}/`)) {
      this.#delete(key, time);
    }
  }

  #delete(key: string, time: number): void {
    const known = this.#pods.get(key);
    const pod = known ?? new KnownPod(key);
    this.#changed(pod, known, pod.delete(time));
  }

  /** For {@link PodMemory.restore}: as text, in parts. */
  snapshot(): Iterable<string> {
    return this.#pods.snapshot(writePod);
  }

  restore(snapshot: unknown): void {
    this.#pods.restore(snapshot, readPod);
  }
}

/** Binds the pod to what {@link CHANGE} has found. */
function bind(pod: KnownPod): boolean {
  return pod.bind(textOf(CHANGE.value(NODE_NAME)));
}

/** Gives the pod the addresses that {@link CHANGE} has found. */
function address(pod: KnownPod): boolean {
  return pod.address(withAddresses(pod.addresses));
}

/** Those that are known and behind them the others that the status names that {@link CHANGE} has found, each once; the same list where there is no other. */
function withAddresses(known: readonly string[]): readonly string[] {
  const last = lastOf(known);
  const isKnown = last !== undefined && CHANGE.spells(POD_IP, '"', last, '"');
  let all = isKnown ? known : withAddress(known, textOf(CHANGE.value(POD_IP)));
  const latest = lastOf(all);
  // As the kubelet writes a pod's only address.
  if (latest === undefined || !CHANGE.spells(POD_IPS, '[{"ip":"', latest, '"}]')) {
    for (const address of objectsAt(CHANGE.value(POD_IPS))) {
      all = withAddress(all, textAt(address, "ip"));
    }
  }
  return all;
}

/** Of none `at(-1)` takes longer than all else that is done with an address. */
function lastOf(some: readonly string[]): string | undefined {
  return some.length === 0 ? undefined : some[some.length - 1];
}

function withAddress(some: readonly string[], address: string | undefined): readonly string[] {
  if (address === undefined || some.includes(address)) {
    return some;
  }
  // What is spread into a list has room for more behind it, and is held as long as the pod.
  return some.length === 0 ? [address] : [...some, address];
}

/** What {@link POD} has found of how a pod was made; undefined where there is no spec. */
function madeFound(createdBy: string | undefined): MadePod | undefined {
  // Of most pods nothing need be parsed.
  const isPlain = POD.listsObjects(CONTAINERS) && POD.lacks(SPEC, GRAVE_KEYS);
  const spec = isPlain ? undefined : withContainers(POD.value(SPEC));
  if (!isPlain && spec === undefined) {
    return undefined;
  }
  const hostNetwork = POD.value(HOST_NETWORK) === true;
  const hostPID = POD.value(HOST_PID) === true;
  const hostIPC = POD.value(HOST_IPC) === true;
  if (isPlain && !hostNetwork && !hostPID && !hostIPC) {
    return plainMade(createdBy);
  }
  const privileged = spec !== undefined && isPrivileged(spec);
  const hostPath = spec === undefined ? NO_PATHS : hostPathsOf(spec);
  const serviceAccount = textOf(POD.value(SERVICE_ACCOUNT));
  return { isSpecKnown: true, privileged, hostPath, hostNetwork, hostPID, hostIPC, serviceAccount, createdBy };
}

const PLAIN: MadePod = { ...UNSEEN, isSpecKnown: true, hostPath: NO_PATHS };
let lastPlain: MadePod = PLAIN;

/** How a pod was made that has nothing of what is looked for: mostly as the one before. */
function plainMade(createdBy: string | undefined): MadePod {
  const { serviceAccount: last } = lastPlain;
  if (last === undefined || createdBy !== lastPlain.createdBy || !POD.spells(SERVICE_ACCOUNT, '"', last, '"')) {
    lastPlain = { ...PLAIN, serviceAccount: textOf(POD.value(SERVICE_ACCOUNT)), createdBy };
  }
  return lastPlain;
}

/** What a JSON patch writes of the spec. */
function patchedSpec(event: AuditEvent): JsonValue | undefined {
  const patch = rootOf(event, "requestObject");
  return Array.isArray(patch) ? at(objectOfPatch(patch as readonly JsonValue[]), "spec") : undefined;
}

/** The spec, if it is one. */
function withContainers(spec: JsonValue | undefined): JsonValue | undefined {
  return objectsAt(spec, "containers").length > 0 || objectsAt(spec, "ephemeralContainers").length > 0
    ? spec
    : undefined;
}

function hostPathsOf(spec: JsonValue): readonly string[] {
  return [...new Set(objectsAt(spec, "volumes").flatMap((volume) => textAt(volume, "hostPath", "path") ?? []))];
}

function isPrivileged(spec: JsonValue): boolean {
  return KINDS_OF_CONTAINERS.some((kind) =>
    objectsAt(spec, kind).some((container) => at(container, "securityContext", "privileged") === true),
  );
}
