import { isJsonObject } from "@auditsieve/audit";
import type { AuditEvent } from "@auditsieve/audit";
import { evaluateCase, safeText } from "@auditsieve/detect";
import type { Detection, Outcome } from "@auditsieve/detect";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Argv } from "yargs";
import { EXIT, worseExit } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { Failure } from "../failure.ts";
import { writeData, writeLine } from "../output.ts";
import { readText } from "../read-text.ts";
import { PROFILES } from "../shipped-files.ts";
import { count, paint } from "../table.ts";
import { detectionsOptions, readSoundDetections } from "./detections-files.ts";
import type { DetectionsOptions } from "./detections-files.ts";

/** Options of `detections test`. */
export interface DetectionsTestOptions extends DetectionsOptions {
  readonly output: "text" | "json";
}

/** Adds the options of `detections test`. */
export function detectionsTestOptions(argv: Argv): Argv<DetectionsTestOptions> {
  return detectionsOptions(argv)
    .option("output", {
      choices: ["text", "json"] as const,
      default: "text",
      describe: "For people, or one JSON array",
    })
    .example("$0 detections test", "the shipped detections")
    .example("$0 detections test rules/", "NAME.yml with the cases in NAME.cases.ndjson beside it")
    .epilogue(
      'A case is a JSON object a line: {"expect": "hit" | "miss", "why", "event"}, or "events", of which the last is asked about. Exit 0: all cases pass; 1: one fails, or a detection has none; 2: an unreadable file.',
    ) as unknown as Argv<DetectionsTestOptions>;
}

interface Case {
  readonly line: number;
  readonly expect: "hit" | "miss";
  readonly why: string;
  readonly events: readonly AuditEvent[];
}

interface Tested {
  readonly file: string;
  readonly cases: string;
  readonly results: readonly (Case & { readonly outcome: Outcome })[];
}

/** Runs the cases beside each detection. */
export async function detectionsTest(options: DetectionsTestOptions): Promise<ExitCode> {
  const read = await readSoundDetections(options);
  if (read === undefined) {
    return EXIT.unusable;
  }
  const folder = options.paths.length === 0 ? join(PROFILES, "detections") : "";
  const found = read.detections.filter((one) => !read.silent.has(one));
  const tested: Tested[] = [];
  for (const file of new Set(found.map((one) => one.file))) {
    const cases = casesFileOf(join(folder, file));
    const ofFile = found.filter((one) => one.file === file);
    tested.push({ file, cases, results: existsSync(cases) ? await testFile(ofFile, read.detections, cases) : [] });
  }
  await (options.output === "json"
    ? writeData(`${JSON.stringify(tested.map(toJson), undefined, 2)}\n`)
    : print(tested));
  const isBad = ({ results }: Tested): boolean =>
    results.length === 0 || results.some((one) => one.outcome !== one.expect);
  return tested.reduce<ExitCode>((exit, one) => worseExit(exit, isBad(one) ? EXIT.problems : EXIT.fine), EXIT.fine);
}

function casesFileOf(file: string): string {
  return `${file.replace(/\.ya?ml$/, "")}.cases.ndjson`;
}

async function testFile(of: readonly Detection[], all: readonly Detection[], file: string): Promise<Tested["results"]> {
  const lines = (await readText(file, "cases")).split("\n");
  return lines.flatMap((text, index) => {
    if (text.trim() === "") {
      return [];
    }
    const one = readCase(text, file, index + 1);
    const event = one.events.at(-1);
    const outcomes = of.map((detection) =>
      event === undefined ? "miss" : evaluateCase(detection, event, one.events.slice(0, -1), all),
    );
    const outcome = outcomes.includes("hit") ? "hit" : outcomes.includes("unknown") ? "unknown" : "miss";
    return [{ ...one, outcome }];
  });
}

function readCase(text: string, file: string, line: number): Case {
  const refuse = (what: string): Failure =>
    new Failure(`Cannot read the case at ${safeText(file, 500)}:${line}: ${what}`, {
      hint: 'Write {"expect": "hit" or "miss", "why": "…", "event": {an audit event}}',
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse("it is no JSON");
  }
  if (!isJsonObject(value)) {
    throw refuse("it is not an object");
  }
  const { expect, why, event, events = event === undefined ? [] : [event] } = value;
  if (expect !== "hit" && expect !== "miss") {
    throw refuse('"expect" is neither "hit" nor "miss"');
  }
  const list: readonly unknown[] = Array.isArray(events) ? events : [];
  if (list.length === 0 || !list.every(isEvent)) {
    throw refuse("it holds no audit event: level, stage, verb, requestURI and user are missing");
  }
  return { line, expect, why: typeof why === "string" ? why : "", events: list };
}

function isEvent(value: unknown): value is AuditEvent {
  return (
    isJsonObject(value) &&
    ["level", "stage", "verb", "requestURI"].every((key) => typeof value[key] === "string") &&
    isJsonObject(value["user"])
  );
}

async function print(tested: readonly Tested[]): Promise<void> {
  for (const { file, cases, results } of tested) {
    for (const { line, expect, outcome, why } of results) {
      if (outcome !== expect) {
        await writeLine(`${safeText(cases, 500)}:${line}: ${paint("red", "failed")}: ${outcome}, not ${expect}`);
        await writeLine(`  why: ${safeText(why, 500)}`);
      }
    }
    if (results.length === 0) {
      await writeLine(`${safeText(file, 500)}: ${paint("red", "failed")}: it has no case in ${safeText(cases, 500)}`);
    }
  }
  const all = tested.flatMap(({ results }) => results);
  const passed = all.filter(({ expect, outcome }) => expect === outcome).length;
  const summary = `${count(passed)} of ${count(all.length)} cases pass, ${count(tested.length)} files with detections`;
  await writeLine(paint(passed < all.length ? "red" : "green", summary));
}

function toJson({ file, cases, results }: Tested): object {
  return {
    file,
    cases: results.length === 0 ? null : cases,
    results: results.map(({ line, expect, outcome, why }) => ({ line, expect, outcome, why })),
  };
}
