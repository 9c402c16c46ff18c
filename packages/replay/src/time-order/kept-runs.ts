import { createHash, createHmac, hkdfSync, randomBytes } from "node:crypto";
import { open, readFile, readdir, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { hashFile } from "../evidence/hash-file.ts";
import type { ReplayLog } from "../lines/log-reader.ts";
import { readRun, writeRun } from "./sorted-runs.ts";
import type { LineBatches, RunFile, RunFolder, SortedRun, SortStanding } from "./sorted-runs.ts";
import type { ReplayState } from "../state/replay-state.ts";

/** A run as the manifest has it; what it is encrypted by is worked out. */
interface KeptRun {
  readonly name: string;
  readonly iv: string;
  /** Of the file. */
  readonly sha256: string;
}

interface Manifest {
  readonly version: number;
  readonly runs: readonly KeptRun[];
  readonly standing: SortStanding;
}

const VERSION = 1;
const MANIFEST = "sort";
const RUN = /^replay\.sort-\d+\.run$/;
const KEY_BYTES = 32;
const OWNER_ONLY = 0o600;

/**
 * Sorted runs that outlive the process, in the folder of a state. They hold secrets: what they are encrypted by, and the manifest is sealed
 * by, is worked out of the content of the logs and stands nowhere, so that only who can read the logs can read them, and runs of
 * other logs are never taken for theirs.
 */
export class KeptRuns implements RunFolder {
  readonly #state: ReplayState;
  readonly #secret: Buffer;
  readonly #files = new Map<SortedRun, KeptRun>();
  #count = 0;
  /** How far a process before had come; undefined where it must be begun anew. */
  standing: SortStanding | undefined;

  private constructor(state: ReplayState, secret: Buffer) {
    this.#state = state;
    this.#secret = secret;
  }

  /** Those of a process before, if they are whole. Undefined where a log cannot tell what it holds. */
  static async open(state: ReplayState, logs: readonly ReplayLog[]): Promise<KeptRuns | undefined> {
    const hash = createHash("sha256").update("auditsieve sorted runs");
    for (const log of logs) {
      const digest = await log.digest?.();
      if (digest === undefined) {
        return undefined;
      }
      hash.update(`\n${JSON.stringify(log.name)} ${digest}`);
    }
    const runs = new KeptRuns(state, hash.digest());
    await runs.#take();
    return runs;
  }

  /** All runs. */
  get runs(): readonly SortedRun[] {
    return [...this.#files.keys()];
  }

  async write(batches: LineBatches): Promise<SortedRun> {
    const name = `sort-${this.#count++}.run`;
    const iv = randomBytes(16);
    const hash = createHash("sha256");
    const file = this.#file(name, iv);
    await rm(file.path, { force: true });
    await writeRun({ ...file, hash }, batches);
    return this.#add({ name, iv: iv.toString("hex"), sha256: hash.digest("hex") });
  }

  /** On the disk when this resolves, whole or not at all; what is in none of the runs is removed. */
  async commit(runs: readonly SortedRun[], standing: SortStanding): Promise<void> {
    const gone = this.runs.filter((run) => !runs.includes(run));
    const kept = runs.map((run) => this.#files.get(run) as KeptRun);
    const body = JSON.stringify({ version: VERSION, runs: kept, standing } satisfies Manifest);
    const path = this.#state.path(MANIFEST);
    const fresh = this.#state.path(`${MANIFEST}.new`);
    const file = await open(fresh, "w", OWNER_ONLY);
    try {
      await file.writeFile(`${this.#seal(body)}\n${body}`);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(fresh, path);
    for (const run of gone) {
      await rm(this.#state.path((this.#files.get(run) as KeptRun).name), { force: true });
      this.#files.delete(run);
    }
  }

  /** They last until the state is removed. */
  remove(): Promise<void> {
    return Promise.resolve();
  }

  async #take(): Promise<void> {
    const text = await readFile(this.#state.path(MANIFEST), "utf8").catch(() => "");
    const end = text.indexOf("\n");
    const body = text.slice(end + 1);
    const manifest =
      text !== "" && text.slice(0, end) === this.#seal(body) ? (JSON.parse(body) as Manifest) : undefined;
    if (manifest?.version === VERSION && (await this.#areWhole(manifest.runs))) {
      manifest.runs.forEach((run) => this.#add(run));
      this.standing = manifest.standing;
    }
    await this.#removeOthers();
  }

  async #areWhole(runs: readonly KeptRun[]): Promise<boolean> {
    for (const { name, sha256 } of runs) {
      const digest = await hashFile(this.#state.path(name)).catch(() => undefined);
      if (digest?.sha256 !== sha256) {
        return false;
      }
    }
    return true;
  }

  /** What was written behind the last manifest, or belongs to none. */
  async #removeOthers(): Promise<void> {
    const kept = new Set([...this.#files.values()].map(({ name }) => basename(this.#state.path(name))));
    for (const name of await readdir(this.#state.folder)) {
      if (RUN.test(name) && !kept.has(name)) {
        await rm(join(this.#state.folder, name), { force: true });
      }
    }
  }

  #add(run: KeptRun): SortedRun {
    const file = this.#file(run.name, Buffer.from(run.iv, "hex"));
    const sorted = { lines: () => readRun(file) };
    this.#files.set(sorted, run);
    this.#count = Math.max(this.#count, Number(/\d+/.exec(run.name)?.[0]) + 1);
    return sorted;
  }

  #file(name: string, iv: Buffer): RunFile {
    return { path: this.#state.path(name), key: this.#key(iv, "run"), iv, isKept: true };
  }

  #seal(body: string): string {
    return createHmac("sha256", this.#key(Buffer.alloc(0), "manifest"))
      .update(body)
      .digest("hex");
  }

  #key(salt: Buffer, use: string): Buffer {
    return Buffer.from(hkdfSync("sha256", this.#secret, salt, use, KEY_BYTES));
  }
}
