import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

/** A row of a table by the titles of its columns. */
type Row = Readonly<Record<string, string>>;

function page(path: string): string {
  return readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
}

/** What README says, on one line. */
function said(wanted: RegExp): string | undefined {
  return wanted.exec(page("README.md").replaceAll("\n", " "))?.[0];
}

/** The first table from the line on that begins so. */
function tableFrom(path: string, beginning: string): readonly Row[] {
  const lines = page(path).split("\n");
  const behind = lines.slice(lines.findIndex((line) => line.startsWith(beginning)));
  const rows = behind.slice(behind.findIndex((line) => line.startsWith("|")));
  const [titles = [], , ...cells] = rows
    .slice(0, rows.indexOf(""))
    .map((line) => line.split("|").slice(1, -1))
    .map((row) => row.map((cell) => cell.trim()));
  return cells.map((row) => Object.fromEntries(titles.map((title, i) => [title, row[i] ?? ""])));
}

/** The number that a cell begins with; `who` stands in some column. */
function figure(rows: readonly Row[], who: string, title: string): number {
  const row = rows.find((each) => Object.values(each).includes(who)) ?? {};
  return Number.parseFloat(row[title] ?? "");
}

function inSteps(value: number, step: number): number {
  return Math.round(value / step) * step;
}

test("README's figures of the filter are those of benchmarks/RESULTS.md", () => {
  const logs = ["## RequestResponse log", "## Metadata log", "## Quiet log"].map((heading) =>
    tableFrom("benchmarks/RESULTS.md", heading),
  );
  const of = (title: string): readonly number[] => logs.map((rows) => figure(rows, "auditsieve filter", title));
  const cpu = Math.max(...of("user CPU s, median (range)")).toFixed(1);
  const memory = inSteps(Math.max(...of("peak memory MB")), 10);
  const times = of("times the parse loop's speed").map(Math.round);
  const beside = tableFrom("benchmarks/RESULTS.md", "## Side by side");
  const speed = (who: string): number => figure(beside, who, "MB per user CPU s");
  const ofPysimdjson = Math.round(speed("auditsieve filter") / speed("pysimdjson"));
  const ofJq = inSteps(speed("auditsieve filter") / speed("jq"), 5);
  expect(said(/1 GB in .*? jq/)).toBe(
    `1 GB in ${cpu} s of CPU and ${memory} MB of memory, ${Math.min(...times)}-${Math.max(...times)} times as fast as a \`split\` + \`JSON.parse\` loop, ${ofPysimdjson} times pysimdjson, ${ofJq} times jq`,
  );
});

test.each([
  [
    "filter, of the scan's speed, RequestResponse log",
    "## RequestResponse log",
    "auditsieve filter",
    "of the first row's speed",
  ],
  [
    "filter, times the parse loop's speed, Metadata log",
    "## Metadata log",
    "auditsieve filter",
    "times the parse loop's speed",
  ],
  [
    "with findings and redaction, of the scan's speed, quiet log",
    "## Quiet log",
    "auditsieve filter with findings and redaction",
    "of the first row's speed",
  ],
  [
    "with findings and redaction, times the parse loop's speed, whole baseline log",
    "## Whole baseline log",
    "auditsieve filter with findings and redaction",
    "times the parse loop's speed",
  ],
])("what benchmarks/RESULTS.md says of an aim is what its table says: %s", (aim, heading, who, title) => {
  const aims = tableFrom("benchmarks/RESULTS.md", "## What was aimed at");
  const longer = tableFrom("benchmarks/RESULTS.md", `${heading}, 4 times as long`);
  expect(figure(aims, aim, "reached")).toBeCloseTo(figure(tableFrom("benchmarks/RESULTS.md", heading), who, title), 1);
  expect(figure(aims, aim, "4 times as long")).toBeCloseTo(figure(longer, who, title), 1);
  const row = aims.find((each) => Object.values(each).includes(aim)) ?? {};
  for (const column of ["reached", "4 times as long"]) {
    const isMissed = figure(aims, aim, column) < figure(aims, aim, "at least");
    expect(row[column]?.endsWith("(missed)"), `${column}: ${row[column]}`).toBe(isMissed);
  }
});

test("README's figure of the daemon is that of benchmarks/INGEST.md, rounded down", () => {
  const rows = tableFrom("benchmarks/INGEST.md", "| into |");
  // The first row of each server names it.
  const ofElasticsearch = rows.slice(rows.findIndex(({ into = "" }) => into.startsWith("Elasticsearch ")));
  const thousands = Math.floor(figure(ofElasticsearch, "daemon", "documents/s (range)") / 1000);
  expect(said(/it forwards [\d,]+ events a second/)).toBe(`it forwards ${thousands},000 events a second`);
});

test("README's figures of the detections are those of their pages", () => {
  const [count] = /\d+ detections/.exec(page("docs/detections.md")) ?? [];
  const [, behaviours, found] = /(\d+) behaviours that [^:]*:\n(\d+) are found/.exec(page("docs/behaviours.md")) ?? [];
  expect(said(/\d+ detections/)).toBe(count);
  expect(said(/\d+ of \d+ named behaviours/)).toBe(`${found} of ${behaviours} named behaviours`);
  const recordings = tableFrom("docs/held-out.md", "| | steps |").map(
    (row) => `${Number.parseInt(row["medium or more"] ?? "", 10)} of ${row["steps"]}`,
  );
  const listed = new Intl.ListFormat("en-GB").format(recordings.toReversed());
  expect(said(/(?:\d+ of \d+(?:, | and )?)+ steps/)).toBe(`${listed} steps`);
});
