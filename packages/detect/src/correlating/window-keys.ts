import type { Group } from "../correlation-hit.ts";
import type { LinkedCorrelation } from "../definition/link-correlations.ts";

/** Under which key the window of a correlation and a group stands: hits of the same values share a group, for which it is made once. */
export class WindowKeys {
  readonly #known = new WeakMap<Group, { readonly linked: LinkedCorrelation; readonly key: string }>();

  of(linked: LinkedCorrelation, group: Group): string {
    const known = this.#known.get(group);
    if (known?.linked === linked) {
      return known.key;
    }
    const key = `${linked.detection.id} ${group.key}`;
    this.#known.set(group, { linked, key });
    return key;
  }
}
