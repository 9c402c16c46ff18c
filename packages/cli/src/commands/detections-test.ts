import { evaluateCase, safeText } from "@auditsieve/detect";
import type { Detection, DetectionException, Outcome } from "@auditsieve/detect";
import { existsSync } from "node:fs";
import type { Argv } from "yargs";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { writeData, writeLine } from "../output.ts";
import { count, counted, paint } from "../table.ts";
import { casesFileOf, readCases } from "./detections-cases.ts";
import type { Case } from "./detections-cases.ts";
import { detectionsOptions, readSoundDetections } from "./detections-files.ts";
import type { DetectionsOptions } from "./detections-files.ts";
import { hiddenBy, testExceptions } from "./detections-test-exceptions.ts";
import type { TestedExceptions } from "./detections-test-exceptions.ts";
import { caseReasons, reasonText } from "./detections-test-reasons.ts";
import type { CaseReason } from "./detections-test-reasons.ts";
import { wideJson } from "../json-text.ts";

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
    .example(
      "$0 detections test --exceptions exceptions.yml",
      "whether exceptions hide what detections are made to find",
    )
    .epilogue(
      'A case is a JSON object a line: {"expect": "hit" | "miss", "why", "event"}, or "events", of which the last is asked about; beside an exceptions file "suppressed" or "found". Exit 0: all cases pass; 1: one fails, or a detection has none; 2: an unreadable file.',
    ) as unknown as Argv<DetectionsTestOptions>;
}

interface Tested {
  readonly file: string;
  readonly cases: string;
  readonly results: readonly (Case<"hit" | "miss"> & {
    readonly outcome: Outcome;
    /** What keeps a case from being found that the detection is made for. */
    readonly exceptions: readonly DetectionException[];
    /** Of a case that fails: what each selection says of it. */
    readonly reasons: readonly CaseReason[];
  })[];
}

/** Runs the cases beside each detection. */
export async function detectionsTest(options: DetectionsTestOptions): Promise<ExitCode> {
  const read = await readSoundDetections(options);
  if (read === undefined) {
    return EXIT.unusable;
  }
  const found = read.detections.filter((one) => !read.silent.has(one));
  const tested: Tested[] = [];
  for (const file of new Set(found.map((one) => one.file))) {
    const cases = casesFileOf(read.files.get(file) ?? file);
    const ofFile = found.filter((one) => one.file === file);
    tested.push({ file, cases, results: existsSync(cases) ? await testFile(ofFile, read.detections, cases) : [] });
  }
  const excused = await testExceptions(read.exceptions, read.detections);
  await (options.output === "json"
    ? writeData(`${wideJson([...tested.map(toJson), ...excused.map(excusedJson)])}\n`)
    : print(tested, excused));
  const isBad =
    tested.some(({ results }) => results.length === 0 || results.some((one) => one.outcome !== one.expect)) ||
    excused.some(({ results }) => results.some((one) => one.outcome !== one.expect));
  return isBad ? EXIT.problems : EXIT.fine;
}

async function testFile(of: readonly Detection[], all: readonly Detection[], file: string): Promise<Tested["results"]> {
  const cases = await readCases(file, ["hit", "miss"]);
  return cases.map((one) => {
    const event = one.events.at(-1);
    const outcomes = of.map((detection) =>
      event === undefined ? "miss" : evaluateCase(detection, event, one.events.slice(0, -1), all),
    );
    const outcome = outcomes.includes("hit") ? "hit" : outcomes.includes("unknown") ? "unknown" : "miss";
    const exceptions = outcome === "miss" && one.expect === "hit" ? of.flatMap((each) => hiddenBy(each, one, all)) : [];
    const reasons = outcome === one.expect ? [] : of.flatMap((each) => caseReasons(each, one.events));
    return { ...one, outcome, exceptions, reasons };
  });
}

async function print(tested: readonly Tested[], excused: readonly TestedExceptions[]): Promise<void> {
  for (const { file, cases, results } of tested) {
    for (const { line, expect, outcome, why, exceptions, reasons } of results) {
      const [exception] = exceptions;
      if (exception !== undefined) {
        await failed(cases, line, `the exception "${safeText(exception.title, 200)}" hides it`, why);
      } else if (outcome !== expect) {
        await failed(cases, line, `${outcome}, not ${expect}`, why);
        for (const reason of reasons) {
          await writeLine(`  ${reasonText(reason)}`);
        }
      }
    }
    if (results.length === 0) {
      await writeLine(`${safeText(file, 500)}: ${paint("red", "failed")}: it has no case in ${safeText(cases, 500)}`);
    }
  }
  for (const { cases, results } of excused) {
    for (const { line, why, expect, outcome } of results.filter((one) => one.outcome !== one.expect)) {
      await failed(cases, line, `${outcome}, not ${expect}`, why);
    }
  }
  const all = [...tested, ...excused].flatMap(({ results }): readonly { expect: string; outcome: string }[] => results);
  const passed = all.filter(({ expect, outcome }) => expect === outcome).length;
  const exceptions = excused.length === 0 ? "" : ` and ${count(excused.length)} with exceptions`;
  const summary = `${count(passed)} of ${count(all.length)} cases pass, ${counted(tested.length, "file")} with detections${exceptions}`;
  await writeLine(paint(passed < all.length ? "red" : "green", summary));
}

async function failed(cases: string, line: number, what: string, why: string): Promise<void> {
  await writeLine(`${safeText(cases, 500)}:${line}: ${paint("red", "failed")}: ${what}`);
  await writeLine(`  why: ${safeText(why, 500)}`);
}

function toJson({ file, cases, results }: Tested): object {
  return {
    file,
    cases: results.length === 0 ? null : cases,
    results: results.map(({ line, expect, outcome, why, exceptions, reasons }) => ({
      line,
      expect,
      outcome,
      why,
      ...(reasons.length > 0 && { reasons }),
      ...(exceptions.length > 0 && { hiddenBy: exceptions.map(({ id }) => id) }),
    })),
  };
}

function excusedJson({ file, cases, results }: TestedExceptions): object {
  return {
    file,
    cases: results.length === 0 ? null : cases,
    results: results.map(({ line, expect, outcome, why }) => ({ line, expect, outcome, why })),
  };
}
