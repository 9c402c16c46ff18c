import type { JsonValue } from "@auditsieve/audit";

/** What the request that made a pod, or its answer, said of it that others say too: it is held once for pods that are made alike. */
export interface MadePod {
  /** Whether its spec was recorded; what follows is known only then. */
  readonly isSpecKnown: boolean;
  readonly privileged: boolean;
  readonly hostPath: readonly string[];
  readonly hostNetwork: boolean;
  readonly hostPID: boolean;
  readonly hostIPC: boolean;
  readonly serviceAccount?: string | undefined;
  readonly createdBy?: string | undefined;
}

/** What is remembered of one pod. */
export interface PodFacts extends MadePod {
  readonly uid?: string | undefined;
  /** Event time in ms. */
  readonly createdAt: number;
  readonly node?: string | undefined;
  readonly addresses: readonly string[];
  readonly deletedAt?: number | undefined;
}

/** Of a pod of which nobody saw how it was made. */
export const UNSEEN: MadePod = {
  isSpecKnown: false,
  privileged: false,
  hostPath: [],
  hostNetwork: false,
  hostPID: false,
  hostIPC: false,
};

const NO_ADDRESSES: readonly string[] = [];
const MAX_ADDRESSES = 8;
/** In the place of the time at which a pod was deleted: with an absent one each change would make a number anew. */
const NEVER = Number.POSITIVE_INFINITY;

/**
 * The pod that is known under a key. Pods are made and changed by the thousand, and hardly one is asked for: it is changed in place, and what is
 * given of it is made when it is asked for, stays as it is for good, and is the same until the next change.
 */
export class KnownPod {
  declare readonly key: string;
  declare made: MadePod;
  declare uid: string | undefined;
  declare createdAt: number;
  declare node: string | undefined;
  declare addresses: readonly string[];
  declare deletedAt: number;
  #facts: PodFacts | undefined;

  /** Of which nobody saw how it was made. */
  constructor(key: string) {
    this.key = key;
    this.made = UNSEEN;
    this.uid = undefined;
    this.createdAt = Number.NEGATIVE_INFINITY;
    this.node = undefined;
    this.addresses = NO_ADDRESSES;
    this.deletedAt = NEVER;
    this.#facts = undefined;
  }

  get isDeleted(): boolean {
    return this.deletedAt !== NEVER;
  }

  get facts(): PodFacts {
    return (this.#facts ??= this.#told());
  }

  #told(): PodFacts {
    const { made, uid, createdAt, node, addresses } = this;
    return { ...made, uid, createdAt, node, addresses, deletedAt: this.isDeleted ? this.deletedAt : undefined };
  }

  /** Nothing of what was known stays. */
  make(made: MadePod, uid: string | undefined, createdAt: number, node: string | undefined): void {
    this.made = made;
    this.uid = uid;
    this.createdAt = createdAt;
    this.node = node;
    this.addresses = NO_ADDRESSES;
    this.deletedAt = NEVER;
    this.#facts = undefined;
  }

  /** A container was added to it; always a change. */
  extend(isPrivileged: boolean): true {
    const { made } = this;
    this.made = { ...made, privileged: made.privileged || isPrivileged };
    this.#facts = undefined;
    return true;
  }

  /** Each of these says whether it was not known already. */
  bind(node: string | undefined): boolean {
    if (node === undefined || node === this.node) {
      return false;
    }
    this.node = node;
    this.#facts = undefined;
    return true;
  }

  address(addresses: readonly string[]): boolean {
    if (addresses === this.addresses) {
      return false;
    }
    this.addresses = addresses.length > MAX_ADDRESSES ? addresses.slice(-MAX_ADDRESSES) : addresses;
    this.#facts = undefined;
    return true;
  }

  /** A pod is deleted several times: by its owner, then by its node. */
  delete(time: number): boolean {
    if (this.isDeleted) {
      return false;
    }
    this.deletedAt = time;
    this.#facts = undefined;
    return true;
  }
}

/** For {@link readPod}. */
export function writePod({ facts }: KnownPod): JsonValue {
  const { isSpecKnown, privileged, hostPath, hostNetwork, hostPID, hostIPC, uid, serviceAccount } = facts;
  const spec = { isSpecKnown, privileged, hostPath, hostNetwork, hostPID, hostIPC, uid, serviceAccount };
  const { node, createdBy, addresses, createdAt, deletedAt } = facts;
  // JSON leaves out what is undefined.
  return { ...spec, node, createdBy, addresses, createdAt, deletedAt } as unknown as JsonValue;
}

/** Undefined for what is none. */
export function readPod(written: unknown, key: string): KnownPod | undefined {
  if (typeof written !== "object" || written === null) {
    return undefined;
  }
  const { uid, node, addresses, createdAt, deletedAt, ...made } = written as PodFacts;
  const pod = new KnownPod(key);
  pod.make(made, uid, createdAt, node);
  pod.address(addresses);
  // A time that is unknown is null there.
  if (deletedAt !== undefined) {
    pod.delete(deletedAt ?? Number.NaN);
  }
  return pod;
}
