import type { Problem } from "@auditsieve/audit";
import { linkCorrelations, loadDetectionFiles, loadPipelines } from "@auditsieve/detect";
import type { Detection, DetectionException, Pipeline } from "@auditsieve/detect";
import type { Argv } from "yargs";
import { leaveOutHint, readDetectionPaths } from "../detection-paths.ts";
import { exceptionsOption, readExceptionTexts } from "../exceptions-option.ts";
import type { ExceptionsOption } from "../exceptions-option.ts";
import { Failure } from "../failure.ts";
import { say, sayProblem } from "../output.ts";
import { readText } from "../read-text.ts";
import { SHIPPED } from "../shipped-files.ts";
import { inputName, STANDARD_INPUT } from "../standard-input.ts";
import { counted } from "../table.ts";

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
  /** How to go on without what is faulty, where that is of a folder. */
  readonly hint: string | undefined;
  /** Documents of folders that are about other logs. */
  readonly others: number;
  /** Of each file, by its name in what is said of it, where it is. */
  readonly files: ReadonlyMap<string, string>;
}

/** Adds the options that every command about detections has. */
export function detectionsOptions(argv: Argv): Argv<DetectionsOptions> {
  return exceptionsOption(argv)
    .positional("paths", {
      type: "string",
      array: true,
      default: [] as string[],
      describe: "Sigma files or folders of them; shipped (the default) stands for ours; '!PATH' leaves out of a folder",
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
 * Throws where a path cannot be read or a folder holds no Sigma file. `shipped` stands for ours.
 */
export async function readDetections({ paths, pipeline, exceptions }: DetectionsOptions): Promise<ReadDetections> {
  const pipelines = await readPipelines(pipeline);
  const named = paths.length === 0 ? [SHIPPED] : paths;
  const input = named.includes(STANDARD_INPUT) ? await readText(STANDARD_INPUT, "detection") : undefined;
  const texts = readDetectionPaths(named, input);
  const tuning = readExceptionTexts(exceptions);
  const loaded = loadDetectionFiles(texts, { pipelines, exceptions: tuning });
  const { silent, problems: unlinked } = linkCorrelations(loaded.detections);
  const problems = [...loaded.problems, ...unlinked];
  return {
    detections: loaded.detections,
    exceptions: loaded.exceptions,
    silent,
    problems,
    hint: leaveOutHint(texts, problems),
    others: loaded.others.length,
    files: new Map(texts.map(({ file, path }) => [file, inputName(path)])),
  };
}

/** As {@link readDetections}; says the problems, and gives nothing when one is an error. */
export async function readSoundDetections(options: DetectionsOptions): Promise<ReadDetections | undefined> {
  const read = await readDetections(options);
  sayProblems(read);
  return read.problems.some(({ severity }) => severity === "error") ? undefined : read;
}

/** Each with its place, and how to go on without them. */
export function sayProblems({ problems, hint }: ReadDetections): void {
  problems.forEach((problem) => sayProblem(problem, problem.file));
  if (hint !== undefined) {
    say(`auditsieve: ${hint}`);
  }
}

/** All that is wrong with them is said. */
async function readPipelines(files: readonly string[]): Promise<readonly Pipeline[]> {
  const read = await Promise.all(
    files.map(async (path) => {
      const file = inputName(path);
      return { file, ...loadPipelines(await readText(path, "pipeline"), file) };
    }),
  );
  const problems = read.flatMap(({ file, problems: of }) => of.map((problem) => ({ ...problem, file })));
  problems.forEach((problem) => sayProblem(problem, problem.file));
  const errors = problems.filter(({ severity }) => severity === "error").length;
  if (errors > 0) {
    throw new Failure(`Cannot use the pipelines: ${counted(errors, "problem")}`, {
      hint: "Each is said above with its place; docs/sigma.md has the transformations that there are",
    });
  }
  return read.flatMap(({ pipelines }) => pipelines);
}
