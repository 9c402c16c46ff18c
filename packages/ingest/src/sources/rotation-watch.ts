import { stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { isJsonObject } from "@auditsieve/audit";
import type { JsonValue } from "@auditsieve/audit";
import type { Checkpoint } from "../state/checkpoint.ts";
import { systemCode } from "../errors.ts";
import type { RotationStatus, SourceAlarm } from "../source.ts";
import { listRotated, rotatedSince } from "./rotated-files.ts";
import type { RotatedFile } from "./rotated-files.ts";
import { RotationForecast } from "./rotation-forecast.ts";
import type { TailedFile } from "./tailed-file.ts";

export interface RotationWatchOptions {
  /** The file that the apiserver writes. */
  readonly path: string;
  /** Names the section of the checkpoint. */
  readonly name: string;
  readonly checkpoint: Checkpoint;
  /** What `--audit-log-maxbackup` says; without it, it is learned from the first file that is deleted. */
  readonly maxBackups?: number | undefined;
  readonly onAlarm: (alarm: SourceAlarm) => void;
  /** Any monotonic clock, in ms. */
  readonly now?: () => number;
  /** Default a second. */
  readonly intervalMs?: number;
}

/** What was lost because a file was gone before it was read to its end, as the checkpoint holds it. */
export interface LostFiles {
  readonly files: number;
  /** As far as known: the size of a file that was never looked at is not. */
  readonly bytes: number;
  /** When it was last noticed, RFC 3339. */
  readonly last: string;
}

/** What an operator has to hear of within the hour. */
const HORIZON_S = 3600;
const TELL_AGAIN_MS = 300_000;
const VERSION = 1;
const INTERVAL_MS = 1_000;
const LAST_LOOK_MS = 2_000;

/** A file whose reading has begun and not ended. */
interface Current {
  readonly generation: number;
  readonly bytes: number | undefined;
}

/**
 * Looks at the rotated files of a log while they wait to be read, whatever the reading does meanwhile: warns before one is deleted,
 * and counts those that were. What it saw last is in the checkpoint, so that what is deleted while nothing runs is counted too.
 */
export class RotationWatch {
  readonly #options: RotationWatchOptions;
  readonly #section: string;
  readonly #forecast = new RotationForecast();
  /** Rotated files that are to be read, with their size as far as known. */
  #waiting: Map<string, number | undefined>;
  /** Those that are being read or were. */
  readonly #taken = new Set<string>();
  readonly #sizes = new Map<string, number | undefined>();
  #listed: ReadonlySet<string> = new Set();
  #saved: Current | undefined;
  #lost: LostFiles;
  #current: TailedFile | undefined;
  #own: { readonly generation: number; readonly name: string } | undefined;
  #known: readonly string[] = [];
  #active: { readonly inode: string; readonly bytes: number } | undefined;
  #written = 0;
  /** Bytes of files that were counted while they were written to, and are not listed as rotated yet. */
  #counted = 0;
  #read = 0;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #toldAt = -Infinity;
  #status: Omit<RotationStatus, "lostBytes" | "lostFiles"> = { deadlineSeconds: undefined, unreadFiles: 0 };

  constructor(options: RotationWatchOptions) {
    this.#options = options;
    this.#section = sectionOf(options.name);
    const { waiting, current, lost, kept, rotatedBytes } = decodeState(options.checkpoint.get(this.#section));
    this.#waiting = new Map(waiting);
    this.#saved = current;
    this.#lost = lost;
    this.#forecast.kept = options.maxBackups ?? kept;
    this.#forecast.rotatedBytes = rotatedBytes;
  }

  /** Looks again and again until {@link stop}. */
  start(): void {
    this.#timer = setInterval(() => void this.look(), this.#options.intervalMs ?? INTERVAL_MS);
  }

  /** Ends with a last look, which is durable when this resolves; a folder that does not answer is waited for no longer than so many ms. */
  async stop(mostMs: number = LAST_LOOK_MS): Promise<void> {
    clearInterval(this.#timer);
    const last = async (): Promise<void> => {
      // One that is at work began before the end.
      await this.#looking;
      await this.look();
      // Where it cannot be saved nothing is acknowledged either, and an alarm of that says so.
      await this.#options.checkpoint.save().catch(() => undefined);
    };
    await Promise.race([last(), sleep(mostMs, undefined, { ref: false })]);
  }

  get status(): RotationStatus {
    return { ...this.#status, lostBytes: this.#lost.bytes, lostFiles: this.#lost.files };
  }

  /** `file` is read from now on; without one, `known` are the rotated files that are not to be read. */
  reading(file: TailedFile | undefined, known: readonly string[]): void {
    this.#current = file;
    this.#known = known;
    if (file?.rotatedName !== undefined) {
      this.#taken.add(file.rotatedName);
    }
    // Before anything of the file can be acknowledged: what is read must not seem lost after a crash.
    for (const name of [...known, ...this.#taken]) {
      this.#waiting.delete(name);
    }
    this.#put(this.#saved);
  }

  /** Bytes were read. */
  read(bytes: number): void {
    this.#read += bytes;
  }

  /** The file of the position is not there any more. Gives how many bytes are known to be lost with it. */
  gone(generation: number, offset: number): number {
    const saved = this.#saved?.generation === generation ? this.#saved.bytes : undefined;
    const bytes = Math.max(0, (saved ?? offset) - offset);
    this.#lose(1, bytes);
    return bytes;
  }

  /** One look. Never fails: a folder that cannot be read is what the reading tells. */
  look(): Promise<void> {
    // Where one fails the next one may do.
    this.#looking ??= this.#look()
      .catch(() => undefined)
      .finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #look(): Promise<void> {
    const { path, now = () => performance.now() } = this.#options;
    const rotated = await listRotated(path);
    const active = await sizeAt(path);
    await this.#measure(rotated);
    const current = this.#current;
    const own = current && (await this.#ownName(current, rotated));
    const ownBytes = current && ((await current.size()) ?? this.#sizes.get(own ?? ""));
    if (current !== this.#current) {
      return;
    }
    if (own !== undefined) {
      this.#taken.add(own);
    }
    this.#count(rotated, active);
    const unread = rotatedSince(rotated, current?.known ?? this.#known).filter(({ name }) => !this.#taken.has(name));
    this.#notice(rotated);
    this.#waiting = new Map(unread.map(({ name }) => [name, this.#sizes.get(name)]));
    // One that is deleted already is still open here.
    const rest =
      own === undefined || !this.#listed.has(own) ? 0 : Math.max(0, (ownBytes ?? 0) - (current?.offset ?? 0));
    const names = rest > 0 && own !== undefined ? [own, ...this.#waiting.keys()] : [...this.#waiting.keys()];
    const { deadline, outrun } = this.#forecast.look({
      at: now(),
      written: this.#written,
      read: this.#read,
      activeBytes: active?.bytes ?? 0,
      unread: names.map((name, i) => ({
        younger: rotated.length - 1 - rotated.findIndex((file) => file.name === name),
        bytes: i === 0 && name === own ? rest : (this.#sizes.get(name) ?? this.#forecast.rotatedBytes ?? 0),
      })),
    });
    this.#status = { deadlineSeconds: deadline, unreadFiles: names.length };
    if (outrun !== undefined && outrun.deletedIn < HORIZON_S && now() - this.#toldAt >= TELL_AGAIN_MS) {
      this.#toldAt = now();
      const reading = Number.isFinite(outrun.readIn)
        ? `it would be read in ${Math.ceil(outrun.readIn)} s`
        : "nothing is being read";
      this.#options.onAlarm({
        kind: "outrun",
        message: `A rotated file of "${path}" will be deleted unread in about ${Math.round(outrun.deletedIn)} s: ${reading}; keep more of them (--audit-log-maxbackup), or see why sinks do not take more`,
      });
    }
    this.#saved = current && { generation: current.generation, bytes: ownBytes };
    this.#put(this.#saved);
  }

  /** Under which name the current file was rotated away, if it was. */
  async #ownName(current: TailedFile, rotated: readonly RotatedFile[]): Promise<string | undefined> {
    if (current.rotatedName !== undefined) {
      return current.rotatedName;
    }
    if (this.#own?.generation !== current.generation) {
      this.#own = undefined;
      for (const file of rotatedSince(rotated, current.known)) {
        if (!this.#taken.has(file.name) && (await current.isRotatedAs(file))) {
          this.#own = { generation: current.generation, name: file.name };
          break;
        }
      }
    }
    return this.#own?.name;
  }

  /** Sizes of rotated files do not change; that of a packed one was learned before, or is not known. */
  async #measure(rotated: readonly RotatedFile[]): Promise<void> {
    for (const { name, plain } of rotated) {
      if (!this.#sizes.has(name) || (this.#sizes.get(name) === undefined && plain !== undefined)) {
        this.#sizes.set(name, plain === undefined ? this.#waiting.get(name) : (await sizeAt(plain))?.bytes);
      }
    }
  }

  /** How much was written since the last look, over any number of rotations. */
  #count(
    rotated: readonly RotatedFile[],
    active: { readonly inode: string; readonly bytes: number } | undefined,
  ): void {
    const fresh = rotated.filter(({ name }) => !this.#listed.has(name)).map(({ name }) => this.#sizes.get(name));
    const whole = fresh.filter((bytes) => bytes !== undefined);
    if (this.#active !== undefined) {
      const isSame = active?.inode === this.#active.inode;
      // A file that was renamed between the two steps of a look is listed by the next one.
      this.#counted += isSame ? 0 : this.#active.bytes;
      if (fresh.length > 0) {
        const unknown = (fresh.length - whole.length) * (this.#forecast.rotatedBytes ?? 0);
        this.#written += Math.max(0, whole.reduce((all, bytes) => all + bytes, unknown) - this.#counted);
        this.#counted = 0;
      }
      this.#written += Math.max(0, (active?.bytes ?? 0) - (isSame ? this.#active.bytes : 0));
    }
    this.#forecast.rotatedBytes = whole.at(-1) ?? this.#forecast.rotatedBytes;
    this.#active = active ?? this.#active;
  }

  /** What was there before and is not now. */
  #notice(rotated: readonly RotatedFile[]): void {
    const names = new Set(rotated.map(({ name }) => name));
    const lost = [...this.#waiting].filter(([name]) => !names.has(name) && !this.#taken.has(name));
    const deleted = [...this.#listed].filter((name) => !names.has(name));
    if (deleted.length > 0 && this.#options.maxBackups === undefined) {
      this.#forecast.kept = rotated.length;
    }
    for (const name of [...this.#sizes.keys(), ...this.#taken]) {
      if (!names.has(name)) {
        this.#sizes.delete(name);
        this.#taken.delete(name);
      }
    }
    this.#listed = names;
    if (lost.length > 0) {
      const bytes = lost.reduce((sum, [, size]) => sum + (size ?? 0), 0);
      const isWhole = lost.every(([, size]) => size !== undefined);
      this.#lose(lost.length, bytes);
      this.#options.onAlarm({
        kind: "gap",
        message: `${lost.length} rotated file(s) of "${this.#options.path}" were deleted before they were read: ${isWhole ? "" : "at least "}${bytes} bytes are lost; keep more of them (--audit-log-maxbackup), or see why sinks do not take more`,
      });
    }
  }

  #lose(files: number, bytes: number): void {
    this.#lost = {
      files: this.#lost.files + files,
      bytes: this.#lost.bytes + bytes,
      last: new Date().toISOString(),
    };
  }

  /** Durable with the next position. */
  #put(current: Current | undefined): void {
    const { kept, rotatedBytes } = this.#forecast;
    const waiting = [...this.#waiting].map(([name, bytes]): JsonValue => [name, bytes ?? null]);
    this.#options.checkpoint.put(this.#section, {
      version: VERSION,
      waiting,
      lost: { ...this.#lost },
      ...(current && { current: { generation: current.generation, bytes: current.bytes ?? null } }),
      ...(kept !== undefined && { kept }),
      ...(rotatedBytes !== undefined && { rotatedBytes }),
    });
  }
}

/** What was lost of the log of this section, as a checkpoint says. */
export function lostOf(checkpoint: Checkpoint, name: string): LostFiles {
  return decodeState(checkpoint.get(sectionOf(name))).lost;
}

function sectionOf(name: string): string {
  return `rotation/${name}`;
}

async function sizeAt(path: string): Promise<{ readonly inode: string; readonly bytes: number } | undefined> {
  try {
    const { dev, ino, size } = await stat(path);
    return { inode: `${dev}:${ino}`, bytes: size };
  } catch (error) {
    if (systemCode(error) === "ENOENT") {
      return undefined;
    }
    throw error;
  }
}

interface State {
  readonly waiting: ReadonlyMap<string, number | undefined>;
  readonly current: Current | undefined;
  readonly lost: LostFiles;
  readonly kept: number | undefined;
  readonly rotatedBytes: number | undefined;
}

/** What cannot be understood is left out: it serves to warn and to count, and no position rests on it. */
function decodeState(value: JsonValue | undefined): State {
  const state = isJsonObject(value) && value["version"] === VERSION ? value : {};
  const { waiting, current, lost, kept, rotatedBytes } = state;
  const { files, bytes, last } = isJsonObject(lost) ? lost : {};
  const generation = isJsonObject(current) ? current["generation"] : undefined;
  return {
    waiting: new Map(
      (Array.isArray(waiting) ? (waiting as readonly JsonValue[]) : []).flatMap((one) => {
        const [name, size] = Array.isArray(one) ? (one as readonly JsonValue[]) : [];
        return typeof name === "string" ? [[name, numberIn(size)] as const] : [];
      }),
    ),
    current:
      typeof generation === "number" && isJsonObject(current)
        ? { generation, bytes: numberIn(current["bytes"]) }
        : undefined,
    lost: { files: numberIn(files) ?? 0, bytes: numberIn(bytes) ?? 0, last: typeof last === "string" ? last : "" },
    kept: numberIn(kept),
    rotatedBytes: numberIn(rotatedBytes),
  };
}

function numberIn(value: JsonValue | undefined): number | undefined {
  return typeof value === "number" ? value : undefined;
}
