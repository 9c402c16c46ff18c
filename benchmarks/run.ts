import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { zstdDecompressSync } from "node:zlib";

/**
 * Measures the filter beside the bare minimum and beside a parse loop: same file, same job, whole processes, user CPU. Writes
 * benchmarks/RESULTS.md. `node benchmarks/run.ts [MEGABYTES] [RUNS]`; 600 MB and 5 runs by default, a few minutes.
 */
const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const POLICY = join(ROOT, "profiles/noise/control-loops.policy.yaml");
const megabytes = Number(process.argv[2] ?? 600);
const runs = Number(process.argv[3] ?? 5);
const folder = mkdtempSync(join(tmpdir(), "auditsieve-bench-"));

interface Contender {
  readonly name: string;
  readonly args: (log: string, out: string) => readonly string[];
  readonly writes: boolean;
}

const CONTENDERS: readonly Contender[] = [
  {
    name: "newline scan (the floor; decides nothing)",
    args: (log) => ["benchmarks/baselines/newline-scan.ts", log],
    writes: false,
  },
  {
    name: "split + JSON.parse loop",
    args: (log, out) => ["benchmarks/baselines/parse-loop.ts", log, out, POLICY],
    writes: true,
  },
  { name: "auditsieve filter", args: (log) => ["packages/cli/src/main.ts", "filter", log], writes: true },
];

interface Measured {
  readonly name: string;
  readonly userSeconds: readonly number[];
  readonly wallSeconds: readonly number[];
  readonly peakMegabytes: number;
  readonly digest: string;
}

try {
  const sections = [
    measureLog("RequestResponse: the quiet log (control loops, probes, scrapers)", "quiet"),
    measureLog("RequestResponse: two minutes of a working day (people, CI, rolling deployments)", "working-day"),
  ];
  writeFileSync(join(ROOT, "benchmarks/RESULTS.md"), report(sections));
  console.log("benchmarks/RESULTS.md written");
} finally {
  rmSync(folder, { recursive: true });
}

function measureLog(title: string, sample: string): string {
  const log = join(folder, `${sample}.log`);
  const bytes = repeat(zstdDecompressSync(readFileSync(join(ROOT, `samples/${sample}.log.zst`))), log);
  const measured = CONTENDERS.map((contender) => ({ contender, seen: [] as Run[] }));
  for (let round = 0; round < runs; round++) {
    // In turn, so that a slow minute of the machine hits all of them.
    for (const { contender, seen } of measured) {
      seen.push(runOnce(contender, log));
    }
  }
  rmSync(log);
  return section(
    title,
    bytes,
    measured.map(({ contender, seen }) => ({
      name: contender.name,
      userSeconds: seen.map(({ user }) => user),
      wallSeconds: seen.map(({ wall }) => wall),
      peakMegabytes: Math.max(...seen.map(({ peak }) => peak)),
      digest: contender.writes ? (seen[0]?.digest ?? "") : "",
    })),
  );
}

interface Run {
  readonly user: number;
  readonly wall: number;
  readonly peak: number;
  readonly digest: string;
}

/** One process from start to end; figures come from the process itself as it exits, by a preloaded module. */
function runOnce(contender: Contender, log: string): Run {
  const out = join(folder, "out");
  const fd = openSync(join(folder, "stdout"), "w");
  const started = performance.now();
  const { status, output } = spawnSync(
    process.execPath,
    ["--import", join(ROOT, "benchmarks/report-usage.mjs"), ...contender.args(log, out)],
    { cwd: ROOT, stdio: ["ignore", fd, "ignore", "pipe"], encoding: "utf8" },
  );
  const wall = (performance.now() - started) / 1000;
  closeSync(fd);
  if (status !== 0) {
    throw new Error(`Cannot measure ${contender.name}: it ended with ${status}`);
  }
  const { user, peak } = JSON.parse(output[3] ?? "") as { user: number; peak: number };
  const written = contender.name.startsWith("split") ? out : join(folder, "stdout");
  const digest = contender.writes ? createHash("sha256").update(readFileSync(written)).digest("hex") : "";
  return { user, wall, peak, digest };
}

function repeat(sample: Buffer, file: string): number {
  const fd = openSync(file, "w");
  for (let written = 0; written < megabytes * 1e6; written += sample.length) {
    writeSync(fd, sample);
  }
  closeSync(fd);
  return statSync(file).size;
}

function section(title: string, bytes: number, measured: readonly Measured[]): string {
  const median = (values: readonly number[]): number =>
    values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
  const user = measured.map(({ userSeconds }) => median(userSeconds));
  const [scan = 1, parse = 1] = user;
  const written = new Set(measured.map(({ digest }) => digest).filter((digest) => digest !== ""));
  const rows = measured.map(({ name, userSeconds, wallSeconds, peakMegabytes }, i) => {
    const seconds = user[i] ?? Number.NaN;
    const spread = `${Math.min(...userSeconds).toFixed(2)}-${Math.max(...userSeconds).toFixed(2)}`;
    return `| ${name} | ${seconds.toFixed(2)} (${spread}) | ${median(wallSeconds).toFixed(2)} | ${(bytes / 1e6 / seconds).toFixed(0)} | ${(scan / seconds).toFixed(2)} | ${(parse / seconds).toFixed(1)} | ${peakMegabytes.toFixed(0)} |`;
  });
  return [
    `## ${title}`,
    "",
    `${(bytes / 1e6).toFixed(0)} MB, the sample repeated. Outputs are ${written.size === 1 ? "identical, byte for byte" : "DIFFERENT"}.`,
    "",
    "| | user CPU s, median (range) | wall s | MB per CPU s | share of the scan's speed | times the parse loop's speed | peak memory MB |",
    "|---|---|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}

function report(sections: readonly string[]): string {
  const revision = spawnSync("git", ["rev-parse", "--short", "HEAD"], { cwd: ROOT, encoding: "utf8" }).stdout.trim();
  return [
    "# Benchmarks",
    "",
    `Made by \`node benchmarks/run.ts ${megabytes} ${runs}\` on ${new Date().toISOString().slice(0, 10)} at commit ${revision}: ${cpus().length} x ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}. Whole processes, user CPU, median of ${runs} runs taken in turn; all with the \`control-loops\` noise policy and with output to a file.`,
    "",
    ...sections,
    "",
  ].join("\n");
}
