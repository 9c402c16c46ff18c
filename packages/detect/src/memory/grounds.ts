import type { Credential } from "./credential-ledger.ts";
import type { Grant } from "./grant-memory.ts";
import type { PodFacts } from "./pod-facts.ts";

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
