import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { zstdDecompressSync } from "node:zlib";
import type { Contender } from "./contender.ts";
import { measure, median } from "./measure.ts";
import type { Measured } from "./measure.ts";
import { WORK } from "./work.ts";

/**
 * Measures replay (merge, all shipped detections, coverage) beside a loop of split and JSON.parse over the same file: whole processes,
 * in turn. Writes benchmarks/REPLAY.md. `node benchmarks/replay.ts [MEGABYTES] [RUNS]`; 1000 MB and 3 runs by default.
 */
const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const megabytes = Number(process.argv[2] ?? 1000);
const runs = Number(process.argv[3] ?? 3);
const SAMPLE_HOUR = Buffer.from("2026-11-24T00:");
const AUDIT_ID = Buffer.from('"auditID":"');

const node = (args: string) => (log: string, out: string) =>
  `cd '${ROOT}' && NODE_COMPILE_CACHE=node_modules/.cache/auditsieve '${process.execPath}' ${args.replace("LOG", `'${log}'`)} > '${out}'`;
const CONTENDERS: readonly Contender[] = [
  {
    name: "split + JSON.parse loop (finds nothing)",
    kind: "own",
    version: "this checkout",
    command: node("benchmarks/baselines/json-parse.ts LOG"),
  },
  {
    name: "auditsieve replay",
    kind: "own",
    version: "this checkout",
    command: node("packages/cli/src/main.ts replay LOG --output ndjson"),
  },
  {
    name: "auditsieve replay --html (findings, summary and report)",
    kind: "own",
    version: "this checkout",
    command: (log, out) =>
      `${node(`packages/cli/src/main.ts replay LOG --html '${out}.html'`)(log, out)} && rm '${out}.html'`,
  },
  {
    name: "auditsieve replay --threads 1",
    kind: "own",
    version: "this checkout",
    command: node("packages/cli/src/main.ts replay LOG --output ndjson --threads 1"),
  },
  {
    name: "auditsieve rbac",
    kind: "own",
    version: "this checkout",
    command: node("packages/cli/src/main.ts rbac system:serviceaccount:ci:ci-bot LOG"),
  },
];

const folder = mkdtempSync(join(WORK, "replay-"));
try {
  const log = join(folder, "audit.log");
  const bytes = writeLog(log);
  const measured = measure(CONTENDERS, { path: log, bytes }, runs);
  writeFileSync(join(ROOT, "benchmarks/REPLAY.md"), report(bytes, measured));
  console.log("benchmarks/REPLAY.md written");
} finally {
  rmSync(folder, { recursive: true });
}

/** Nine copies of the working day to one of the attack, each an hour later than the one before: a log in order, without repeats. */
function writeLog(path: string): number {
  const samples = ["working-day", "attack"].map((name) =>
    zstdDecompressSync(readFileSync(join(ROOT, `samples/${name}.log.zst`))),
  );
  const fd = openSync(path, "w");
  for (let written = 0, copy = 0; written < megabytes * 1e6; copy++) {
    const sample = Buffer.from(samples[copy % 10 === 9 ? 1 : 0] as Buffer);
    const hour = new Date(Date.UTC(2026, 9, 1) + copy * 3_600_000).toISOString().slice(0, SAMPLE_HOUR.length);
    for (let at = sample.indexOf(SAMPLE_HOUR); at !== -1; at = sample.indexOf(SAMPLE_HOUR, at + 1)) {
      sample.write(hour, at, "latin1");
    }
    // An Audit-ID that is used again would be a finding of its own.
    const first = copy.toString(16).padStart(8, "0");
    for (let at = sample.indexOf(AUDIT_ID); at !== -1; at = sample.indexOf(AUDIT_ID, at + 1)) {
      sample.write(first, at + AUDIT_ID.length, "latin1");
    }
    writeSync(fd, sample);
    written += sample.length;
  }
  closeSync(fd);
  return statSync(path).size;
}

/** Whether replay takes no longer than the loop, as it is meant to. */
function verdict(measured: readonly Measured[]): string {
  const [loop, ...replays] = measured.slice(0, 3).map(({ wallSeconds }) => median(wallSeconds));
  const said = replays.map((wall) => `${wall.toFixed(1)} s`).join(" and ");
  return `A person waits ${said} (without and with a report) beside ${loop?.toFixed(1)} s of the loop: ${replays.every((wall) => wall <= (loop ?? 0)) ? "the aim is met" : "the aim is not met"}.`;
}

function report(bytes: number, measured: readonly Measured[]): string {
  const rows = measured.map(({ name, userSeconds, systemSeconds, wallSeconds, peakMegabytes, kept }) => {
    const user = median(userSeconds);
    const cells = [user, median(systemSeconds), median(wallSeconds)].map((seconds) => seconds.toFixed(1));
    return `| ${[name, ...cells, (bytes / 1e6 / user).toFixed(0), peakMegabytes.toFixed(0), kept].join(" | ")} |`;
  });
  return `# Replay

A log of ${(bytes / 1e6).toFixed(0)} MB at RequestResponse, in order and without repeats: nine copies of two minutes of a working day to one of
the attack, each an hour later. Whole processes, in turn, median of ${runs} runs; user CPU counts the threads of the garbage collector too. Made by \`node benchmarks/replay.ts ${megabytes} ${runs}\`.

| | user CPU, s | system CPU, s | wall, s | MB per s of user CPU | peak memory, MB | lines written |
|---|--:|--:|--:|--:|--:|--:|
${rows.join("\n")}

${verdict(measured)} Reading, merging, scanning, counting and gathering what a report shows are
one thread, the shipped detections (packages/detect) another one; both share the lines in memory. \`--threads 1\` is what that costs
together, and \`rbac\` what reading and counting alone do.

Machine: ${cpus().length} × ${cpus()[0]?.model.trim()}, ${(totalmem() / 1e9).toFixed(0)} GB, Node ${process.version}, load average ${loadavg()[0]?.toFixed(1)} at the end.
`;
}
