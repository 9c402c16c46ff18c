import { hashOfObject } from "@auditsieve/audit";
import type { ToldEvent } from "./pod-change.ts";
import type { KnownPod } from "./pod-facts.ts";
import type { RecentMap } from "./recent-map.ts";

/** Those of a hash by which pods are found. */
const MAX_BITS = 14;
const SLASH = 47;

/**
 * Finds pods that are {@link RecentMap.fresh} by what their keys are made of: no text is made, and a look into a map of thousands takes longer. Each
 * place has the one that was asked for last.
 */
export class FreshPods {
  readonly #pods: RecentMap<KnownPod>;
  readonly #count: number;
  /** Until the map rotates. */
  #places: (KnownPod | undefined)[] = [];
  #rotations = -1;
  /** Which place is that of the pod that was asked for last. */
  #place = 0;

  /** No more places than there may be pods in a half of the map. */
  constructor(pods: RecentMap<KnownPod>, max: number) {
    this.#pods = pods;
    this.#count = 2 ** Math.min(MAX_BITS, Math.ceil(Math.log2(Math.max(1, max))));
  }

  /** The pod of which somebody is told. */
  told(told: ToldEvent): KnownPod | undefined {
    const last = this.#at(told.objectHash);
    return last !== undefined && told.isObject(last.key) ? last : this.add(this.#pods.fresh(told.object));
  }

  named(namespace: string, name: string): KnownPod | undefined {
    const last = this.#at(hashOfObject(namespace, name));
    return last !== undefined && isKey(last.key, namespace, name)
      ? last
      : this.add(this.#pods.fresh(`${namespace}/${name}`));
  }

  /** The pod that was asked for last, now that it is there. */
  add(pod: KnownPod | undefined): KnownPod | undefined {
    if (pod !== undefined) {
      this.#renew();
      this.#places[this.#place] = pod;
    }
    return pod;
  }

  #at(hash: number): KnownPod | undefined {
    this.#renew();
    this.#place = hash & (this.#count - 1);
    return this.#places[this.#place];
  }

  #renew(): void {
    if (this.#rotations !== this.#pods.rotations) {
      this.#rotations = this.#pods.rotations;
      this.#places = Array.from({ length: this.#count }, () => undefined);
    }
  }
}

/** Whether the key is that of a pod of this name. */
function isKey(key: string, namespace: string, name: string): boolean {
  return (
    key.length === namespace.length + 1 + name.length &&
    key.charCodeAt(namespace.length) === SLASH &&
    key.endsWith(name) &&
    key.startsWith(namespace)
  );
}
