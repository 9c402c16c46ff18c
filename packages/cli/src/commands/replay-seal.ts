import type { JsonObject } from "@auditsieve/audit";
import { checkManifest, hashFile, ManifestError, PassingDigest, sealReplay } from "@auditsieve/replay";
import type { ReplaySummary, SealedFile } from "@auditsieve/replay";
import { createRequire } from "node:module";
import { EXIT } from "../exit-code.ts";
import { Failure, systemCode } from "../failure.ts";
import type { DetectionSet } from "../detection-set.ts";
import { checkOutputFile } from "../output-file.ts";
import { say, watchData } from "../output.ts";
import type { ReplayInput } from "../replay-inputs.ts";
import { writeFailure } from "../write-failure.ts";

/** A replay that is being sealed: its inputs are hashed before they are read and once more behind. */
export class Seal {
  readonly #path: string;
  readonly #logs: readonly ReplayInput[];
  readonly #inputs: readonly (SealedFile | undefined)[];
  readonly #data = new PassingDigest();
  readonly #time = new Date();

  private constructor(path: string, logs: readonly ReplayInput[], inputs: readonly (SealedFile | undefined)[]) {
    this.#path = path;
    this.#logs = logs;
    this.#inputs = inputs;
    watchData((bytes) => this.#data.add(bytes));
  }

  static async begin(path: string, logs: readonly ReplayInput[]): Promise<Seal> {
    checkOutputFile(
      "--seal",
      path,
      logs.map(({ name }) => name),
    );
    await checkManifest(path).catch(cannotSeal(path));
    return new Seal(path, logs, await hashInputs(logs));
  }

  /** Writes the manifest: the data that went to standard output, and files that were written beside it. */
  async finish(
    options: JsonObject,
    set: DetectionSet,
    summary: ReplaySummary,
    written: readonly string[],
  ): Promise<void> {
    const after = await hashInputs(this.#logs);
    const changed = this.#inputs.find((before, i) => before !== undefined && after[i]?.sha256 !== before.sha256);
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
      inputs: this.#logs.map((log, i) => this.#inputs[i] ?? passedInput(log)),
      outputs: [{ name: "standard output", ...this.#data.total() }, ...(await hashAll(written))],
      summary: { findings, undecidable, duplicates, events: log.events, from: log.from ?? null, to: log.to ?? null },
    }).catch(cannotSeal(this.#path));
    say(`auditsieve: sealed; hash of the last line: ${root}`);
    say("  hint: Write the hash down where the manifest is not: `auditsieve verify --hash` compares it");
  }
}

/** A file that is no manifest is wrong use, known before the logs are read. */
function cannotSeal(path: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof ManifestError) {
      throw new Failure(`Cannot add to the manifest "${path}": ${lowerFirst(error.message)}`, {
        hint: "A manifest is added to; name a new file, or one that `auditsieve verify` proves",
        cause: error,
      });
    }
    throw writeFailure(`the manifest "${path}"`, error);
  };
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** Undefined for standard input: its bytes are hashed as they pass. */
function hashInputs(logs: readonly ReplayInput[]): Promise<readonly (SealedFile | undefined)[]> {
  return Promise.all(
    logs.map(async ({ name, passed }) => (passed === undefined ? (await hashAll([name]))[0] : undefined)),
  );
}

function passedInput({ name, passed }: ReplayInput): SealedFile {
  const { bytes = 0, sha256 = "", isWhole = false } = passed?.() ?? {};
  return { name, bytes, sha256, ...(!isWhole && { problem: "not read to its end" }) };
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
