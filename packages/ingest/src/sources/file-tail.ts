import { basename } from "node:path";
import { returnRoom, takeRoom } from "@auditsieve/audit";
import type { Checkpoint } from "../state/checkpoint.ts";
import { IngestError, reasonOf } from "../errors.ts";
import type { RotationStatus, Source, SourceAlarm, SourceChunk } from "../source.ts";
import { closeOrigin, findCopy } from "./cut-copies.ts";
import { beginsLike, fingerprint } from "./file-identity.ts";
import { knownNames, listRotated, rotatedSince } from "./rotated-files.ts";
import { RotationWatch } from "./rotation-watch.ts";
import { generationOf, inputName } from "./tail-position.ts";
import type { TailPosition } from "./tail-position.ts";
import { TailProgress } from "./tail-progress.ts";
import { headOfOrigin, openFileOrigin, openRotated, TailedFile } from "./tailed-file.ts";
import type { Origin } from "./tailed-file.ts";
import { Wakening } from "./wakening.ts";

/** Options of {@link createFileTail}. */
export interface FileTailOptions {
  /** Names the source in metrics and its section in the checkpoint. */
  readonly name: string;
  /** The file that the apiserver writes (`--audit-log-path`). It need not exist yet. */
  readonly path: string;
  readonly checkpoint: Checkpoint;
  readonly onAlarm?: (alarm: SourceAlarm) => void;
  /** How often the file is looked at when nothing wakes the tail up. Default 200 ms. */
  readonly pollIntervalMs?: number;
  readonly chunkBytes?: number;
  /** What its inputs are called, before `@` and a number. Default: the file's name. */
  readonly inputName?: string;
  /** Reads files that were rotated away before the first start too. Default false. */
  readonly readsRotated?: boolean;
  /** Rotated files that are kept (`--audit-log-maxbackup`), for the forecast. Default: learned from what is deleted. */
  readonly maxBackups?: number;
}

/**
 * Follows an audit log over rotations as the apiserver makes them: the file renamed to `audit-<time>.log`, perhaps
 * compressed, and a new one in its place; any number of them between two looks or while nothing ran. A file cut in place
 * is read again from its start, with an alarm; a file that is not there is waited for.
 *
 * @example
 * const tail = createFileTail({ name: "audit", path: "audit.log", checkpoint });
 * const stop = new AbortController();
 * for await (const chunk of tail.open(stop.signal)) {
 *   await tail.ack(chunk.input, chunk.offset + chunk.bytes.length);
 *   stop.abort();
 * }
 */
export function createFileTail(options: FileTailOptions): Source {
  return new FileTail(options);
}

const DEFAULT_POLL_MS = 200;
/** As much as a room of the scanner's memory: lines that are read into one are not copied before they are compared. */
const DEFAULT_CHUNK_BYTES = 512 * 1024;

class FileTail implements Source {
  readonly name: string;
  readonly #path: string;
  readonly #options: FileTailOptions;
  readonly #progress: TailProgress;
  readonly #rotation: RotationWatch;
  /** Of the file that is begun next. */
  #generation = 0;
  #lastAlarm = "";
  #hasCaughtUp = false;

  constructor(options: FileTailOptions) {
    this.name = options.name;
    this.#path = options.path;
    this.#options = options;
    this.#progress = new TailProgress(options.checkpoint, options.name);
    this.#rotation = new RotationWatch({ ...options, onAlarm: (alarm) => options.onAlarm?.(alarm) });
  }

  get hasCaughtUp(): boolean {
    return this.#hasCaughtUp;
  }

  rotation(): RotationStatus {
    return this.#rotation.status;
  }

  async *open(signal: AbortSignal): AsyncGenerator<SourceChunk, void> {
    const alarmClock = new Wakening(this.#path, this.#options.pollIntervalMs ?? DEFAULT_POLL_MS);
    const { chunkBytes = DEFAULT_CHUNK_BYTES } = this.#options;
    const room = chunkBytes === DEFAULT_CHUNK_BYTES ? takeRoom() : undefined;
    const buffer = room ?? Buffer.allocUnsafeSlow(chunkBytes);
    let position = this.#progress.restore();
    let current: TailedFile | undefined;
    this.#rotation.start();
    try {
      for (let isFirst = true; !signal.aborted;) {
        try {
          position ??= await this.#firstPosition();
          if (isFirst) {
            current = position.offset === 0 ? undefined : await this.#locate(position);
            isFirst = false;
            this.#rotation.reading(current, position.known);
          }
          if (current !== undefined && (await current.isTruncated())) {
            const rest = await this.#restOf(current);
            if (rest === undefined) {
              yield current.last();
            } else {
              await current.close();
            }
            current = this.#take(rest ?? this.#track(current.origin, current.known));
            this.#rotation.reading(current, current.known);
          }
          if (current !== undefined) {
            yield* this.#read(current, buffer);
          }
          const next = signal.aborted ? undefined : await this.#after(current, position.known);
          if (next !== undefined) {
            if (current !== undefined) {
              // The writer was done with the file before the next one appeared: now its end is its end.
              yield* this.#read(current, buffer);
              if (await current.isTruncated()) {
                await next.close();
                continue;
              }
              yield current.last();
              await current.close();
            }
            current = this.#take(next);
            this.#rotation.reading(current, current.known);
            continue;
          }
          this.#hasCaughtUp ||= !signal.aborted;
        } catch (error) {
          this.#alarm("unreadable", `Cannot follow "${this.#path}": ${reasonOf(error)}; trying again`);
        }
        await alarmClock.wait(signal);
      }
    } finally {
      alarmClock.close();
      await this.#rotation.stop();
      // A stop may come before it was seen that there is no more.
      this.#hasCaughtUp ||= (await current?.isAllOf(this.#path).catch(() => false)) === true;
      await current?.close();
      returnRoom(room);
    }
  }

  ack(input: string, offset: number): Promise<void> {
    return this.#progress.ack(generationOf(input), offset);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async *#read(file: TailedFile, buffer: Buffer): AsyncGenerator<SourceChunk, void> {
    try {
      for await (const chunk of file.read(buffer)) {
        this.#rotation.read(chunk.bytes.length);
        if (chunk.offset === 0) {
          await this.#progress.begin(file);
        }
        yield chunk;
      }
    } catch (error) {
      if (!(error instanceof IngestError) || file.origin.kind !== "archive") {
        throw error;
      }
      this.#alarm("damaged-archive", `${error.message}; going on with the next file`);
    }
  }

  /** What stood behind the offset of a file that was cut in place, where a copy of it was made before. */
  async #restOf(cut: TailedFile): Promise<TailedFile | undefined> {
    const { generation, input, known, head, offset } = cut;
    const copy = await findCopy(this.#path, fingerprint(head), offset);
    const where = `"${this.#path}" was cut in place at or before offset ${offset}: `;
    this.#alarm(
      "truncated",
      copy === undefined
        ? `${where}reading it from its start; what was not yet read is lost`
        : `${where}reading the rest from its copy "${copy.origin.path}", then it from its start; what was written between copy and cut is lost`,
    );
    const of = { generation, input, known, offset, head, cutInode: cut.origin.inode };
    return copy && this.#progress.register(new TailedFile({ ...of, origin: copy.origin }));
  }

  async #firstPosition(): Promise<TailPosition> {
    const rotated = this.#options.readsRotated === true ? [] : await listRotated(this.#path);
    return this.#progress.first(knownNames(rotated.map((file) => file.name)));
  }

  /** The file of the checkpoint, wherever it is now. */
  async #locate(position: TailPosition): Promise<TailedFile | undefined> {
    this.#generation = position.generation + 1;
    // Listed before the file is opened: one that is rotated in between must not count as known.
    const before = knownNames((await listRotated(this.#path)).map((file) => file.name));
    const active = await openFileOrigin(this.#path);
    const resume = (
      origin: Origin,
      head: Buffer,
      known: readonly string[],
      rotatedName?: string,
      cutInode?: string,
    ): TailedFile => {
      const { generation, offset } = position;
      return this.#progress.register(
        new TailedFile({
          generation,
          input: this.#input(generation),
          origin,
          known,
          rotatedName,
          offset,
          head: head.subarray(0, offset),
          ...(cutInode !== undefined && { cutInode }),
        }),
      );
    };
    if (active !== undefined) {
      const head = await headOfOrigin(active);
      if (beginsLike(head, position.head) && (await active.handle.stat()).size >= position.offset) {
        return resume(active, head, before);
      }
      await active.handle.close();
    }
    for (const file of (await listRotated(this.#path)).toReversed()) {
      const origin = await openRotated(file);
      const head = origin && (await headOfOrigin(origin));
      if (origin && head && beginsLike(head, position.head)) {
        return resume(origin, head, knownNames([...position.known, file.name]), file.name);
      }
      if (origin?.kind === "file") {
        await origin.handle.close();
      }
    }
    const isCut = active?.inode === position.inode;
    const copy = await findCopy(this.#path, position.head, position.offset);
    if (copy !== undefined) {
      const message = `"${this.#path}" was cut in place while nothing read it: reading the rest from its copy "${copy.origin.path}", then it from its start; what was written between copy and cut is lost`;
      this.#alarm("truncated", message);
      return resume(copy.origin, copy.head, position.known, undefined, position.inode);
    }
    const lost = isCut ? 0 : this.#rotation.gone(position.generation, position.offset);
    this.#alarm(
      isCut ? "truncated" : "gap",
      isCut
        ? `"${this.#path}" was cut in place while nothing read it (offset ${position.offset} was reached): reading it from its start`
        : `The file that "${this.#path}" named when offset ${position.offset} was reached is gone, and what followed there is lost (at least ${lost} bytes): keep more rotated files (--audit-log-maxbackup)`,
    );
    return undefined;
  }

  /** The file that comes after `current` (or after those of `known`); undefined while there is none. */
  async #after(current: TailedFile | undefined, known: readonly string[]): Promise<TailedFile | undefined> {
    // Opened before the folder is read: if it is rotated in between, the folder shows it as rotated.
    const active = await openFileOrigin(this.#path);
    let isActiveUsed = false;
    try {
      if (active !== undefined && active.inode === current?.origin.inode) {
        return undefined;
      }
      const rotated = await listRotated(this.#path);
      const passed = current?.known ?? known;
      const since = rotatedSince(rotated, passed);
      // All of them first: where the clock was set back, the file in hand has a later name than what came after it.
      for (const file of since) {
        if (current !== undefined && (await current.isRotatedAs(file))) {
          current.rotatedName = file.name;
          break;
        }
      }
      for (const file of since) {
        if (file.name === current?.rotatedName) {
          continue;
        }
        const origin = await openRotated(file);
        const names = [...passed, file.name, ...(current?.rotatedName === undefined ? [] : [current.rotatedName])];
        return origin && (await this.#next(origin, passed, current, knownNames(names), file.name));
      }
      isActiveUsed = true;
      const names = rotated.map((file) => file.name);
      return active && (await this.#next(active, passed, current, knownNames(names)));
    } finally {
      if (!isActiveUsed) {
        await active?.handle.close();
      }
    }
  }

  /** The file at `origin`; or one that an earlier run had begun before it, where only a copy is left of that. */
  async #next(
    origin: Origin,
    passed: readonly string[],
    current: TailedFile | undefined,
    known: readonly string[],
    rotatedName?: string,
  ): Promise<TailedFile> {
    const begun = this.#progress.begunFrom(this.#generation);
    const head = begun.length === 0 ? undefined : await headOfOrigin(origin);
    for (const [generation, first] of begun) {
      this.#generation = generation;
      if (head !== undefined && beginsLike(head, first)) {
        break;
      }
      const copy = await findCopy(this.#path, first, 0);
      if (copy !== undefined) {
        this.#alarm(
          "truncated",
          `"${this.#path}" was cut in place while nothing read it: reading it from its copy "${copy.origin.path}"; what was written between copy and cut is lost`,
        );
        await closeOrigin(origin);
        const names = current?.rotatedName === undefined ? passed : knownNames([...passed, current.rotatedName]);
        return this.#track(copy.origin, names);
      }
      this.#alarm(
        "gap",
        `A file that "${this.#path}" named is gone before it was acknowledged, and what was not delivered of it is lost: keep more rotated files (--audit-log-maxbackup)`,
      );
      this.#rotation.gone(generation, 0);
      this.#progress.forget(generation);
      this.#generation = generation + 1;
    }
    return this.#track(origin, known, rotatedName);
  }

  /** `file` is read now: the next one has the next number. */
  #take(file: TailedFile): TailedFile {
    this.#generation = file.generation + 1;
    return file;
  }

  #track(origin: Origin, known: readonly string[], rotatedName?: string): TailedFile {
    const generation = this.#generation;
    return this.#progress.register(
      new TailedFile({ generation, input: this.#input(generation), origin, known, rotatedName }),
    );
  }

  #input(generation: number): string {
    return inputName(this.#options.inputName ?? basename(this.#path), generation);
  }

  /** A fault that lasts is told once. */
  #alarm(kind: SourceAlarm["kind"], message: string): void {
    if (kind === "unreadable" && message === this.#lastAlarm) {
      return;
    }
    this.#lastAlarm = message;
    this.#options.onAlarm?.({ kind, message });
  }
}
