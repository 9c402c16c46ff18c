import { isSeverityBelow, safeText } from "@auditsieve/detect";
import type { Severity } from "@auditsieve/detect";
import { csvLine, isSelected } from "@auditsieve/replay";
import type { ComparedFindings, FindingChange, Selection } from "@auditsieve/replay";
import { Failure } from "../failure.ts";
import { writeData, writeLine } from "../output.ts";
import { count, paint, table } from "../table.ts";

/** Forms in which a comparison can be printed. */
export type ComparisonOutput = "table" | "json" | "ndjson" | "csv";

const OUTPUTS: readonly string[] = ["table", "json", "ndjson", "csv"] satisfies readonly ComparisonOutput[];

/** Whether a comparison has this form; a timeline for Timesketch has no place for what is gone. */
export function comparisonOutput(output: string): ComparisonOutput {
  if (!OUTPUTS.includes(output)) {
    throw new Failure(`Cannot print a comparison as ${output}`, { hint: `Use one of ${OUTPUTS.join(", ")}` });
  }
  return output as ComparisonOutput;
}

/** The comparison with only those changes that were asked for. */
export function selectChanges(compared: ComparedFindings, selection: Selection): ComparedFindings {
  return {
    ...compared,
    changes: compared.changes.filter(
      (each) =>
        isSelected(each.finding, selection) || (each.change === "changed" && isSelected(each.before, selection)),
    ),
  };
}

/** Whether a change is at least as severe, before or after. */
export function isAnyAsSevere({ changes }: ComparedFindings, severity: Severity): boolean {
  return changes.some(
    (each) =>
      !isSeverityBelow(each.finding.detection.level, severity) ||
      (each.change === "changed" && !isSeverityBelow(each.before.detection.level, severity)),
  );
}

/** Prints what differs between two readings of one log. */
export async function printComparison(compared: ComparedFindings, output: ComparisonOutput): Promise<void> {
  switch (output) {
    case "json":
      return writeData(`${JSON.stringify(compared, undefined, 2)}\n`);
    case "ndjson":
      return writeData(compared.changes.map((each) => `${JSON.stringify(each)}\n`).join(""));
    case "csv":
      return writeData([HEAD, ...compared.changes.map(cellsOf)].map(csvLine).join(""));
    case "table":
      return printTable(compared);
    default:
      return output satisfies never;
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

async function printTable(compared: ComparedFindings): Promise<void> {
  const { changes, same, couldNotDecide, dropped, stripped } = compared;
  const numbers = (["added", "removed", "changed"] as const).map(
    (change) => `${count(changes.filter((each) => each.change === change).length)} ${change}`,
  );
  await writeLine(paint("bold", `${numbers.join(", ")}, ${count(same)} the same`));
  if (dropped !== undefined) {
    await writeLine(`The policy drops ${count(dropped)} events and strips ${count(stripped ?? 0)}`);
  }
  if (changes.length > 0) {
    await writeLine("");
    await writeLine(
      table(
        HEAD.map((title) => ({ title })),
        changes.map(cellsOf),
      ),
    );
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
