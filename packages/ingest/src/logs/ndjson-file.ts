import { constants } from "node:fs";
import * as nodeFiles from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { dirname, extname } from "node:path";
import { syncFolder } from "../state/checkpoint.ts";
import { IngestError, reasonOf, systemCode } from "../errors.ts";
import { makeFolder } from "../state/make-folder.ts";
import { writeWholeAt } from "../state/write-whole.ts";

/** The file operations of {@link NdjsonFile}; injected where a test fails one of them. */
export type NdjsonFiles = Pick<typeof nodeFiles, "open" | "rename">;

export interface NdjsonFileOptions {
  readonly path: string;
  /** Over this size the file is renamed to `<name>-<time><extension>` and a new one begun. Default: never. */
  readonly maxBytes?: number;
  /** So long after its first line the file is renamed with the next one. Default: never. */
  readonly maxAgeMs?: number;
  /** Told the new name of the file after that; nobody writes to it any more. */
  readonly onRotated?: (path: string) => void;
  readonly files?: NdjsonFiles;
  readonly now?: () => Date;
}

const NEWLINE = Buffer.from("\n");
const MAX_SYNC_BYTES = 8 * 1024 * 1024;
/** Of a folder that is not there, less what the umask takes away. */
const FOLDER_MODE = 0o777;
const TAIL_BYTES = 64 * 1024;
/** Through no link: whoever may put one into the folder must not choose which file is written to. */
const THERE = constants.O_RDWR | constants.O_NOFOLLOW;
const NEW = THERE | constants.O_CREAT | constants.O_EXCL;

interface Waiting {
  readonly lines: readonly Buffer[];
  readonly resolve: () => void;
  readonly reject: (error: IngestError) => void;
}

/**
 * A file of lines that holds only whole ones: what a crash tore off is cut away when it is opened, what a full disk cut
 * short at once. `append` resolves when the lines are on the disk (fsync); appends that wait together share one.
 */
export class NdjsonFile {
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #maxAgeMs: number;
  readonly #onRotated: ((path: string) => void) | undefined;
  readonly #files: NdjsonFiles;
  readonly #now: () => Date;
  readonly #waiting: Waiting[] = [];
  #handle: FileHandle | undefined;
  #bytes = 0;
  #begunAt = Infinity;
  #working: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: NdjsonFileOptions) {
    this.#path = options.path;
    this.#maxBytes = options.maxBytes ?? Infinity;
    this.#maxAgeMs = options.maxAgeMs ?? Infinity;
    this.#onRotated = options.onRotated;
    this.#files = options.files ?? nodeFiles;
    this.#now = options.now ?? (() => new Date());
  }

  append(lines: readonly Buffer[]): Promise<void> {
    if (this.#isClosed) {
      return Promise.reject(this.#error("it is closed", undefined));
    }
    if (lines.length === 0) {
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ lines, resolve, reject });
      this.#working ??= this.#work();
    });
  }

  /** Waits for what was appended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#working;
    await this.#handle?.close();
    this.#handle = undefined;
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#takeGroup();
      try {
        await this.#write(group.flatMap(({ lines }) => lines));
        group.forEach(({ resolve }) => resolve());
      } catch (error) {
        const failure = error instanceof IngestError ? error : this.#error(reasonOf(error), error);
        group.forEach(({ reject }) => reject(failure));
      }
    }
    // In the same step in which nothing waits: who appends as soon as the last one is settled must not be overlooked.
    this.#working = undefined;
  }

  #takeGroup(): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    while (count < this.#waiting.length && bytes < MAX_SYNC_BYTES) {
      bytes += this.#waiting[count]?.lines.reduce((sum, line) => sum + line.length + 1, 0) ?? 0;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #write(lines: readonly Buffer[]): Promise<void> {
    const handle = this.#handle ?? (await this.#open());
    const block = Buffer.concat(lines.flatMap((line) => [line, NEWLINE]));
    try {
      await writeWholeAt(handle, block, this.#bytes);
      await handle.sync();
    } catch (error) {
      await this.#cutBack(handle);
      throw error;
    }
    this.#bytes += block.length;
    this.#begunAt = Math.min(this.#begunAt, performance.now());
    if (this.#bytes >= this.#maxBytes || performance.now() - this.#begunAt >= this.#maxAgeMs) {
      // The lines are safe already: a failed rotation is tried again with the next ones.
      await this.#rotate(handle).catch(() => undefined);
    }
  }

  async #open(): Promise<FileHandle> {
    await makeFolder(dirname(this.#path), FOLDER_MODE);
    let handle: FileHandle;
    try {
      handle = await this.#files.open(this.#path, THERE, 0o600);
    } catch (error) {
      if (systemCode(error) !== "ENOENT") {
        throw error;
      }
      handle = await this.#files.open(this.#path, NEW, 0o600);
      await syncFolder(dirname(this.#path), this.#files);
    }
    // A restart does not make a file young: it counts from its creation, where the disk knows that.
    const { birthtimeMs } = await handle.stat();
    this.#bytes = await repair(handle);
    this.#begunAt = this.#bytes === 0 ? Infinity : performance.now() - Math.max(0, Date.now() - birthtimeMs);
    this.#handle = handle;
    return handle;
  }

  /** After a failed write: half a line must not stay. When not even that works, opening again repairs it. */
  async #cutBack(handle: FileHandle): Promise<void> {
    try {
      await handle.truncate(this.#bytes);
    } catch {
      this.#handle = undefined;
      await handle.close().catch(() => undefined);
    }
  }

  async #rotate(handle: FileHandle): Promise<void> {
    const extension = extname(this.#path);
    const stem = this.#path.slice(0, this.#path.length - extension.length);
    const time = this.#now().toISOString().replaceAll(":", "-").replace("Z", "");
    const rotated = await freeName(`${stem}-${time}-${this.#bytes}`, extension);
    await this.#files.rename(this.#path, rotated);
    this.#handle = undefined;
    this.#begunAt = Infinity;
    await handle.close();
    await syncFolder(dirname(this.#path), this.#files);
    this.#onRotated?.(rotated);
  }

  #error(reason: string, cause: unknown): IngestError {
    return new IngestError("sink-write", `Cannot write to "${this.#path}": ${reason}`, {
      path: this.#path,
      cause,
      hint: "Free space on the disk, or make the folder writable for this user; it is tried again, nothing is lost",
    });
  }
}

/** A name that no file has, packed or not: a clock that was set back comes to the same time again. */
async function freeName(stem: string, extension: string): Promise<string> {
  for (let number = 1; ; number++) {
    const name = `${stem}${number === 1 ? "" : `-${number}`}${extension}`;
    const taken = [name, `${name}.zst`].map((path) =>
      nodeFiles.access(path).then(
        () => true,
        () => false,
      ),
    );
    if (!(await Promise.all(taken)).includes(true)) {
      return name;
    }
  }
}

/** Cuts a torn last line away and gives the size of what stays. */
export async function repair(handle: FileHandle): Promise<number> {
  let { size } = await handle.stat();
  while (size > 0) {
    const from = Math.max(0, size - TAIL_BYTES);
    const tail = Buffer.alloc(size - from);
    await handle.read(tail, 0, tail.length, from);
    const newline = tail.lastIndexOf(10);
    if (newline !== -1) {
      const end = from + newline + 1;
      const { size: whole } = await handle.stat();
      if (end < whole) {
        await handle.truncate(end);
        await handle.sync();
      }
      return end;
    }
    size = from;
  }
  await handle.truncate(0);
  return 0;
}
