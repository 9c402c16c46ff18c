import { linkCorrelations, loadDetectionFiles } from "@auditsieve/detect";
import type { Detection } from "@auditsieve/detect";
import type { DetectionTexts } from "@auditsieve/replay/start";
import { createHash } from "node:crypto";
import { leaveOutHint, readDetectionPaths } from "./detection-paths.ts";
import { readExceptionTexts } from "./exceptions-option.ts";
import { Failure } from "./failure.ts";
import { say, sayProblem } from "./output.ts";
import type { DetectionText } from "./shipped.ts";
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
