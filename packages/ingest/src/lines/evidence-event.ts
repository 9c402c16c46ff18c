/** What is known of an event that a finding may rest on. */
export interface EvidenceParts {
  /** Of its line. */
  readonly id: string;
  readonly time: string;
  /** As it may leave; or the line, of which `redact` makes that. Nobody else writes it. A text has a character for each byte (latin1). */
  readonly bytes: Buffer | string;
  readonly redact?: ((line: Buffer) => Buffer) | undefined;
}

/** An event that a finding rests on, or that a later one may rest on. */
export class EvidenceEvent {
  readonly id: string;
  readonly time: string;
  #bytes: Buffer | string;
  #redact: ((line: Buffer) => Buffer) | undefined;
  #isAsItWas = false;
  /** Numbers of the outlets that have it, whole. Few, and of these objects there may be a hundred thousand. */
  #outlets: number[] | undefined;

  constructor({ id, time, bytes, redact }: EvidenceParts) {
    this.id = id;
    this.time = time;
    this.#bytes = bytes;
    this.#redact = redact;
  }

  /**
   * It will be there for long: its bytes become a text. Short buffers share pieces of memory, and one that outlives the others keeps all
   * of a piece, many times its own size.
   */
  hold(): void {
    this.#bytes = textOf(this.#bytes);
  }

  /** As it may leave. */
  get document(): Buffer {
    const bytes = typeof this.#bytes === "string" ? Buffer.from(this.#bytes, "latin1") : this.#bytes;
    if (this.#redact === undefined) {
      return bytes;
    }
    const redacted = this.#redact(bytes);
    this.#isAsItWas = redacted === bytes;
    this.#redact = undefined;
    this.#bytes = typeof this.#bytes === "string" ? textOf(redacted) : redacted;
    return redacted;
  }

  /** Whether nothing of its line had to be replaced in the document, as far as that is known. */
  get isAsItWas(): boolean {
    return this.#isAsItWas;
  }

  /** The same, a character for each byte (latin1). */
  get text(): string {
    if (this.#redact !== undefined) {
      this.#bytes = this.document;
    }
    this.hold();
    return textOf(this.#bytes);
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

function textOf(bytes: Buffer | string): string {
  return typeof bytes === "string" ? bytes : bytes.toString("latin1");
}
