import type { Argv } from "yargs";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { writeData, writeLine } from "../output.ts";
import { counted } from "../table.ts";
import { exceptionJson } from "./detections-list.ts";
import { detectionsOptions, readDetections, sayProblems } from "./detections-files.ts";
import type { DetectionsOptions } from "./detections-files.ts";
import { wideJson } from "../json-text.ts";

/** Options of `detections check`. */
export interface DetectionsCheckOptions extends DetectionsOptions {
  readonly strict: boolean;
  readonly output: "text" | "json";
}

/** Adds the options of `detections check`. */
export function detectionsCheckOptions(argv: Argv): Argv<DetectionsCheckOptions> {
  return detectionsOptions(argv)
    .option("strict", { type: "boolean", default: false, describe: "Exit 1 for warnings too" })
    .option("output", {
      choices: ["text", "json"] as const,
      default: "text",
      describe: "For people, or one JSON document",
    })
    .example("$0 detections check rules/", "what is wrong with detections of your own, and what to do about it")
    .example(
      "$0 detections check rules/ '!rules/broken.yml'",
      "without a file (or a folder) of it: replay and the daemon take it, too",
    )
    .example("$0 detections check --exceptions exceptions.yml --strict", "in CI: exceptions that have ended, too")
    .example("$0 detections check rule.yml --pipeline fields.yml", "with a processing pipeline of your own")
    .epilogue(
      "Warnings are what makes a detection silent or odd: a field that no audit event has, a missing level. Rules of a folder that are about other logs are counted, not complained of. Exit 0: sound; 1: an error; 2: an unreadable file.",
    ) as unknown as Argv<DetectionsCheckOptions>;
}

/** Says every problem of detections, each with its place and its cure. */
export async function detectionsCheck(options: DetectionsCheckOptions): Promise<ExitCode> {
  const read = await readDetections(options);
  const { detections, exceptions, problems, others, files } = read;
  const errors = problems.filter(({ severity }) => severity === "error").length;
  if (options.output === "json") {
    await writeData(
      `${wideJson({ files: files.size, detections: detections.length, exceptions: exceptions.map(exceptionJson), otherLogs: others, problems })}\n`,
    );
  } else {
    sayProblems(read);
    const rest = others === 0 ? "" : `, ${counted(others, "file")} about other logs`;
    const excused = exceptions.length === 0 ? "" : `, ${counted(exceptions.length, "exception")}`;
    await writeLine(
      `${counted(detections.length, "sound detection")} in ${counted(files.size, "file")}, ${counted(errors, "error")}, ${counted(problems.length - errors, "warning")}${rest}${excused}`,
    );
  }
  return errors > 0 || (options.strict && problems.length > 0) ? EXIT.problems : EXIT.fine;
}
