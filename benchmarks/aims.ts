import { median } from "./measure.ts";
import type { Measured } from "./measure.ts";
import type { Section } from "./section.ts";
import { longerTitle, speedOf, TIMES_LONGER } from "./section.ts";

/** What the filter was built to reach, and by which sections of RESULTS.md that is decided: the log as it is and, where there is one, more of it. */
interface Aim {
  readonly what: string;
  readonly asked: number;
  /** In which sections it is looked for; a figure for each. */
  readonly titles: readonly string[];
  readonly of: (measured: readonly Measured[]) => number;
}

const FILTER = "auditsieve filter";
const ALL = "auditsieve filter with findings and redaction";
const SCAN = "newline scan (";
const LOOP = "split + JSON.parse loop";

const AIMS: readonly Aim[] = [
  ...["RequestResponse log", "Metadata log"].flatMap((log) => [
    beside(`filter, of the scan's speed, ${log}`, 0.33, bothLengths(log), FILTER, SCAN),
    beside(`filter, times the parse loop's speed, ${log}`, 12, bothLengths(log), FILTER, LOOP),
  ]),
  ...Object.entries({ pysimdjson: 4, jq: 25, "benthos core": 30 }).map(([peer, asked]) =>
    beside(`filter, times the speed of ${peer}`, asked, ["Side by side"], FILTER, peer),
  ),
  beside(
    "with findings and redaction, times the parse loop's speed, whole baseline log",
    5,
    bothLengths("Whole baseline log"),
    ALL,
    LOOP,
  ),
  beside("with findings and redaction, of the scan's speed, quiet log", 0.25, bothLengths("Quiet log"), ALL, SCAN),
  ...["", ", the log 3 times"].map((log) => ({
    what: `two threads, times the speed of one by the clock${log}`,
    asked: 1.7,
    titles: ["Threads"],
    of: (measured: readonly Measured[]) =>
      wallOf(measured, `auditsieve filter --workers 1${log}`) / wallOf(measured, `auditsieve filter --workers 2${log}`),
  })),
  {
    what: "through a pipe, the speed with ten times as much",
    asked: 0.9,
    titles: ["Through a pipe"],
    of: ([once, tenTimes]) =>
      once === undefined || tenTimes === undefined ? Number.NaN : speedOf(tenTimes) / speedOf(once),
  },
];
const MOST_MEGABYTES = 150;

/** A table of what was asked of the filter and what the sections say of it. */
export function aimsText(sections: readonly Section[]): string {
  const rows = AIMS.map(({ what, asked, titles, of }) => {
    const [once, longer] = titles
      .map((title) => sections.find((each) => each.title === title))
      .map((section) => (section === undefined ? undefined : of(section.measured)));
    return `| ${what} | ${asked} | ${said(once, asked)} | ${said(longer, asked)} |`;
  });
  const peak = Math.max(
    ...sections.flatMap(({ measured }) =>
      measured.filter(({ name }) => name.startsWith("auditsieve")).map(({ peakMegabytes }) => peakMegabytes),
    ),
  );
  return [
    "## What was aimed at",
    "",
    "Each by the medians of the tables below.",
    "",
    `| | at least | reached | ${TIMES_LONGER} times as long |`,
    "|---|--:|--:|--:|",
    ...rows,
    "",
    `Memory: at most ${peak.toFixed(0)} MB in any row of auditsieve, where ${MOST_MEGABYTES} were allowed${peak > MOST_MEGABYTES ? " (missed)" : ""}.`,
  ].join("\n");
}

function beside(what: string, asked: number, titles: readonly string[], who: string, whom: string): Aim {
  const of = (measured: readonly Measured[]): number => {
    const [first, second] = [
      measured.find(({ name }) => name === who),
      measured.find(({ name }) => name.startsWith(whom)),
    ];
    return first === undefined || second === undefined ? Number.NaN : speedOf(first) / speedOf(second);
  };
  return { what, asked, titles, of };
}

function bothLengths(log: string): readonly string[] {
  return [log, longerTitle(log)];
}

function wallOf(measured: readonly Measured[], who: string): number {
  const found = measured.find(({ name }) => name === who);
  return found === undefined ? Number.NaN : median(found.wallSeconds);
}

function said(value: number | undefined, asked: number): string {
  if (value === undefined || Number.isNaN(value)) {
    return "";
  }
  return `${asked < 10 && value < 100 ? value.toFixed(2) : value.toFixed(1)}${value < asked ? " (missed)" : ""}`;
}
