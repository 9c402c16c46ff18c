import { constants } from "node:fs";
import * as nodeFiles from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isJsonObject } from "@auditsieve/audit";
import type { JsonValue } from "@auditsieve/audit";
import { IngestError, reasonOf, systemCode } from "../errors.ts";

const VERSION = 1;

/** The file operations by which state is written; injected where a test fails or stops one of them. */
export type StateFiles = Pick<typeof nodeFiles, "open" | "rename" | "readFile">;

/**
 * What must survive a restart: one JSON file of named sections (a section per source, one for counters).
 *
 * Contract: a section that was `put` is durable when the next `save` resolves, together with all others put before it
 * (file written aside, fsync, rename, fsync of the folder): a crash leaves the old or the new file, never a mixture.
 * Calls to `save` that come while one is at work share the next write.
 */
export class Checkpoint {
  readonly #path: string;
  readonly #files: StateFiles;
  readonly #sections: Map<string, JsonValue>;
  #writing: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(path: string, sections: ReadonlyMap<string, JsonValue>, files: StateFiles = nodeFiles) {
    this.#path = path;
    this.#files = files;
    this.#sections = new Map(sections);
  }

  get(section: string): JsonValue | undefined {
    return this.#sections.get(section);
  }

  put(section: string, value: JsonValue): void {
    this.#sections.set(section, value);
  }

  /** The section of that name and those whose names begin with it and a slash. */
  under(name: string): { readonly [section: string]: JsonValue } {
    return Object.fromEntries([...this.#sections].filter(([each]) => each === name || each.startsWith(`${name}/`)));
  }

  /** One section, for who needs no other. */
  section(name: string): {
    readonly get: () => JsonValue | undefined;
    readonly put: (value: JsonValue) => void;
    readonly save: () => Promise<void>;
  } {
    return { get: () => this.get(name), put: (value) => this.put(name, value), save: () => this.save() };
  }

  save(): Promise<void> {
    if (this.#next === undefined) {
      const previous = this.#writing ?? Promise.resolve();
      const next = previous
        .catch(() => undefined)
        .then(() => {
          this.#writing = next;
          this.#next = undefined;
          return this.#write();
        });
      this.#next = next;
    }
    return this.#next;
  }

  async #write(): Promise<void> {
    const text = JSON.stringify({ version: VERSION, sections: Object.fromEntries(this.#sections) });
    try {
      await writeDurably(this.#path, `${text}\n`, this.#files);
    } catch (error) {
      throw new IngestError("checkpoint-write", `Cannot write checkpoint "${this.#path}": ${reasonOf(error)}`, {
        path: this.#path,
        cause: error,
        hint: "Free space on the disk of the state folder, or make it writable; nothing is acknowledged until then",
      });
    }
  }
}

/**
 * Opens the checkpoint at `path`; a missing file is an empty one. A file that cannot be understood is an error: going on
 * without it would deliver everything again, or skip what was never delivered.
 */
export async function openCheckpoint(path: string, files: StateFiles = nodeFiles): Promise<Checkpoint> {
  let text: string;
  try {
    text = await files.readFile(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") {
      return new Checkpoint(path, new Map(), files);
    }
    throw new IngestError("checkpoint-corrupt", `Cannot read checkpoint "${path}": ${reasonOf(error)}`, {
      path,
      cause: error,
      hint: "Make the state folder readable for this user",
    });
  }
  return new Checkpoint(path, decodeSections(text, path), files);
}

/** Through no link: whoever may put one into the folder must not choose which file a daemon of uid 0 overwrites. */
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;

/** Replaces the file at `path` so that a crash at any moment leaves the old or the new content. */
export async function writeDurably(
  path: string,
  content: string | Uint8Array,
  files: StateFiles = nodeFiles,
  mode = 0o600,
): Promise<void> {
  const folder = dirname(path);
  const aside = join(folder, `.${basename(path)}.tmp`);
  const file = await files.open(aside, NEW_FILE, mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await files.rename(aside, path);
  await syncFolder(folder, files);
}

/** Makes created, renamed and removed names in `folder` survive a power cut. */
export async function syncFolder(folder: string, files: Pick<StateFiles, "open"> = nodeFiles): Promise<void> {
  const handle = await files.open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function decodeSections(text: string, path: string): Map<string, JsonValue> {
  const corrupt = (what: string, cause?: unknown): IngestError =>
    new IngestError("checkpoint-corrupt", `Cannot read checkpoint "${path}": ${what}`, {
      path,
      cause,
      hint: "Restore it from a backup; or move it away, and every log is read from its beginning again",
    });
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw corrupt(`it is no JSON (${text.length} characters)`, error);
  }
  if (!isJsonObject(document) || typeof document["version"] !== "number") {
    throw corrupt("it has no version");
  }
  if (document["version"] !== VERSION) {
    throw new IngestError(
      "checkpoint-version",
      `Cannot read checkpoint "${path}": it has version ${document["version"]}, this program knows ${VERSION}`,
      { path, hint: "Run the version of auditsieve that wrote it, or move the file away to begin anew" },
    );
  }
  const sections = document["sections"];
  if (!isJsonObject(sections)) {
    throw corrupt("it has no sections");
  }
  return new Map(Object.entries(sections));
}
