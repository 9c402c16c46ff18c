import type { keepHeapSmall } from "./keep-heap-small.ts";

/** Where most logs are filtered the process takes 65 to 85 MB all along. */
const GROWN_BYTES = 88 * 1024 * 1024;
/** What then is collected once V8's heap has become so large: nearly all of it is garbage. */
const MOST_HEAP_BYTES = 36 * 1024 * 1024;
/** To ask what the process takes costs 6 us: at each of the first chunks, which make a heap grow, and then with every fourth look. */
const FIRST_LOOKS = 64;
const LOOK_EVERY = 4;

/**
 * Keeps the memory of a filter small for which nothing else does that. Hardly anything is made of most logs, so what tells of V8's heap and collects it is loaded only once the
 * process has grown: where most lines are the first of their kind, as with a user, an address or a name for each.
 */
export class GrownHeap {
  readonly #taken: () => number;
  #look: (() => void) | undefined;
  #looks = 0;
  #isGrown = false;

  /** `taken`: bytes of memory of the process. */
  constructor(taken: () => number = () => process.memoryUsage.rss()) {
    this.#taken = taken;
  }

  /** To be called with every few chunks. */
  look(): void {
    if (this.#look !== undefined) {
      this.#look();
      return;
    }
    this.#looks++;
    if (this.#looks <= FIRST_LOOKS || this.#looks % LOOK_EVERY === 0) {
      this.#isGrown ||= this.#taken() > GROWN_BYTES;
    }
  }

  /** Whether {@link begin} is due. */
  get isGrown(): boolean {
    return this.#isGrown && this.#look === undefined;
  }

  /** From now on {@link look} collects. */
  async begin(keep?: typeof keepHeapSmall): Promise<void> {
    const begun = keep ?? (await import("./keep-heap-small.ts")).keepHeapSmall;
    this.#look = begun(() => {}, undefined, undefined, MOST_HEAP_BYTES);
  }
}
