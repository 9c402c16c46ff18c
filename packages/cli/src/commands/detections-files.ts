import type { Problem } from "@auditsieve/audit";
import { linkCorrelations, loadDetectionFiles, loadPipelines, safeText } from "@auditsieve/detect";
import type { Detection, DetectionException, Pipeline } from "@auditsieve/detect";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Argv } from "yargs";
import { exceptionsOption, readExceptionTexts } from "../exceptions-option.ts";
import type { ExceptionsOption } from "../exceptions-option.ts";
import { Failure } from "../failure.ts";
import { sayProblem } from "../output.ts";
import { readText } from "../read-text.ts";
import { readDetectionTexts } from "../shipped.ts";

/** Options that every command about detections has. */
export interface DetectionsOptions extends ExceptionsOption {
  readonly paths: readonly string[];
  readonly pipeline: readonly string[];
}

/** Detections of files, with all that is wrong with these. */
export interface ReadDetections {
  readonly detections: readonly Detection[];
  readonly exceptions: readonly DetectionException[];
  /** Detections that others only count: they make no finding themselves. */
  readonly silent: ReadonlySet<Detection>;
  readonly problems: readonly (Problem & { readonly file: string })[];
  /** Documents of folders that are about other logs. */
  readonly others: number;
  readonly files: readonly string[];
}

/** Adds the options that every command about detections has. */
export function detectionsOptions(argv: Argv): Argv<DetectionsOptions> {
  return exceptionsOption(argv)
    .positional("paths", {
      type: "string",
      array: true,
      default: [] as string[],
      describe: "Sigma files or folders of them; default: the shipped detections",
    })
    .option("pipeline", {
      type: "string",
      array: true,
      nargs: 1,
      default: [] as string[],
      describe: "Sigma processing pipeline that rewrites fields first; may be given several times",
    });
}

/**
 * Loads detections. A folder of Sigma rules may hold rules for other logs too: they are counted, not complained of.
 * Throws where a path cannot be read or a folder holds no Sigma file.
 */
export async function readDetections({ paths, pipeline, exceptions }: DetectionsOptions): Promise<ReadDetections> {
  const pipelines = (await Promise.all(pipeline.map(readPipeline))).flat();
  const named = (await Promise.all(paths.map(filesOf))).flat();
  if (paths.length > 0 && named.length === 0) {
    throw new Failure(`Cannot find a detection in "${safeText(paths.join(", "), 500)}": there is no .yml file`, {
      hint: "Name Sigma files, or folders that hold some",
    });
  }
  const texts =
    paths.length === 0
      ? readDetectionTexts(undefined)
      : await Promise.all(named.map(async (each) => ({ ...each, text: await readText(each.file, "detection") })));
  const tuning = readExceptionTexts(exceptions);
  const loaded = loadDetectionFiles(texts, { pipelines, exceptions: tuning });
  const { silent, problems: unlinked } = linkCorrelations(loaded.detections);
  return {
    detections: loaded.detections,
    exceptions: loaded.exceptions,
    silent,
    problems: [...loaded.problems, ...unlinked],
    others: loaded.others.length,
    files: texts.map(({ file }) => file),
  };
}

/** As {@link readDetections}; says the problems, and gives nothing when one is an error. */
export async function readSoundDetections(options: DetectionsOptions): Promise<ReadDetections | undefined> {
  const read = await readDetections(options);
  read.problems.forEach((problem) => sayProblem(problem, problem.file));
  return read.problems.some(({ severity }) => severity === "error") ? undefined : read;
}

async function readPipeline(file: string): Promise<readonly Pipeline[]> {
  const { pipelines, problems } = loadPipelines(await readText(file, "pipeline"), file);
  const [error] = problems.filter(({ severity }) => severity === "error");
  if (error !== undefined) {
    throw new Failure(`Cannot read the pipeline "${safeText(file, 500)}": ${error.message}`, {
      hint: error.hint ?? "See docs/sigma.md for the transformations there are",
    });
  }
  return pipelines;
}

async function filesOf(path: string): Promise<readonly { readonly file: string; readonly isOfFolder: boolean }[]> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) {
    return [{ file: path, isOfFolder: false }];
  }
  const files = await readdir(path, { recursive: true });
  return files
    .filter((file) => /\.ya?ml$/.test(file))
    .sort()
    .map((file) => ({ file: join(path, file), isOfFolder: true }));
}
