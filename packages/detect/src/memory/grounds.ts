import type { Credential } from "./credential-ledger.ts";
import type { Grant } from "./grant-memory.ts";
import type { PodFacts } from "./pod-memory.ts";

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
export type GroundKey = readonly [kind: Remembered, key: string];

/** By which changes those are told who rest on these grounds; undefined when they may be others any time. */
export function groundKeys(grounds: Grounds): readonly GroundKey[] | undefined {
  const keys: GroundKey[] = [];
  for (const ground of grounds) {
    if (ground.of === "anything") {
      return undefined;
    }
    keys.push(...keysOf(ground));
  }
  return keys;
}

function keysOf(ground: Exclude<Ground, { readonly of: "anything" }>): readonly GroundKey[] {
  switch (ground.of) {
    case "pod":
      return [["pod", `${ground.namespace}/${ground.name}`]];
    case "credential":
      return [["credential", ground.id]];
    case "node":
      return [["node", ground.name]];
    case "grant":
      return [["grant", ground.binding]];
    case "recent":
      return ground.names.map((name) => ["subject", name]);
    default: {
      const never: never = ground;
      return never;
    }
  }
}
