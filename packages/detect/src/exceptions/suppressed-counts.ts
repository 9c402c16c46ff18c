import type { Detection } from "../definition/detection.ts";

/** How much each exception of some detections has kept out, by its id; also those that kept out nothing. */
export class SuppressedCounts {
  readonly #counts: Map<string, number>;

  constructor(detections: readonly Detection[]) {
    this.#counts = new Map(detections.flatMap(({ exceptions = [] }) => exceptions.map(({ id }) => [id, 0] as const)));
  }

  add(id: string): void {
    this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1);
  }

  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }
}
