import { spawnSync } from "node:child_process";
import { cpus, totalmem } from "node:os";
import { aimsText } from "./aims.ts";
import type { Contender } from "./contender.ts";
import type { Verdict } from "./correctness.ts";
import { median } from "./measure.ts";
import type { Measured } from "./measure.ts";
import { speedOf } from "./section.ts";
import type { Section } from "./section.ts";
import { ROOT } from "./work.ts";

/** RESULTS.md. Ratios compare bytes per second of user CPU. */
export function report(
  sections: readonly Section[],
  contenders: readonly Contender[],
  verdicts: readonly Verdict[],
  load: string,
): string {
  const git = (args: string): string =>
    spawnSync("git", args.split(" "), { cwd: ROOT, encoding: "utf8" }).stdout.trim();
  return `${[
    "# Benchmarks",
    `Made by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)} at commit ${git("rev-parse --short HEAD")}: ${cpus().length} x ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}. ${load}`,
    "Whole processes with output to a file, start-up included, auditsieve as it is published, the scan and the loop as one file of JavaScript each; user CPU, the median of runs taken in turn. Speed is bytes of input per second of user CPU; ratios compare speeds. The logs are the samples of this repository, repeated, so that most of the work of the first sight of a line is done once: [docs/filter.md](../docs/filter.md).",
    "The daemon beside a loader that only sends, and its latency: [INGEST.md](INGEST.md). Replays: [REPLAY.md](REPLAY.md).",
    "![Speed of each contender](speed.svg)",
    aimsText(sections),
    ...sections.map(sectionText),
    "## The same lines are kept",
    "Twenty lines that are easy to get wrong: nested decoys, long lines, absent fields, impersonation. Then the same with one torn line among them.",
    [
      "| | version | of the twenty | the torn line |",
      "|---|---|---|---|",
      ...verdicts.map(({ name, clean, corrupt }) => {
        const contender = contenders.find((each) => each.name === name);
        const version = contender?.kind === "own" ? "" : (contender?.version ?? "");
        return `| ${name} | ${version} | ${clean}${contender?.remark === undefined ? "" : ` (${contender.remark})`} | ${corrupt} |`;
      }),
    ].join("\n"),
    missingText(contenders),
  ]
    .filter((part) => part !== "")
    .join("\n\n")}\n`;
}

function sectionText({ title, note, runs, measured }: Section): string {
  const speeds = measured.map(speedOf);
  const [scan = Number.NaN] = speeds;
  const parse = speeds[measured.findIndex(({ name }) => name.startsWith("split"))] ?? Number.NaN;
  const rows = measured.map((each, i) => {
    const speed = speeds[i] ?? Number.NaN;
    const spread = `${seconds(Math.min(...each.userSeconds))}-${seconds(Math.max(...each.userSeconds))}`;
    return `| ${each.name} | ${(each.bytes / 1e6).toFixed(0)} | ${seconds(median(each.userSeconds))} (${spread}) | ${median(each.systemSeconds).toFixed(2)} | ${median(each.wallSeconds).toFixed(2)} | ${speed.toFixed(0)} | ${(speed / scan).toFixed(2)} | ${Number.isNaN(parse) ? "" : (speed / parse).toFixed(1)} | ${each.peakMegabytes.toFixed(0)} |`;
  });
  return [
    `## ${title}`,
    "",
    `${note} ${runs === 1 ? "One run" : `${runs} runs`}. ${Number.isNaN(parse) ? "" : sameKept(measured)}`,
    "",
    "| | MB read | user CPU s, median (range) | system CPU s | wall s | MB per user CPU s | of the first row's speed | times the parse loop's speed | peak memory MB |",
    "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ...rows,
  ].join("\n");
}

function seconds(value: number): string {
  return value.toFixed(value < 1 ? 3 : 2);
}

function sameKept(measured: readonly Measured[]): string {
  const writers = measured.filter(({ name }) => !name.startsWith("newline"));
  const [first] = writers;
  // Each log is the same lines again and again, so a shorter one has as many per byte.
  const expected = ({ bytes }: Measured): number => Math.round(((first?.kept ?? 0) * bytes) / (first?.bytes ?? bytes));
  const others = writers.filter((each) => each.kept !== expected(each));
  const same = `Lines kept: ${first?.kept}, as many per byte`;
  return others.length === 0
    ? `${same} by all of them.`
    : `${same}, but ${others.map(({ name, kept }) => `${name} ${kept}`).join(", ")}.`;
}

function missingText(contenders: readonly Contender[]): string {
  const missing = contenders.filter(({ version }) => version === undefined);
  return missing.length === 0
    ? ""
    : `Not here: ${missing.map(({ name, missing: why }) => `${name} (${why ?? "not installed"})`).join(", ")}.`;
}
