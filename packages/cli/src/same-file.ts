import { IngestError } from "@auditsieve/ingest/logs";
import { stat } from "node:fs/promises";

/**
 * A file that is opened more than once: what has taken its place meanwhile, as in a rotation, is another log, and places in the one are none
 * in the other.
 */
export class SameFile {
  readonly #path: string;
  #identity: string | undefined;
  #failure: IngestError | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Whether it was not, at some check. */
  get isReplaced(): boolean {
    return this.#failure !== undefined;
  }

  /** Throws an {@link IngestError}, always the same one, where the file is not the one that was there at first. What cannot be looked at its reader tells of. */
  async check(): Promise<void> {
    const facts = await stat(this.#path, { bigint: true }).catch(() => undefined);
    const identity = facts && `${facts.dev}/${facts.ino}`;
    this.#identity ??= identity;
    if (this.#identity !== undefined && identity !== this.#identity) {
      this.#failure ??= new IngestError(
        "unreadable",
        `Cannot read "${this.#path}" again: since it was first read ${identity === undefined ? "it has gone" : "another file has taken its place"}`,
        {
          path: this.#path,
          hint: "Copy logs away from whoever writes and rotates them, and replay the copies",
        },
      );
      throw this.#failure;
    }
  }
}
