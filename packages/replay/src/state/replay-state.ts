import type { JsonObject } from "@auditsieve/audit";
import { IngestError, lockState, makeFolder } from "@auditsieve/ingest/logs";
import type { StateLock } from "@auditsieve/ingest";
import { createHash, randomBytes } from "node:crypto";
import { open, readFile, rename, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";

/** What must be the same for a replay to be gone on with: what it is, and its value. */
export type ReplayIdentity = readonly (readonly [what: string, value: string])[];

/** What stands before the saved data: one line of JSON. */
interface Header {
  readonly kind: typeof KIND;
  readonly version: number;
  readonly identity: ReplayIdentity;
  readonly note: JsonObject;
  readonly savedAt: string;
  /** Key by which secrets are redacted: the same secret has the same hash before and after. */
  readonly key: string;
  readonly sha256: string;
}

interface Opened extends Pick<Header, "identity" | "note"> {
  readonly key: Buffer;
  readonly savedAt?: string;
  readonly saved?: unknown;
}

const KIND = "auditsieve.replay-state";
const VERSION = 5;
const FILE = "replay.state";
const NEWLINE = 10;
const OWNER_ONLY = 0o600;

/**
 * A folder in which a replay remembers how far it has come. It holds redacted events, and the key that they are redacted by:
 * only its owner may read it, and it is removed when the replay is done.
 *
 * @example
 * const state = await ReplayState.open("case-17.state", [["version", "0.1.0"], ['"audit.log"', "1024 bytes"]]);
 * await replayLogs({ logs, detections, redactor: createRedactor({ key: state.key }), state });
 * await state.remove();
 */
export class ReplayState {
  readonly folder: string;
  readonly key: Buffer;
  /** What the replay noted when it began. */
  readonly note: JsonObject;
  /** When an earlier process saved it; undefined when the replay begins. */
  readonly savedAt: string | undefined;
  readonly #identity: ReplayIdentity;
  readonly #lock: StateLock;
  readonly #files = new Set([FILE]);
  #saved: unknown;

  private constructor(folder: string, lock: StateLock, { identity, note, key, savedAt, saved }: Opened) {
    this.folder = folder;
    this.#identity = identity;
    this.#lock = lock;
    this.note = note;
    this.key = key;
    this.savedAt = savedAt;
    this.#saved = saved;
  }

  /** Throws an {@link IngestError} when the folder is in use, cannot be used, or holds the state of something else. */
  static async open(folder: string, identity: ReplayIdentity, note: JsonObject = {}): Promise<ReplayState> {
    await makeFolder(folder).catch((error: unknown) => {
      throw isCode(error, "EEXIST") || isCode(error, "ENOTDIR")
        ? unusable(folder, "there is a file of this name", "Name another folder; it is made if there is none")
        : unusable(
            folder,
            error instanceof Error ? error.message : String(error),
            "Check the path and its permissions",
          );
    });
    const lock = await lockState(folder);
    try {
      const found = await readState(folder);
      if (found === undefined) {
        return new ReplayState(folder, lock, { identity, note, key: randomBytes(32) });
      }
      const { header, saved } = found;
      refuseOther(folder, header.identity, identity);
      return new ReplayState(folder, lock, { ...header, key: Buffer.from(header.key, "hex"), saved });
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** What {@link save} was given last, by this process or an earlier one; once, because it is used as it is. */
  take(): unknown {
    const saved = this.#saved;
    this.#saved = undefined;
    return saved;
  }

  /** A file beside the state, removed with it. */
  path(name: string): string {
    const file = `replay.${name}`;
    this.#files.add(file);
    return join(this.folder, file);
  }

  /** On the disk when this resolves, whole or not at all. */
  async save(data: unknown): Promise<void> {
    const body = serialize(data);
    const header: Header = {
      kind: KIND,
      version: VERSION,
      identity: this.#identity,
      note: this.note,
      savedAt: new Date().toISOString(),
      key: this.key.toString("hex"),
      sha256: createHash("sha256").update(body).digest("hex"),
    };
    const path = join(this.folder, FILE);
    try {
      const file = await open(`${path}.new`, "w", OWNER_ONLY);
      try {
        await file.writeFile(`${JSON.stringify(header)}\n`);
        await file.writeFile(body);
        await file.datasync();
      } finally {
        await file.close();
      }
      await rename(`${path}.new`, path);
      const entries = await open(this.folder, "r");
      try {
        await entries.sync();
      } finally {
        await entries.close();
      }
    } catch (error) {
      throw unusable(
        this.folder,
        error instanceof Error ? error.message : String(error),
        "Check the space on its disk",
      );
    }
  }

  /** The replay is done: its files are gone, and the folder if nothing else is in it. */
  async remove(): Promise<void> {
    for (const file of [...this.#files, `${FILE}.new`]) {
      await rm(join(this.folder, file), { force: true });
    }
    await rmdir(this.folder).catch(() => undefined);
    await this.close();
  }

  /** Lets another process have the folder. */
  close(): Promise<void> {
    return this.#lock.release();
  }
}

async function readState(folder: string): Promise<{ readonly header: Header; readonly saved: unknown } | undefined> {
  const path = join(folder, FILE);
  const bytes = await readFile(path).catch((error: unknown) => {
    if (isCode(error, "ENOENT")) {
      return undefined;
    }
    throw unusable(folder, error instanceof Error ? error.message : String(error), "Check its permissions");
  });
  if (bytes === undefined) {
    return undefined;
  }
  const end = bytes.indexOf(NEWLINE);
  const header = readHeader(bytes.toString("utf8", 0, end === -1 ? 0 : end));
  const body = bytes.subarray(end + 1);
  if (header === undefined || createHash("sha256").update(body).digest("hex") !== header.sha256) {
    throw unusable(folder, `"${path}" is damaged, or no state of a replay`, ANEW);
  }
  if (header.version !== VERSION) {
    throw unusable(folder, "its state is of another version of auditsieve", ANEW);
  }
  return { header, saved: deserialize(body) };
}

function readHeader(line: string): Header | undefined {
  try {
    const header = JSON.parse(line) as Partial<Header> | null;
    return header?.kind === KIND ? (header as Header) : undefined;
  } catch {
    return undefined;
  }
}

const ANEW = "Remove the folder to begin anew, or name another one";
const MOST_NAMED = 5;

function refuseOther(folder: string, before: ReplayIdentity, now: ReplayIdentity): void {
  const [old, fresh] = [new Map(before), new Map(now)];
  const named = [...new Set([...old.keys(), ...fresh.keys()])].flatMap((what) => {
    if (old.get(what) === fresh.get(what)) {
      return [];
    }
    return [old.has(what) ? (fresh.has(what) ? `${what}: changed` : `${what}: gone`) : `${what}: new`];
  });
  if (named.length > 0) {
    const more = named.length > MOST_NAMED ? ` and ${named.length - MOST_NAMED} more` : "";
    throw unusable(
      folder,
      `the replay that stopped there was another one (${named.slice(0, MOST_NAMED).join("; ")}${more})`,
      "Give the same command on the same logs; or remove the folder to begin anew",
    );
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

function unusable(folder: string, why: string, hint: string): IngestError {
  return new IngestError("unreadable", `Cannot use the state folder "${folder}": ${why}`, { path: folder, hint });
}
