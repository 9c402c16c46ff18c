import type { Checkpoint } from "../state/checkpoint.ts";
import { fingerprint } from "./file-identity.ts";
import type { Fingerprint } from "./file-identity.ts";
import { decodePosition, encodePosition } from "./tail-position.ts";
import type { TailPosition } from "./tail-position.ts";
import type { TailedFile } from "./tailed-file.ts";

/** How far a tail has come, in its section of the checkpoint: what is acknowledged, and which files are begun beyond that. */
export class TailProgress {
  readonly #checkpoint: Checkpoint;
  readonly #source: string;
  /** Files with bytes that may still be acknowledged. */
  readonly #files = new Map<number, TailedFile>();
  /** Files that were begun and not acknowledged, by generation, those of an earlier run too. */
  readonly #begun = new Map<number, Fingerprint>();
  #position: TailPosition | undefined;

  constructor(checkpoint: Checkpoint, source: string) {
    this.#checkpoint = checkpoint;
    this.#source = source;
  }

  /** Where an earlier run has come to. */
  restore(): TailPosition | undefined {
    this.#position = decodePosition(this.#checkpoint.get(this.#section), this.#source);
    this.#position?.begun?.forEach((head, generation) => this.#begun.set(generation, head));
    return this.#position;
  }

  /** Remembers which files were there before the first start, so that a crash before the first ack loses none after it. */
  async first(known: readonly string[]): Promise<TailPosition> {
    const position = { generation: 0, inode: "", head: fingerprint(Buffer.alloc(0)), offset: 0, known };
    this.#position = position;
    this.#put();
    await this.#checkpoint.save();
    return position;
  }

  /** From now on bytes of `file` may be acknowledged. */
  register(file: TailedFile): TailedFile {
    this.#files.set(file.generation, file);
    return file;
  }

  /**
   * Remembers of a file that it is begun, before anything of it is handed on: what is delivered of it, receipts above all, names it,
   * and must name it so again after a crash, also where a file before it is gone by then.
   */
  async begin({ generation, head }: TailedFile): Promise<void> {
    if (this.#begun.has(generation)) {
      return;
    }
    this.#begun.set(generation, fingerprint(head));
    this.#put();
    // Where it cannot be saved nothing is acknowledged either, and an alarm of that says so.
    await this.#checkpoint.save().catch(() => undefined);
  }

  /** Files of this generation and later ones that were begun. */
  begunFrom(first: number): readonly (readonly [generation: number, head: Fingerprint])[] {
    return [...this.#begun].filter(([generation]) => generation >= first);
  }

  /** Nothing is left of a file that was begun. */
  forget(generation: number): void {
    this.#begun.delete(generation);
  }

  async ack(generation: number, offset: number): Promise<void> {
    const file = this.#files.get(generation);
    if (file === undefined || offset === 0) {
      return;
    }
    for (const older of this.#files.keys()) {
      if (older < generation) {
        this.#files.delete(older);
      }
    }
    this.#position = file.positionAt(offset);
    for (const begun of this.#begun.keys()) {
      if (begun <= generation) {
        this.#begun.delete(begun);
      }
    }
    this.#put();
    await this.#checkpoint.save();
  }

  get #section(): string {
    return `source/${this.#source}`;
  }

  #put(): void {
    if (this.#position !== undefined) {
      this.#checkpoint.put(this.#section, encodePosition({ ...this.#position, begun: this.#begun }));
    }
  }
}
