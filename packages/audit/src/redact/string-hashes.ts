import { byteText, withoutEscapes } from "./mapped-text.ts";
import type { KnownCopies, Secret } from "./known-copies.ts";
import type { Edit } from "../splice.ts";
import { isRedacted } from "./text-credentials.ts";

/** Bytes that may be remembered. */
const MOST_KNOWN = 4 * 1024 * 1024;
/** What remembering takes beside the string. */
const ENTRY_BYTES = 128;

/**
 * Replaces strings by their hashes. Events about one object have the same copy of it and the same variables again and again, so hashes are
 * remembered, with what they are of: 4 MiB at most.
 */
export class StringHashes {
  readonly #hash: (value: Buffer) => string;
  readonly #known = new Map<string, Buffer>();
  #knownSize = 0;

  constructor(hash: (value: Buffer) => string) {
    this.#hash = hash;
  }

  /** What to put in the place of strings of `line`, given without their quotes, of which some are among `copies`. */
  edits(line: Buffer, secrets: readonly Secret[], copies: KnownCopies): readonly Edit[] {
    const edits: Edit[] = [];
    for (const { start, end, copy } of secrets) {
      const fresh = (): Buffer => this.#substitute(byteText(line, start, end));
      const by = copy === undefined ? fresh() : copies.substitute(copy, fresh);
      if (by.length > 0) {
        edits.push({ start, end, by });
      }
    }
    return edits;
  }

  /** Empty for what stays. */
  #substitute(escaped: string): Buffer {
    let by = this.#known.get(escaped);
    if (by === undefined) {
      const value = withoutEscapes(escaped);
      by = Buffer.from(value === "" || isRedacted(value) ? "" : this.#hash(Buffer.from(value, "latin1")));
      const size = escaped.length + ENTRY_BYTES;
      if (this.#knownSize + size > MOST_KNOWN) {
        this.#known.clear();
        this.#knownSize = 0;
      }
      this.#known.set(escaped, by);
      this.#knownSize += size;
    }
    return by;
  }
}
