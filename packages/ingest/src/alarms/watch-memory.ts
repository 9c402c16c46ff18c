import * as nodeFiles from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { zstdCompress, zstdDecompress } from "node:zlib";
import { isJsonObject } from "@auditsieve/audit";
import type { JsonObject, JsonValue } from "@auditsieve/audit";
import { openAuditIdJournal } from "./audit-id-journal.ts";
import type { AuditIdJournal } from "./audit-id-journal.ts";
import { writeDurably } from "../state/checkpoint.ts";
import type { StateFiles } from "../state/checkpoint.ts";
import { reasonOf, systemCode } from "../errors.ts";

const VERSION = 1;
/** Of the text: 10,000 classes for each of some sinks. */
const MAX_LENGTH = 64 * 1024 * 1024;
const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** What alarms remember of more than one event of a source, over restarts: which auditIDs were seen, and which noise is steady. */
export class WatchMemory {
  /** Undefined where no loaded detection asks for it. */
  readonly auditIds: AuditIdJournal | undefined;
  readonly noise: NoiseMemory;

  constructor(auditIds: AuditIdJournal | undefined, noise: NoiseMemory) {
    this.auditIds = auditIds;
    this.noise = noise;
  }

  /** Why what an earlier run remembered cannot be used. */
  get problems(): readonly string[] {
    return [this.auditIds?.problem, this.noise.problem].filter((problem) => problem !== undefined);
  }

  /** The line in hand is the one with which there are so many bytes of lines. */
  begin(total: number): void {
    this.auditIds?.begin(total);
  }

  /** Makes durable what belongs to a position, before the checkpoint names {@link WatchMemory.reference}. */
  async write(total: number): Promise<void> {
    await this.auditIds?.write(total);
    await this.noise.write();
  }

  get reference(): JsonValue | undefined {
    const auditIds = this.auditIds?.reference;
    return auditIds === undefined ? undefined : { auditIds };
  }
}

/** Opens what the checkpoint says of a source. Never fails: what cannot be used is among the `problems`. */
export async function openWatchMemory(
  folder: string,
  source: string,
  reference: JsonValue | undefined,
  { keepsAuditIds, files = nodeFiles }: { readonly keepsAuditIds: boolean; readonly files?: StateFiles },
): Promise<WatchMemory> {
  const saved = isJsonObject(reference) ? reference["auditIds"] : undefined;
  return new WatchMemory(
    keepsAuditIds ? await openAuditIdJournal(folder, source, saved, files) : undefined,
    await openNoiseMemory(join(folder, `noise-${source}.zst`), files),
  );
}

/**
 * Which noise is steady, by sink. It may be ahead of the position: receipts that are noted again change nothing. So it is a file of
 * its own, which the checkpoint does not name, written where something has changed: about once in a minute of the log.
 */
class NoiseMemory {
  readonly problem: string | undefined;
  readonly #path: string;
  readonly #files: StateFiles;
  readonly #before: JsonObject;
  readonly #snapshots = new Map<string, () => JsonValue>();
  #isChanged = false;

  constructor(path: string, files: StateFiles, before: JsonObject, problem?: string) {
    this.#path = path;
    this.#files = files;
    this.#before = before;
    this.problem = problem;
  }

  /** What an earlier run remembered of what is dropped for a sink. */
  before(sink: string): JsonValue | undefined {
    return this.#before[sink];
  }

  /** Something has changed; `snapshot` gives what is remembered when it is written. */
  noted(sink: string, snapshot: () => JsonValue): void {
    this.#snapshots.set(sink, snapshot);
    this.#isChanged = true;
  }

  async write(): Promise<void> {
    if (!this.#isChanged) {
      return;
    }
    this.#isChanged = false;
    const now = Object.fromEntries([...this.#snapshots].map(([sink, snapshot]) => [sink, snapshot()]));
    try {
      const text = JSON.stringify({ version: VERSION, sinks: { ...this.#before, ...now } });
      await writeDurably(this.#path, await compress(text), this.#files);
    } catch (error) {
      this.#isChanged = true;
      throw error;
    }
  }
}

async function openNoiseMemory(path: string, files: StateFiles): Promise<NoiseMemory> {
  try {
    const packed = await nodeFiles.readFile(path);
    const value: unknown = JSON.parse((await decompress(packed, { maxOutputLength: MAX_LENGTH })).toString("utf8"));
    const { version, sinks } = isJsonObject(value) ? value : {};
    if (version !== VERSION || !isJsonObject(sinks)) {
      throw new Error(`it has another form than version ${VERSION}, which this program knows`);
    }
    return new NoiseMemory(path, files, sinks);
  } catch (error) {
    const isNew = systemCode(error) === "ENOENT";
    return new NoiseMemory(path, files, {}, isNew ? undefined : `"${path}" cannot be used: ${reasonOf(error)}`);
  }
}
