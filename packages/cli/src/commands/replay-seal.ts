import type { JsonObject } from "@auditsieve/audit";
import { hashFile, PassingDigest, sealReplay } from "@auditsieve/replay";
import type { ReplayLog, ReplaySummary, SealedFile } from "@auditsieve/replay";
import { createRequire } from "node:module";
import { EXIT } from "../exit-code.ts";
import { Failure, systemCode } from "../failure.ts";
import type { DetectionSet } from "../detection-set.ts";
import { say, watchData } from "../output.ts";

/** A replay that is being sealed: its inputs are hashed before they are read and once more behind. */
export class Seal {
  readonly #path: string;
  readonly #inputs: readonly SealedFile[];
  readonly #data = new PassingDigest();
  readonly #time = new Date();

  private constructor(path: string, inputs: readonly SealedFile[]) {
    this.#path = path;
    this.#inputs = inputs;
    watchData((bytes) => this.#data.add(bytes));
  }

  static async begin(path: string, logs: readonly ReplayLog[]): Promise<Seal> {
    if (logs.some(({ isRepeatable }) => isRepeatable === false)) {
      throw new Failure("Cannot seal a replay of standard input: nobody could prove later what came in", {
        hint: "Save the log to a file first, and name that",
      });
    }
    return new Seal(path, await hashAll(logs.map(({ name }) => name)));
  }

  /** Writes the manifest: the data that went to standard output, and files that were written beside it. */
  async finish(
    options: JsonObject,
    set: DetectionSet,
    summary: ReplaySummary,
    written: readonly string[],
  ): Promise<void> {
    const after = await hashAll(this.#inputs.map(({ name }) => name));
    const changed = this.#inputs.find(({ sha256 }, i) => after[i]?.sha256 !== sha256);
    if (changed !== undefined) {
      throw new Failure(`Cannot seal the replay: "${changed.name}" changed while it was read`, {
        hint: "Copy the log away from whoever writes to it, and replay the copy",
        exitCode: EXIT.failed,
      });
    }
    const { version } = createRequire(import.meta.url)("../../package.json") as { readonly version: string };
    const { findings, undecidable, duplicates, log } = summary;
    const root = await sealReplay(this.#path, {
      tool: { name: "auditsieve", version },
      time: this.#time.toISOString(),
      options,
      detections: set.files,
      inputs: this.#inputs,
      outputs: [{ name: "standard output", ...this.#data.total() }, ...(await hashAll(written))],
      summary: { findings, undecidable, duplicates, events: log.events, from: log.from ?? null, to: log.to ?? null },
    }).catch((error: unknown) => {
      throw new Failure(
        `Cannot write the manifest "${this.#path}": ${error instanceof Error ? error.message : String(error)}`,
        {
          hint: "A manifest is added to; name a new file, or one that `auditsieve verify` proves",
          exitCode: EXIT.failed,
          cause: error,
        },
      );
    });
    say(`auditsieve: sealed; hash of the last line: ${root}`);
    say("  hint: Write the hash down where the manifest is not: `auditsieve verify --hash` compares it");
  }
}

/** What cannot be read has no hash, and says why. */
function hashAll(names: readonly string[]): Promise<readonly SealedFile[]> {
  return Promise.all(
    names.map(async (name): Promise<SealedFile> => {
      try {
        return { name, ...(await hashFile(name)) };
      } catch (error) {
        return { name, bytes: 0, sha256: "", problem: systemCode(error) ?? "unreadable" };
      }
    }),
  );
}
