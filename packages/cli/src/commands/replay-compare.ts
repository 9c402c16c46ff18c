import { isSeverityBelow, safeText } from "@auditsieve/detect";
import type { Severity } from "@auditsieve/detect";
import { changesTimeline, csvLine } from "@auditsieve/replay";
import type { ComparedFindings, FindingChange } from "@auditsieve/replay";
import { Failure } from "../failure.ts";
import { writeJsonDocument } from "../json-document.ts";
import { writeAllData, writeData, writeLine, writeLines } from "../output.ts";
import { count, paint, table, tableLines } from "../table.ts";
import { jsonText } from "../json-text.ts";

/** Forms in which a comparison can be printed. */
export type ComparisonOutput = "table" | "json" | "ndjson" | "csv" | "timesketch" | "timesketch-csv";

const OUTPUTS: readonly string[] = [
  "table",
  "json",
  "ndjson",
  "csv",
  "timesketch",
  "timesketch-csv",
] satisfies readonly ComparisonOutput[];

/** Whether a comparison has this form. */
export function comparisonOutput(output: string): ComparisonOutput {
  if (!OUTPUTS.includes(output)) {
    throw new Failure(`Cannot print a comparison as ${output}`, { hint: `Use one of ${OUTPUTS.join(", ")}` });
  }
  return output as ComparisonOutput;
}

/** Whether a change is at least as severe, before or after. */
export function isAnyAsSevere({ changes }: ComparedFindings, severity: Severity): boolean {
  for (const each of changes) {
    if (
      !isSeverityBelow(each.finding.detection.level, severity) ||
      (each.change === "changed" && !isSeverityBelow(each.before.detection.level, severity))
    ) {
      return true;
    }
  }
  return false;
}

/** Prints what differs between two readings of one log. */
export async function printComparison(compared: ComparedFindings, output: ComparisonOutput): Promise<void> {
  switch (output) {
    case "json":
      return writeComparison(compared);
    case "ndjson":
      return writeAllData(textOf(compared.changes, (each) => `${jsonText(each)}\n`));
    case "csv":
      await writeData(csvLine(HEAD));
      return writeAllData(textOf(compared.changes, (each) => csvLine(cellsOf(each))));
    case "timesketch":
    case "timesketch-csv":
      return writeAllData(changesTimeline(compared.changes, output));
    case "table":
      return printTable(compared);
    default:
      return output satisfies never;
  }
}

function writeComparison({ changes, ...rest }: ComparedFindings): Promise<void> {
  return writeJsonDocument(rest, "changes", changes);
}

function* textOf(changes: Iterable<FindingChange>, write: (change: FindingChange) => string): Generator<string, void> {
  for (const each of changes) {
    yield write(each);
  }
}

const HEAD = ["change", "time", "severity", "summary", "detection"];

function cellsOf(each: FindingChange): readonly string[] {
  const { finding } = each;
  const { level, title } = finding.detection;
  const severity =
    each.change === "changed" && each.before.detection.level !== level
      ? `${each.before.detection.level} → ${level}`
      : level;
  return [each.change, safeText(finding.time, 40), severity, finding.summary, safeText(title)];
}

function* cells(changes: Iterable<FindingChange>): Generator<readonly string[], void> {
  for (const each of changes) {
    yield cellsOf(each);
  }
}

async function printTable(compared: ComparedFindings): Promise<void> {
  const { changes, same, couldNotDecide, dropped, stripped } = compared;
  const numbers = { added: 0, removed: 0, changed: 0 };
  for (const { change } of changes) {
    numbers[change]++;
  }
  const said = Object.entries(numbers).map(([change, number]) => `${count(number)} ${change}`);
  await writeLine(paint("bold", `${said.join(", ")}, ${count(same)} the same`));
  if (dropped !== undefined) {
    await writeLine(`The policy drops ${count(dropped)} events and strips ${count(stripped ?? 0)}`);
  }
  if (numbers.added + numbers.removed + numbers.changed > 0) {
    await writeLine("");
    const rows = { [Symbol.iterator]: () => cells(changes) };
    const lines = tableLines(
      HEAD.map((title) => ({ title })),
      rows,
    );
    await writeLines(lines);
  }
  if (couldNotDecide.length > 0) {
    await writeLine("");
    await writeLine(
      table(
        [
          { title: "before", align: "right" },
          { title: "after", align: "right" },
          { title: "requests that could not be decided" },
        ],
        couldNotDecide.map(({ before, after, title }) => [count(before), count(after), safeText(title)]),
      ),
    );
  }
}
