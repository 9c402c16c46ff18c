import type { Credential, CredentialLedger } from "./credential-ledger.ts";
import type { Grant, GrantMemory } from "./grant-memory.ts";
import type { PodFacts } from "./pod-facts.ts";
import type { PodMemory } from "./pod-memory.ts";

/** One thing that an answer about a head rests on. What is remembered is replaced, never changed, so that identity says all. */
export type Ground =
  | { readonly of: "pod"; readonly namespace: string; readonly name: string; readonly was: PodFacts | undefined }
  | { readonly of: "credential"; readonly id: string; readonly was: Credential | undefined }
  | { readonly of: "node"; readonly name: string; readonly was: readonly string[] }
  | { readonly of: "grant"; readonly binding: string; readonly was: Grant | undefined }
  | { readonly of: "recent"; readonly names: readonly string[]; readonly was: boolean }
  /** An answer that is not worth remembering. */
  | { readonly of: "anything" };
/** What an answer about a head rests on; see `ClusterMemory.grounds`. */
export type Grounds = readonly Ground[];

/** What changes are told of, as `ClusterMemory.watch` names it. */
export type Remembered = "pod" | "credential" | "use" | "node" | "grant" | "subject";

/** One thing that may change: of which kind, and its key among those. */
export interface GroundKey {
  readonly kind: Remembered;
  readonly key: string;
}

/** Looks up what is remembered, and notes what the answers rest on. */
export class Lookups {
  readonly #pods: PodMemory;
  readonly #grants: GrantMemory;
  readonly #credentials: CredentialLedger;
  /** Event time in ms, as it was last told. */
  now: number = Number.NEGATIVE_INFINITY;
  /** Where what is looked up is noted. */
  noted: Ground[] | undefined;

  constructor(pods: PodMemory, grants: GrantMemory, credentials: CredentialLedger) {
    this.#pods = pods;
    this.#grants = grants;
    this.#credentials = credentials;
  }

  pod(namespace: string, name: string): PodFacts | undefined {
    const was = this.#pods.find(namespace, name);
    this.noted?.push({ of: "pod", namespace, name, was });
    return was;
  }

  credential(id: string): Credential | undefined {
    const was = this.#credentials.find(id);
    this.noted?.push({ of: "credential", id, was });
    return was;
  }

  grant(binding: string): Grant | undefined {
    const was = this.#grants.find(binding);
    this.noted?.push({ of: "grant", binding, was });
    return was;
  }

  mayUseRecent(names: readonly string[]): boolean {
    const was = this.#grants.mayUse(names, this.now);
    this.noted?.push({ of: "recent", names, was });
    return was;
  }

  nodeAddresses(name: string): readonly string[] {
    const was = this.#credentials.nodeAddresses(name);
    this.noted?.push({ of: "node", name, was });
    return was;
  }

  lineage(id: string): readonly Credential[] {
    this.noted?.push({ of: "anything" });
    return this.#credentials.lineage(id);
  }

  /** Whether the answer would be the same. */
  isAsItWas(ground: Ground): boolean {
    switch (ground.of) {
      case "pod":
        return this.#pods.find(ground.namespace, ground.name) === ground.was;
      case "credential":
        return this.#credentials.find(ground.id) === ground.was;
      case "node":
        return this.#credentials.nodeAddresses(ground.name) === ground.was;
      case "grant":
        return this.#grants.find(ground.binding) === ground.was;
      case "recent":
        return this.#grants.mayUse(ground.names, this.now) === ground.was;
      case "anything":
        return false;
      default: {
        const never: never = ground;
        return never;
      }
    }
  }
}

/** By which changes those are told who rest on these grounds; undefined when they may be others any time. */
export function groundKeys(grounds: Grounds): readonly GroundKey[] | undefined {
  const keys: GroundKey[] = [];
  // By index, as all that is done for each new head: an iterator makes an object for each step.
  for (let i = 0; i < grounds.length; i++) {
    const ground = grounds[i] as Ground;
    if (ground.of === "anything") {
      return undefined;
    }
    addKeys(ground, keys);
  }
  return keys;
}

function addKeys(ground: Exclude<Ground, { readonly of: "anything" }>, keys: GroundKey[]): void {
  switch (ground.of) {
    case "pod":
      keys.push({ kind: "pod", key: `${ground.namespace}/${ground.name}` });
      return;
    case "credential":
      keys.push({ kind: "credential", key: ground.id });
      return;
    case "node":
      keys.push({ kind: "node", key: ground.name });
      return;
    case "grant":
      keys.push({ kind: "grant", key: ground.binding });
      return;
    case "recent":
      ground.names.forEach((key) => keys.push({ kind: "subject", key }));
      return;
    default: {
      const never: never = ground;
      return never;
    }
  }
}
