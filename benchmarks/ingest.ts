import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { zstdDecompressSync } from "node:zlib";
import { stagesOf } from "./ingest-profile.ts";
import { median, report } from "./ingest-report.ts";
import type { Latency, Measured, Section } from "./ingest-report.ts";
import { baseline, buildPublished, PUBLISHED } from "./published.ts";
import { startBlackHole, startServer } from "./ingest-targets.ts";
import type { Target } from "./ingest-targets.ts";

/**
 * Measures the daemon beside a loader that sends the very bodies that the daemon has sent: into a server that keeps nothing, into a
 * real Elasticsearch, and into a server elsewhere that takes as much as that one. Writes benchmarks/INGEST.md, but for what stands
 * there below the figures. `node benchmarks/ingest.ts [LINES] [RUNS]`; 240,000 lines and 3 runs by default: with 60,000 half of the CPU of
 * a daemon that runs for weeks is what it does once, its start and V8's compiling of what has run often.
 */
const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const [lines = 240_000, runs = 3] = process.argv.slice(2).map(Number);
const folder = mkdtempSync(join(tmpdir(), "auditsieve-ingest-bench-"));
const log = join(folder, "audit.log");
const bodies = join(folder, "bodies");
const SOURCES = "packages/cli/bin/auditsieve.mjs";
const IN_FLIGHT = "4";
const ALL = "";
const NO_DETECTIONS = "detections: []\n";
const BULK =
  "_bulk?require_data_stream=true&filter_path=items.create.status,items.create.error,items.create.failure_store";
const LATENCY_SECONDS = 20;
/** The times of a line, to the second. */
const TIMES = /"(requestReceivedTimestamp|stageTimestamp)":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)/g;
/** From one beginning of the sample to the next: it is of seven minutes. */
const PASS_MS = 8 * 60_000;

try {
  const sample = zstdDecompressSync(readFileSync(join(ROOT, "samples/working-day.log.zst")))
    .toString("utf8")
    .trim()
    .split("\n");
  buildPublished();
  writeLog(sample);
  await record();
  const hole = await startBlackHole();
  const free = await measure("a server that keeps nothing", hole, [ALL, NO_DETECTIONS], { hasForwarder: true });
  const stages = await profile(hole);
  await hole.stop();
  const stored = await measure("Elasticsearch 9.5.3", await startServer(), [ALL, NO_DETECTIONS]);
  const pace = Math.round(median(stored.loader.map(({ rate }) => rate)));
  const paced = await startBlackHole(["--pace", String(pace)]);
  const elsewhere = await measure(`a server elsewhere that takes ${pace} a second`, paced, [ALL]);
  await paced.stop();
  const latency = await measureLatency(sample, pace);
  const sizes = { lines, runs, logBytes: statSync(log).size, bodyBytes: statSync(bodies).size };
  const path = join(ROOT, "benchmarks/INGEST.md");
  writeFileSync(path, report(sizes, [free, stored, elsewhere], stages, latency, readFileSync(path, "utf8")));
  console.log("benchmarks/INGEST.md written");
} finally {
  rmSync(folder, { recursive: true });
}

/** The day again and again, as a log goes on: later each time, and with requests of its own, whose stages stay together. */
function writeLog(sample: readonly string[]): void {
  const fd = openSync(log, "w");
  for (let i = 0; i < lines; i++) {
    const pass = Math.floor(i / sample.length);
    const line = named(sample[i % sample.length] ?? "", pass).replaceAll(
      TIMES,
      (_, key: string, time: string) =>
        `"${key}":"${new Date(Date.parse(`${time}Z`) + pass * PASS_MS).toISOString().slice(0, 19)}`,
    );
    writeSync(fd, `${line}\n`);
  }
  closeSync(fd);
}

/** Of a request of its own. */
function named(line: string, pass: number): string {
  return line.replace('"auditID":"', `"auditID":"${pass}-`);
}

/** What the daemon sends is what the loader will send. */
async function record(): Promise<void> {
  const hole = await startBlackHole(["--record", bodies]);
  await runDaemon(hole, ALL);
  await hole.stop();
}

async function measure(
  title: string,
  target: Target,
  configurations: readonly string[],
  { hasForwarder = false } = {},
): Promise<Section> {
  const loader: Measured[] = [];
  const forwarder: Measured[] = [];
  const daemon = new Map<string, Measured[]>(configurations.map((more) => [more, []]));
  try {
    // The first of each makes the template and warms the server up.
    await runDaemon(target, ALL);
    await runSender("bulk-loader", bodies, target);
    for (let run = 0; run < runs; run++) {
      loader.push(await runSender("bulk-loader", bodies, target));
      if (hasForwarder) {
        forwarder.push(await runSender("line-forwarder", log, target));
      }
      for (const [more, measured] of daemon) {
        measured.push(await runDaemon(target, more));
      }
    }
  } finally {
    await (title.startsWith("Elasticsearch") ? target.stop() : undefined);
  }
  return {
    title,
    loader,
    forwarder,
    daemon: daemon.get(ALL) ?? [],
    withoutDetections: daemon.get(NO_DETECTIONS) ?? [],
  };
}

async function runSender(name: "bulk-loader" | "line-forwarder", file: string, target: Target): Promise<Measured> {
  const namespace = await target.reset();
  const url = `${target.url}/logs-kubernetes.audit_logs-${namespace}/${BULK}`;
  return watch(
    [baseline(name), url, file, IN_FLIGHT],
    async (_child, exit) => {
      await exit;
    },
    target,
  );
}

async function runDaemon(
  target: Target,
  more: string,
  node: readonly string[] = [],
  command = PUBLISHED,
): Promise<Measured> {
  const namespace = await target.reset();
  const state = mkdtempSync(join(folder, "state-"));
  return watch(
    [...node, command, "ingest", "-c", configFor(target.url, namespace, state, log, more)],
    async (child, exit) => {
      while (acknowledged(state) < lines) {
        if (child.exitCode !== null) {
          throw new Error(`Cannot measure: the daemon ended with ${child.exitCode}`);
        }
        await sleep(50);
      }
      child.kill("SIGTERM");
      await exit;
    },
    target,
  );
}

function configFor(url: string, namespace: string, state: string, path: string, more: string): string {
  const file = join(state, "auditsieve.yaml");
  writeFileSync(join(state, "id.key"), `${"01".repeat(32)}\n`);
  writeFileSync(
    file,
    `cluster: bench\nstateFolder: ${state}\nsources: [{ type: file, path: ${path} }]\nsinks: [{ type: elasticsearch, node: "${url}", namespace: ${namespace}, feed: all }]\n${more}`,
  );
  return file;
}

function acknowledged(state: string): number {
  try {
    const checkpoint = JSON.parse(readFileSync(join(state, "checkpoint.json"), "utf8")) as {
      sections: Record<string, { counters?: { lines?: number } }>;
    };
    return checkpoint.sections["pipeline/audit"]?.counters?.lines ?? 0;
  } catch {
    return 0;
  }
}

/** A process from start to end; CPU, memory and the times of the answers come from the process itself as it exits. */
async function watch(
  args: readonly string[],
  drive: (child: ChildProcess, exit: Promise<unknown>) => Promise<void>,
  target: Target,
): Promise<Measured> {
  const before = await target.work();
  const started = performance.now();
  const child = spawn(process.execPath, ["--import", join(ROOT, "benchmarks/ingest-usage.mjs"), ...args], {
    cwd: ROOT,
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  let text = "";
  child.stdio[3]?.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const exit = new Promise((resolve) => child.once("close", resolve));
  await drive(child, exit);
  const wall = (performance.now() - started) / 1000;
  const after = await target.work();
  const stored = await target.count();
  if (stored < lines) {
    throw new Error(`Cannot measure: ${stored} of ${lines} documents arrived`);
  }
  const { answers, ...usage } = JSON.parse(text) as Pick<Measured, "start" | "user" | "system" | "peak"> & {
    readonly answers: readonly Answer[];
  };
  const server =
    before === undefined || after === undefined
      ? undefined
      : {
          cpu: after.cpu - before.cpu,
          refreshes: after.refreshes - before.refreshes,
          merged: after.merged - before.merged,
        };
  return { wall, ...usage, rate: rateOf(answers), ...(server !== undefined && { server }) };
}

/** When a request was answered, in milliseconds, and its bytes. */
type Answer = readonly [at: number, bytes: number];

/**
 * Documents a second between the first answer and the last but one: without the start of the process, and without the last batch,
 * which waits for more lines that do not come. How many a request held is told by its bytes.
 */
function rateOf(answers: readonly Answer[]): number {
  if (answers.length < 8) {
    throw new Error(`Cannot measure: ${answers.length} requests are too few; give more lines`);
  }
  const bytesOf = (some: readonly Answer[]): number => some.reduce((sum, [, bytes]) => sum + bytes, 0);
  const between = answers.slice(1, -1);
  const seconds = ((between.at(-1)?.[0] ?? 0) - (answers[0]?.[0] ?? 0)) / 1000;
  return (lines * bytesOf(between)) / bytesOf(answers) / seconds;
}

async function profile(target: Target): Promise<ReadonlyMap<string, number>> {
  const profiles = mkdtempSync(join(folder, "profile-"));
  // Of the sources: the published files no longer say what a function belongs to.
  await runDaemon(target, ALL, ["--cpu-prof", `--cpu-prof-dir=${profiles}`], SOURCES);
  return stagesOf(profiles);
}

/** Lines stamped as they are written, at a steady rate; how old they are when a server as fast as the measured one has them. */
async function measureLatency(sample: readonly string[], pace: number): Promise<Latency> {
  const hole = await startBlackHole(["--delays", "--pace", String(pace)]);
  const state = mkdtempSync(join(folder, "state-"));
  const path = join(state, "audit.log");
  writeFileSync(path, "");
  const rate = Math.round((0.8 * pace) / 2);
  const args = [PUBLISHED, "ingest", "-c", configFor(hole.url, "bench", state, path, ALL)];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: "ignore" });
  try {
    // What the start takes is not latency.
    while ((await hole.ask()).requests === 0) {
      appendFileSync(path, `${stamped(sample[0] ?? "", 0)}\n`);
      await sleep(500);
    }
    await sleep(2000);
    await hole.ask();
    const started = performance.now();
    let number = 0;
    while (performance.now() - started < LATENCY_SECONDS * 1000) {
      let text = "";
      for (const due = Math.floor(((performance.now() - started) / 1000) * rate); number < due; number++) {
        text += `${stamped(sample[number % sample.length] ?? "", Math.floor(number / sample.length))}\n`;
      }
      appendFileSync(path, text);
      await sleep(20);
    }
    while (acknowledged(state) < number) {
      await sleep(100);
    }
    const { documents, ...delays } = await hole.ask();
    return { rate: documents / LATENCY_SECONDS, ...delays };
  } finally {
    child.kill("SIGKILL");
    await hole.stop();
  }
}

function stamped(line: string, pass: number): string {
  return named(line, pass).replaceAll(
    /"(requestReceivedTimestamp|stageTimestamp)":"[^"]*"/g,
    `"$1":"${new Date().toISOString()}"`,
  );
}
