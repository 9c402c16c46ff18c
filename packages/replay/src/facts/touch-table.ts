const FIRST_SLOTS = 1024;
/** Of the slots, so that a free one is soon found. */
const MOST_TAKEN = 0.6;

/** What tells one touch from another. */
export interface TouchKey {
  readonly session: { readonly id: number };
  readonly verb: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

/**
 * Touches in the order in which they came, found by what they are about. A map would need a text for each that says the same once more:
 * there may be two hundred thousand.
 */
export class TouchTable<Touch extends TouchKey> {
  #all: Touch[] = [];
  /** Place in `#all` plus one; 0 is free. */
  #slots = new Int32Array(FIRST_SLOTS);
  #hashes = new Int32Array(FIRST_SLOTS);

  get size(): number {
    return this.#all.length;
  }

  find(key: TouchKey): Touch | undefined {
    const hash = hashOf(key);
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const touch = this.#hashes[slot] === hash ? this.#all[(this.#slots[slot] as number) - 1] : undefined;
      if (touch !== undefined && isAbout(touch, key)) {
        return touch;
      }
    }
    return undefined;
  }

  /** Takes one that {@link find} does not give. */
  add(touch: Touch): void {
    if (this.#all.length >= MOST_TAKEN * this.#slots.length) {
      this.#grow();
    }
    this.#all.push(touch);
    this.#place(hashOf(touch), this.#all.length);
  }

  all(): readonly Touch[] {
    return this.#all;
  }

  /** Takes the place of what is held. */
  restore(touches: readonly Touch[]): void {
    this.#all = [];
    this.#slots = new Int32Array(FIRST_SLOTS);
    this.#hashes = new Int32Array(FIRST_SLOTS);
    touches.forEach((touch) => this.add(touch));
  }

  #place(hash: number, number: number): void {
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    while (this.#slots[slot] !== 0) {
      slot = (slot + 1) & mask;
    }
    this.#slots[slot] = number;
    this.#hashes[slot] = hash;
  }

  #grow(): void {
    const [slots, hashes] = [this.#slots, this.#hashes];
    this.#slots = new Int32Array(2 * slots.length);
    this.#hashes = new Int32Array(2 * slots.length);
    slots.forEach((number, slot) => {
      if (number !== 0) {
        this.#place(hashes[slot] as number, number);
      }
    });
  }
}

function isAbout(touch: TouchKey, { session, verb, resource, namespace, name }: TouchKey): boolean {
  return (
    touch.session === session &&
    touch.name === name &&
    touch.namespace === namespace &&
    touch.resource === resource &&
    touch.verb === verb
  );
}

function hashOf({ session, verb, resource, namespace, name }: TouchKey): number {
  let hash = mixed(session.id | 0, name);
  hash = mixed(hash, namespace);
  hash = mixed(hash, resource);
  hash = mixed(hash, verb);
  hash ^= hash >>> 15;
  return Math.imul(hash, 0x2c1b3c6d) ^ (hash >>> 12);
}

function mixed(seed: number, text: string): number {
  let hash = seed ^ text.length;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return hash;
}
