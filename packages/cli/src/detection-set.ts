import { linkCorrelations, loadDetectionFiles, safeText } from "@auditsieve/detect";
import type { Detection } from "@auditsieve/detect";
import type { DetectionTexts } from "@auditsieve/replay/start";
import { createHash } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import { readExceptionTexts } from "./exceptions-option.ts";
import { Failure, systemCode } from "./failure.ts";
import { say, sayProblem } from "./output.ts";
import { readDetectionTexts } from "./shipped.ts";
import type { DetectionText } from "./shipped.ts";
import { SHIPPED } from "./shipped-files.ts";
import { counted } from "./table.ts";

/** Detections, and the texts that they and their exceptions were made of. */
export interface DetectionSet {
  readonly detections: readonly Detection[];
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
}

/** What detections are loaded from, with all that was read of it. */
export interface DetectionSetTexts extends DetectionTexts {
  readonly texts: readonly DetectionText[];
}

/** Detections of files and of folders of .yml and .yaml files, searched to their ends; `shipped` stands for ours, and `!` before a path leaves it out. `exceptions` are files that tune them. */
export function loadDetectionSet(paths: readonly string[], exceptions: readonly string[] = []): DetectionSet {
  return compileDetectionSet(readDetectionSet(paths, exceptions));
}

/** The first half of {@link loadDetectionSet}. */
export function readDetectionSet(paths: readonly string[], exceptions: readonly string[]): DetectionSetTexts {
  return { texts: readDetectionPaths(paths), exceptions: readExceptionTexts(exceptions), now: Date.now() };
}

/** The texts of Sigma files and of folders of them, without what {@link withoutLeftOut} leaves out; `shipped` stands for ours. */
export function readDetectionPaths(paths: readonly string[]): readonly DetectionText[] {
  const texts = paths
    .filter((path) => !isLeftOut(path))
    .flatMap((path) => (path === SHIPPED ? readDetectionTexts(undefined) : textsAt(path)));
  return withoutLeftOut(texts, paths);
}

/** Whether the path names what is not to be read of a folder: `!rules/broken.yml`. */
export function isLeftOut(path: string): boolean {
  return path.startsWith("!");
}

/** The texts without the files of folders that `paths` leave out, each by itself or by a folder that it is in. A `!` that leaves out nothing is refused. */
export function withoutLeftOut(texts: readonly DetectionText[], paths: readonly string[]): readonly DetectionText[] {
  let rest = texts;
  for (const path of paths.filter(isLeftOut)) {
    const name = path.slice(1);
    const place = resolve(name);
    const isKept = ({ isOfFolder, path: file }: DetectionText): boolean =>
      isOfFolder !== true || !(resolve(file) === place || resolve(file).startsWith(`${place}${sep}`));
    if (name === "" || texts.every(isKept)) {
      throw new Failure(`Cannot leave out "${name}": it is in no folder of detections that is named`, {
        hint: "Name a file or a folder in it as it stands on disk; shipped detections are tuned by exceptions: docs/exceptions.md",
      });
    }
    rest = rest.filter(isKept);
  }
  return rest;
}

/** How to go on without the faulty rules of folders, behind this option; undefined where there are none. */
export function leaveOutHint(
  texts: readonly DetectionText[],
  problems: readonly { readonly file: string; readonly severity: string }[],
  option = "",
): string | undefined {
  const faulty = new Set(problems.flatMap(({ file, severity }) => (severity === "error" ? [file] : [])));
  const file = texts.find((text) => text.isOfFolder === true && faulty.has(text.file))?.file;
  return file === undefined
    ? undefined
    : `To go on without a faulty file, name it beside its folder with a ! before it: ${option}'!${safeText(file, 500)}'`;
}

/** The second half of {@link loadDetectionSet}. */
export function compileDetectionSet({ texts, exceptions, now }: DetectionSetTexts): DetectionSet {
  const { detections, problems: found, others } = loadDetectionFiles(texts, { exceptions, now });
  const problems = [...found, ...linkCorrelations(detections).problems];
  if (others.length > 0) {
    say(`auditsieve: ${counted(others.length, "Sigma file")} about other logs left out`);
  }
  problems.forEach(({ file, ...problem }) => sayProblem(problem, file));
  const errors = problems.filter(({ severity }) => severity === "error").length;
  if (errors > 0) {
    throw new Failure(`Cannot use the detections: ${counted(errors, "problem")}`, {
      hint: ["Each is said above with its place", leaveOutHint(texts, problems, "--detections ")]
        .filter((part) => part !== undefined)
        .join(". "),
    });
  }
  const files = [...texts, ...exceptions].map(({ file, text }) => ({
    name: file,
    bytes: Buffer.byteLength(text),
    sha256: createHash("sha256").update(text).digest("hex"),
  }));
  return { detections, files };
}

/** Of a folder it is remembered: it may hold rules for other logs too. */
function textsAt(path: string): readonly DetectionText[] {
  try {
    const isOfFolder = statSync(path).isDirectory();
    return readDetectionTexts(isOfFolder ? filesBelow(path) : [path]).map((each) => ({ ...each, isOfFolder }));
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) {
      throw error;
    }
    throw new Failure(`Cannot read the detections "${path}": ${code === "ENOENT" ? "no such file or folder" : code}`, {
      hint: `Name a Sigma file, a folder of them, or ${SHIPPED}`,
      cause: error,
    });
  }
}

function filesBelow(folder: string): readonly string[] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.ya?ml$/.test(file))
    .sort()
    .map((file) => join(folder, file));
  if (files.length === 0) {
    throw new Failure(`Cannot find a detection in "${folder}": it holds no .yml file`, {
      hint: "Name the folder of Sigma files",
    });
  }
  return files;
}
