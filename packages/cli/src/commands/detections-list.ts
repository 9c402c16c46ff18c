import { LEVELS } from "@auditsieve/audit";
import type { Level } from "@auditsieve/audit";
import { safeText, SEVERITIES } from "@auditsieve/detect";
import type { Detection, DetectionException, Severity } from "@auditsieve/detect";
import type { Argv } from "yargs";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { writeData, writeLine } from "../output.ts";
import { paintSeverity } from "../paint-severity.ts";
import { count, counted, paint, table } from "../table.ts";
import { detectionsOptions, readSoundDetections } from "./detections-files.ts";
import type { DetectionsOptions } from "./detections-files.ts";
import { wideJson } from "../json-text.ts";

/** Options of `detections list`. */
export interface DetectionsListOptions extends DetectionsOptions {
  readonly minLevel: Severity | undefined;
  readonly technique: string | undefined;
  readonly output: "table" | "json";
}

/** Adds the options of `detections list`. */
export function detectionsListOptions(argv: Argv): Argv<DetectionsListOptions> {
  return detectionsOptions(argv)
    .option("min-level", { choices: SEVERITIES, describe: "Only detections at least this severe" })
    .option("technique", { type: "string", describe: "Only those of this ATT&CK technique: T1552, T1552.007" })
    .option("output", {
      choices: ["table", "json"] as const,
      default: "table",
      describe: "For people, or one JSON array",
    })
    .example("$0 detections list --min-level high", "what would wake somebody up")
    .example(
      "$0 detections list rules/ --output json",
      "detections of your own, with what they need",
    ) as unknown as Argv<DetectionsListOptions>;
}

/** Prints the detections. */
export async function detectionsList(options: DetectionsListOptions): Promise<ExitCode> {
  const read = await readSoundDetections(options);
  if (read === undefined) {
    return EXIT.unusable;
  }
  const shown = read.detections.filter((one) => !read.silent.has(one)).filter((one) => isAsked(one, options));
  if (options.output === "json") {
    await writeData(`${wideJson(shown.map(toJson))}\n`);
    return EXIT.fine;
  }
  const rows = shown
    .toSorted(bySeverity)
    .map((one) => [
      paintSeverity(one.severity),
      levelOf(one),
      safeText(one.techniques.join(" "), 40),
      `${safeText(one.title, 100)}${exceptionsText(one)}`,
      paint("dim", safeText(one.file, 100)),
    ]);
  await writeLine(
    table(
      [{ title: "severity" }, { title: "needs level" }, { title: "ATT&CK" }, { title: "detection" }, { title: "file" }],
      rows,
    ),
  );
  const others = read.others === 0 ? "" : `; about other logs: ${counted(read.others, "file")}`;
  await writeLine(`\n${counted(shown.length, "detection")}${others}`);
  return EXIT.fine;
}

/** The level at which a detection sees all that it can. */
export function levelOf({ needs }: Pick<Detection, "needs">): Level {
  return LEVELS.findLast((level) => needs.some((need) => need.level === level)) ?? "Metadata";
}

/** What a detection remembers of earlier events, in a word for people. */
export function stateOf({ correlation, firstSeen, needs }: Detection): string | undefined {
  return correlation
    ? `correlation: ${correlation.type}`
    : firstSeen
      ? "first seen"
      : needs.some(({ earlier }) => earlier)
        ? "memory"
        : undefined;
}

function exceptionsText({ exceptions = [] }: Detection): string {
  return exceptions.length === 0 ? "" : paint("yellow", ` (${count(exceptions.length)} exceptions)`);
}

function isAsked({ severity, techniques }: Detection, { minLevel, technique }: DetectionsListOptions): boolean {
  const wanted = technique?.toUpperCase();
  return (
    (minLevel === undefined || SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(minLevel)) &&
    (wanted === undefined || techniques.some((one) => one === wanted || one.startsWith(`${wanted}.`)))
  );
}

function bySeverity(a: Detection, b: Detection): number {
  return SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity) || a.title.localeCompare(b.title, "en");
}

/** What programs are told of an exception. */
export function exceptionJson({ id, title, reason, owner, expires, rules, file, line }: DetectionException): object {
  return {
    id,
    title,
    reason: reason ?? null,
    owner: owner ?? null,
    expires: expires ?? null,
    rules,
    file,
    line: line ?? null,
  };
}

function toJson(one: Detection): object {
  const { id, name, title, severity, status, description, tags, techniques, falsePositives, runbook, file, needs } =
    one;
  return {
    id,
    name: name ?? null,
    title,
    level: severity,
    status: status ?? null,
    description: description ?? null,
    tags,
    techniques,
    falsePositives,
    runbook,
    references: one.references,
    file,
    state: stateOf(one) ?? null,
    exceptions: (one.exceptions ?? []).map(exceptionJson),
    needs,
  };
}
