import type { Delivery } from "../sink.ts";

/** An event that a finding rests on, or that a later one may rest on. */
export class EvidenceEvent {
  #make: (() => Delivery) | undefined;
  #delivery: Delivery | undefined;
  /** Numbers of the outlets that have it, whole. Few, and of these objects there may be a hundred thousand. */
  #outlets: number[] | undefined;

  /** `make` is called once, when it is to be delivered: what it holds of the line is let go then. */
  constructor(make: () => Delivery) {
    this.#make = make;
  }

  get delivery(): Delivery {
    if (this.#make !== undefined) {
      this.#delivery = this.#make();
      this.#make = undefined;
    }
    return this.#delivery as Delivery;
  }

  /** It is delivered to this outlet. False where it was before, by this process: nobody needs it twice. */
  goesTo(outlet: number): boolean {
    this.#outlets ??= [];
    if (this.#outlets.includes(outlet)) {
      return false;
    }
    this.#outlets.push(outlet);
    return true;
  }
}
