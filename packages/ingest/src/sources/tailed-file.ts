import { readSync } from "node:fs";
import { open, stat } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import type { SourceChunk } from "../source.ts";
import { IngestError, systemCode } from "../errors.ts";
import { HEAD_BYTES, fingerprint, headOf, headOfArchive } from "./file-identity.ts";
import { openLog } from "../logs/log-file.ts";
import type { RotatedFile } from "./rotated-files.ts";
import type { TailPosition } from "./tail-position.ts";

/** Much more than the steps in which a kernel counts the times of files. */
const OLD_MS = 1000;

/** Where a tailed file is read from: an open file, or the archive that compression made of it. */
export type Origin =
  | { readonly kind: "file"; readonly handle: FileHandle; readonly path: string; readonly inode: string }
  | { readonly kind: "archive"; readonly path: string; readonly inode: string };

/** One file of a tail, from its first byte to the last, whatever its name is meanwhile. */
export class TailedFile {
  readonly generation: number;
  readonly input: string;
  readonly origin: Origin;
  /** Names of rotated files that are not after this one. */
  readonly known: readonly string[];
  /** Name under which it was rotated, once that is seen. */
  rotatedName: string | undefined;
  readonly #inode: string;
  #offset: number;
  #head: Buffer;
  #isArchiveRead = false;
  /** Time of the last change for which the beginning was compared. */
  #checkedAt = 0;
  /** Whether that change was long ago then. */
  #isOld = false;

  constructor(file: {
    readonly generation: number;
    readonly input: string;
    readonly origin: Origin;
    readonly known: readonly string[];
    readonly rotatedName?: string | undefined;
    readonly offset?: number;
    readonly head?: Buffer;
    /** Of a copy: the inode of what it is a copy of, which is cut now. */
    readonly cutInode?: string;
  }) {
    this.generation = file.generation;
    this.input = file.input;
    this.origin = file.origin;
    this.known = file.known;
    this.rotatedName = file.rotatedName;
    this.#offset = file.offset ?? 0;
    this.#head = file.head ?? Buffer.alloc(0);
    this.#inode = file.cutInode ?? file.origin.inode;
  }

  /** Bytes read so far. */
  get offset(): number {
    return this.#offset;
  }

  /** Its first bytes, as far as they were read. */
  get head(): Buffer {
    return this.#head;
  }

  /** Bytes that it has now; undefined where that cannot be told. */
  async size(): Promise<number | undefined> {
    return this.origin.kind === "file" ? (await this.origin.handle.stat()).size : undefined;
  }

  /** Whether it is the file that the path names now, read to its end. */
  async isAllOf(path: string): Promise<boolean> {
    const named = await openFileOrigin(path);
    await named?.handle.close();
    return named !== undefined && named.inode === this.origin.inode && (await this.size()) === this.#offset;
  }

  /** Position of an acknowledgement at `offset`. */
  positionAt(offset: number): TailPosition {
    return {
      generation: this.generation,
      inode: this.#inode,
      head: fingerprint(this.#head, offset),
      offset,
      known: this.known,
    };
  }

  last(): SourceChunk {
    return { input: this.input, offset: this.#offset, bytes: Buffer.alloc(0), isLast: true };
  }

  /** Reads to the end of what is there now. `buffer` holds each chunk until the next is asked for. */
  async *read(buffer: Buffer): AsyncGenerator<SourceChunk, void> {
    if (this.origin.kind === "archive") {
      yield* this.#readArchive(this.origin.path);
      return;
    }
    for (;;) {
      // By this thread: another one would leave what it has read in the cache of its own core. The look behind it lets others have their turn.
      const bytesRead = readSync(this.origin.handle.fd, buffer, 0, buffer.length, this.#offset);
      // Cut and written anew beyond the offset, it would give the middle of something else.
      if (bytesRead === 0 || (await this.isTruncated())) {
        return;
      }
      yield this.#chunk(buffer.subarray(0, bytesRead));
    }
  }

  async *#readArchive(path: string): AsyncGenerator<SourceChunk, void> {
    if (this.#isArchiveRead) {
      return;
    }
    this.#isArchiveRead = true;
    let skip = this.#offset;
    for await (const bytes of openLog(path)) {
      const from = Math.min(skip, bytes.length);
      skip -= from;
      if (from < bytes.length) {
        yield this.#chunk(bytes.subarray(from));
      }
    }
  }

  #chunk(bytes: Buffer): SourceChunk {
    const chunk = { input: this.input, offset: this.#offset, bytes, isLast: false };
    if (this.#head.length < HEAD_BYTES && this.#offset === this.#head.length) {
      this.#head = Buffer.concat([this.#head, bytes.subarray(0, HEAD_BYTES - this.#head.length)]);
    }
    this.#offset += bytes.length;
    return chunk;
  }

  /** Whether bytes that were read are no longer those of the file: it was cut, or cut and written anew. */
  async isTruncated(): Promise<boolean> {
    if (this.origin.kind === "archive") {
      return false;
    }
    const { size, mtimeMs } = await this.origin.handle.stat();
    if (size < this.#offset) {
      return true;
    }
    // Written anew to the very same length, it shows by its time only. So it does in a file whose time was old already when it was compared,
    // which is one that is caught up with: each further change has another time.
    if (mtimeMs === this.#checkedAt && (size === this.#offset || this.#isOld)) {
      return false;
    }
    const isOld = Date.now() - mtimeMs > OLD_MS;
    const isSame = (await headOf(this.origin.handle, this.#head.length)).equals(this.#head);
    if (isSame) {
      this.#checkedAt = mtimeMs;
      this.#isOld = isOld;
    }
    return !isSame;
  }

  /** Whether `file` is this one under its rotated name, plain or compressed. */
  async isRotatedAs(file: RotatedFile): Promise<boolean> {
    if (this.rotatedName !== undefined) {
      return file.name === this.rotatedName;
    }
    const plain = file.plain === undefined ? undefined : await inodeAt(file.plain);
    if (plain !== undefined) {
      return plain === this.origin.inode;
    }
    if (file.gzip === undefined || this.origin.kind === "archive") {
      return false;
    }
    // One byte more than a fingerprint holds: a short file must be equal as a whole.
    const own = await headOf(this.origin.handle, HEAD_BYTES + 1);
    return own.equals(await headOfArchive(file.gzip, HEAD_BYTES + 1));
  }

  async close(): Promise<void> {
    if (this.origin.kind === "file") {
      await this.origin.handle.close();
    }
  }
}

/** Opens the file at `path`; undefined when there is none. */
export async function openFileOrigin(path: string): Promise<(Origin & { kind: "file" }) | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, "r");
  } catch (error) {
    if (systemCode(error) === "ENOENT") {
      return undefined;
    }
    throw error;
  }
  const { dev, ino, isFile } = await statOf(handle);
  if (!isFile) {
    await handle.close();
    throw new IngestError("is-directory", `"${path}" is no regular file`, { path, hint: "Name the audit log itself" });
  }
  return { kind: "file", handle, path, inode: `${dev}:${ino}` };
}

/** Opens a rotated file, the plain one as long as it is there; undefined when it went away meanwhile. */
export async function openRotated(file: RotatedFile): Promise<Origin | undefined> {
  const plain = file.plain === undefined ? undefined : await openFileOrigin(file.plain);
  if (plain !== undefined) {
    return plain;
  }
  const inode = file.gzip === undefined ? undefined : await inodeAt(file.gzip);
  return file.gzip === undefined || inode === undefined ? undefined : { kind: "archive", path: file.gzip, inode };
}

/** The first bytes of what stands behind an origin. */
export function headOfOrigin(origin: Origin): Promise<Buffer> {
  return origin.kind === "file" ? headOf(origin.handle) : headOfArchive(origin.path);
}

async function statOf(handle: FileHandle): Promise<{ dev: bigint; ino: bigint; isFile: boolean }> {
  const stats = await handle.stat({ bigint: true });
  return { dev: stats.dev, ino: stats.ino, isFile: stats.isFile() };
}

async function inodeAt(path: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch (error) {
    if (systemCode(error) === "ENOENT") {
      return undefined;
    }
    throw error;
  }
}
