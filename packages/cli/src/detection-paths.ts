import { safeText } from "@auditsieve/detect";
import { closeSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { resolve, sep } from "node:path";
import { Failure, systemCode } from "./failure.ts";
import { folderFiles, isFolder } from "./folder-files.ts";
import { say } from "./output.ts";
import { readDetectionTexts } from "./shipped.ts";
import type { DetectionText } from "./shipped.ts";
import { SHIPPED } from "./shipped-files.ts";
import { inputName, STANDARD_INPUT } from "./standard-input.ts";

/** A file of detections, and whether it was found in a folder that was named. */
interface DetectionPlace {
  readonly file: string;
  readonly path: string;
  readonly isOfFolder?: boolean;
  /** Where it has been read. */
  readonly text?: string;
}

/**
 * The texts of Sigma files and of folders of them, without what `!` before a path leaves out of these; `shipped` stands for ours. What is left out need
 * not be readable.
 */
export function readDetectionPaths(paths: readonly string[], standardInput = ""): readonly DetectionText[] {
  const places = paths
    .filter((path) => !isLeftOut(path))
    .flatMap((path): readonly DetectionPlace[] => {
      if (path === STANDARD_INPUT) {
        return [{ file: inputName(path), path, text: standardInput }];
      }
      return path === SHIPPED ? readDetectionTexts() : placesAt(path);
    });
  return readPlaces(withoutLeftOut(places, paths));
}

/** Whether the path names what is not to be read of a folder: `!rules/broken.yml`. */
export function isLeftOut(path: string): boolean {
  return path.startsWith("!");
}

/** The files without those of folders that `paths` leave out, each by itself or by a folder that it is in. A `!` that leaves out nothing is refused. */
function withoutLeftOut(places: readonly DetectionPlace[], paths: readonly string[]): readonly DetectionPlace[] {
  let rest = places;
  for (const path of paths.filter(isLeftOut)) {
    const name = path.slice(1);
    const place = resolve(name);
    const isKept = ({ isOfFolder, path: file }: DetectionPlace): boolean =>
      isOfFolder !== true || !(resolve(file) === place || resolve(file).startsWith(`${place}${sep}`));
    if (name === "" || places.every(isKept)) {
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

/** Of a folder it is remembered: it may hold rules for other logs too. */
function placesAt(path: string): readonly DetectionPlace[] {
  if (!isFolder(path)) {
    return [{ file: path, path, isOfFolder: false }];
  }
  const files = folderFiles(path, (name) => /\.ya?ml$/.test(name));
  if (files.length === 0) {
    throw new Failure(`Cannot find a detection in "${path}": it holds no .yml file`, {
      hint: "Name the folder of Sigma files",
    });
  }
  return files.map((file) => ({ file, path: file, isOfFolder: true }));
}

const MOST_NAMED = 20;

/** All that cannot be read is said. */
function readPlaces(places: readonly DetectionPlace[]): readonly DetectionText[] {
  const texts: DetectionText[] = [];
  const failures: Failure[] = [];
  for (const place of places) {
    const text = place.text ?? textAt(place);
    if (typeof text === "string") {
      texts.push({ ...place, text });
    } else {
      failures.push(text);
    }
  }
  const last = failures.pop();
  if (last !== undefined) {
    failures.slice(0, MOST_NAMED).forEach(({ message }) => say(`auditsieve: ${safeText(message, 600)}`));
    throw last;
  }
  return texts;
}

function textAt({ path, isOfFolder }: DetectionPlace): string | Failure {
  const failure = (why: string, cause?: unknown): Failure =>
    new Failure(`Cannot read the detections "${path}": ${why}`, {
      hint:
        isOfFolder === true
          ? `To go on without it, name it beside its folder with a ! before it: '!${safeText(path, 500)}'`
          : `Name a Sigma file, a folder of them, or ${SHIPPED}`,
      cause,
    });
  try {
    const info = statSync(path);
    // Who waits for a pipe that stands among rules waits for ever; one that is named has somebody at its other end.
    if (isOfFolder === true && !info.isFile()) {
      return failure(info.isDirectory() ? "it cannot be searched" : "it is no file");
    }
    return info.size > MOST_BYTES ? beginningOf(path) : readFileSync(path, "utf8");
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) {
      throw error;
    }
    return failure(code === "ENOENT" ? "no such file or folder" : code, error);
  }
}

/** More than any text has that is read: it is refused by its beginning. */
const MOST_BYTES = 16 * 1024 * 1024;

function beginningOf(path: string): string {
  const file = openSync(path, "r");
  try {
    const bytes = Buffer.alloc(MOST_BYTES);
    return bytes.toString("utf8", 0, readSync(file, bytes));
  } finally {
    closeSync(file);
  }
}
