import { documentId } from "@auditsieve/audit";

/** Who the lines of a cluster are. */
export interface LineIdentity {
  readonly cluster: string;
  readonly idKey: Uint8Array;
}

/**
 * The event that is being handled. What is asked of it again is made once; there is one object for all events, so that none costs one of
 * its own. Do not keep it: keep what it gives.
 */
export class LineInHand {
  readonly #identity: LineIdentity;
  #bytes: Buffer = Buffer.alloc(0);
  #own: Buffer | undefined;
  #id: string | undefined;

  constructor(identity: LineIdentity) {
    this.#identity = identity;
  }

  /** The next event, whose bytes hold until the one behind it. Where it has an id already, nobody else writes them either. */
  begin(bytes: Buffer, id?: string): void {
    this.#bytes = bytes;
    this.#own = id === undefined ? undefined : bytes;
    this.#id = id;
  }

  /** Its bytes: a copy, where one was made. */
  get bytes(): Buffer {
    return this.#own ?? this.#bytes;
  }

  /** Its bytes, which nobody else writes. */
  copy(): Buffer {
    return (this.#own ??= Buffer.from(this.#bytes));
  }

  /** Its id, if that was asked for already. */
  get knownId(): string | undefined {
    return this.#id;
  }

  id(): string {
    return (this.#id ??= documentId(this.#identity.idKey, this.#identity.cluster, this.#bytes));
  }
}
