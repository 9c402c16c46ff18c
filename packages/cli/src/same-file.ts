import { IngestError } from "@auditsieve/ingest/logs";
import { open } from "node:fs/promises";

const HEAD_BYTES = 512;
const NOTHING = Buffer.alloc(0);

/**
 * A file that is opened more than once: what has taken its place meanwhile, as in a rotation, is another log, and places in the one are none
 * in the other.
 */
export class SameFile {
  readonly #path: string;
  #identity: string | undefined;
  /** Its first bytes, to which a log is never written again. */
  #head: Buffer | undefined;
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
    const { identity, head } = (await this.#look().catch(() => undefined)) ?? { identity: undefined, head: undefined };
    this.#identity ??= identity;
    this.#head ??= head;
    const isSame = identity === this.#identity && this.#head?.equals(head?.subarray(0, this.#head.length) ?? NOTHING);
    if (this.#identity !== undefined && isSame !== true) {
      this.#failure ??= new IngestError(
        "unreadable",
        `Cannot read "${this.#path}" again: since it was first read ${identity === undefined ? "it has gone" : "another log has taken its place"}`,
        {
          path: this.#path,
          hint: "Copy logs away from whoever writes and rotates them, and replay the copies",
        },
      );
      throw this.#failure;
    }
  }

  async #look(): Promise<{ readonly identity: string; readonly head: Buffer }> {
    const file = await open(this.#path, "r");
    try {
      const { dev, ino } = await file.stat({ bigint: true });
      const head = Buffer.alloc(HEAD_BYTES);
      const { bytesRead } = await file.read(head, 0, HEAD_BYTES, 0);
      return { identity: `${dev}/${ino}`, head: head.subarray(0, bytesRead) };
    } finally {
      await file.close();
    }
  }
}
