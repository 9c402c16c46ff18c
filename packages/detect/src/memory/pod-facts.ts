import type { JsonValue } from "@auditsieve/audit";

/** What the request that made a pod, or its answer, said of it. */
export interface MadePod {
  /** Whether its spec was recorded; what follows is known only then. */
  readonly isSpecKnown: boolean;
  readonly privileged: boolean;
  readonly hostPath: readonly string[];
  readonly hostNetwork: boolean;
  readonly hostPID: boolean;
  readonly hostIPC: boolean;
  readonly serviceAccount?: string | undefined;
  readonly uid?: string | undefined;
  readonly createdBy?: string | undefined;
  /** Event time in ms. */
  readonly createdAt: number;
}

/** What is remembered of one pod. */
export interface PodFacts extends MadePod {
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
  createdAt: Number.NEGATIVE_INFINITY,
};

/** Pods are made and changed by the thousand, and replaced with each change: what stays as it was made is held once. */
export class KnownPod implements PodFacts {
  declare readonly made: MadePod;
  declare readonly node: string | undefined;
  declare readonly addresses: readonly string[];
  declare readonly deletedAt: number | undefined;

  constructor(made: MadePod, node: string | undefined, addresses: readonly string[], deletedAt: number | undefined) {
    this.made = made;
    this.node = node;
    this.addresses = addresses;
    this.deletedAt = deletedAt;
  }

  get isSpecKnown(): boolean {
    return this.made.isSpecKnown;
  }

  get privileged(): boolean {
    return this.made.privileged;
  }

  get hostPath(): readonly string[] {
    return this.made.hostPath;
  }

  get hostNetwork(): boolean {
    return this.made.hostNetwork;
  }

  get hostPID(): boolean {
    return this.made.hostPID;
  }

  get hostIPC(): boolean {
    return this.made.hostIPC;
  }

  get serviceAccount(): string | undefined {
    return this.made.serviceAccount;
  }

  get uid(): string | undefined {
    return this.made.uid;
  }

  get createdBy(): string | undefined {
    return this.made.createdBy;
  }

  get createdAt(): number {
    return this.made.createdAt;
  }
}

/** For {@link readPod}. */
export function writePod({ made, node, addresses, deletedAt }: KnownPod): JsonValue {
  const { isSpecKnown, privileged, hostPath, hostNetwork, hostPID, hostIPC, uid, serviceAccount } = made;
  const spec = { isSpecKnown, privileged, hostPath, hostNetwork, hostPID, hostIPC, uid, serviceAccount };
  const { createdBy, createdAt } = made;
  // JSON leaves out what is undefined.
  return { ...spec, node, createdBy, addresses, createdAt, deletedAt } as unknown as JsonValue;
}

/** Undefined for what is none. */
export function readPod(written: unknown): KnownPod | undefined {
  if (typeof written !== "object" || written === null) {
    return undefined;
  }
  const { node, addresses, deletedAt, ...made } = written as PodFacts;
  return new KnownPod(made, node, addresses, deletedAt);
}
