import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { zstdDecompressSync } from "node:zlib";
import { createRedactor, documentId } from "@auditsieve/audit";
import { ecsDocument } from "@auditsieve/ingest";
import { startElasticsearch } from "../test/engines/elasticsearch.ts";

/**
 * Measures the daemon beside a loader that only sends the same finished documents: into a server that keeps nothing, and into a
 * real Elasticsearch. Writes benchmarks/INGEST.md (what is said there below the figures is written by hand). `node benchmarks/ingest.ts [LINES] [RUNS]`; 40,000 lines and 3 runs by default.
 */
const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const [lines = 40_000, runs = 3] = process.argv.slice(2).map(Number);
const folder = mkdtempSync(join(tmpdir(), "auditsieve-ingest-bench-"));
const log = join(folder, "audit.log");
const bodies = join(folder, "bodies");
const IN_FLIGHT = 4;
const BODY_BYTES = 5 * 1024 * 1024;

interface Measured {
  readonly wall: number;
  readonly cpu: number;
  readonly peak: number;
}

try {
  const sizes = prepare();
  const sections = [
    await measureTarget("a server that keeps nothing", startBlackHole),
    await measureTarget("Elasticsearch 9.5.3", startServer),
  ];
  const latency = await measureLatency();
  writeFileSync(join(ROOT, "benchmarks/INGEST.md"), report(sizes, sections, latency));
  console.log("benchmarks/INGEST.md written");
} finally {
  rmSync(folder, { recursive: true });
}

/** The log, each line of its own, and the bodies that a sink makes of it. */
function prepare(): { readonly logBytes: number; readonly bodyBytes: number } {
  const sample = zstdDecompressSync(readFileSync(join(ROOT, "samples/working-day.log.zst")))
    .toString("utf8")
    .trim()
    .split("\n");
  const redactor = createRedactor({ key: Buffer.alloc(32, 2) });
  const fd = openSync(log, "w");
  const out = openSync(bodies, "w");
  let body: string[] = [];
  let bytes = 0;
  const flush = (): void => {
    const whole = Buffer.from(`${body.join("\n")}\n`);
    writeSync(out, whole.length.toString(16).padStart(8, "0"));
    writeSync(out, whole);
    body = [];
    bytes = 0;
  };
  for (let i = 0; i < lines; i++) {
    const line = (sample[i % sample.length] ?? "").replace('"auditID":"', `"auditID":"${i}-`);
    writeSync(fd, `${line}\n`);
    const raw = Buffer.from(line);
    const document = Buffer.from(redactor.redactLine(raw));
    const { stageTimestamp } = JSON.parse(line) as { stageTimestamp: string };
    const delivery = {
      id: documentId(Buffer.alloc(32, 1), "bench", raw),
      kind: "event" as const,
      document,
      time: stageTimestamp,
    };
    const finished = ecsDocument(delivery, { cluster: "bench", namespace: "bench", now: () => new Date() });
    body.push(`{"create":{"_id":"${delivery.id}"}}`, finished);
    bytes += finished.length;
    if (bytes >= BODY_BYTES || body.length >= 4000) {
      flush();
    }
  }
  if (body.length > 0) {
    flush();
  }
  closeSync(fd);
  closeSync(out);
  return { logBytes: statSync(log).size, bodyBytes: statSync(bodies).size };
}

interface Target {
  readonly url: string;
  /** Gives the namespace of a stream that is empty. */
  readonly reset: () => Promise<string>;
  readonly count: () => Promise<number>;
  readonly stop: () => Promise<void>;
}

async function startBlackHole(): Promise<
  Target & { readonly ask: () => Promise<{ documents: number; p50: number; p99: number }> }
> {
  const hole = spawn(process.execPath, [join(ROOT, "benchmarks/baselines/black-hole.ts")], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, BLACK_HOLE_DELAYS: "1" },
  });
  const answers = createInterface({ input: hole.stdout })[Symbol.asyncIterator]();
  const port = String((await answers.next()).value);
  let before = 0;
  const ask = async (): Promise<{ documents: number; p50: number; p99: number }> => {
    hole.kill("SIGUSR2");
    return JSON.parse(String((await answers.next()).value)) as { documents: number; p50: number; p99: number };
  };
  return {
    url: `http://127.0.0.1:${port}`,
    ask,
    reset: async () => {
      before = (await ask()).documents;
      return "bench";
    },
    count: async () => (await ask()).documents - before,
    stop: async () => void hole.kill("SIGKILL"),
  };
}

async function startServer(): Promise<Target> {
  const engine = await startElasticsearch();
  const post = async (path: string): Promise<Record<string, unknown>> =>
    (await (await fetch(`${engine.url}${path}`, { method: "POST" })).json()) as Record<string, unknown>;
  let run = 0;
  const stream = (): string => `logs-kubernetes.audit_logs-bench${run}`;
  return {
    url: engine.url,
    // A stream of its own each time: in the same one the daemon finds that all is there already, even after a rollover.
    reset: async () => {
      run++;
      return `bench${run}`;
    },
    count: async () => {
      await post(`/${stream()}/_refresh`);
      return Number((await post(`/${stream()}/_count`))["count"] ?? 0);
    },
    stop: () => engine.stop(),
  };
}

async function measureTarget(
  title: string,
  start: () => Promise<Target>,
): Promise<{ readonly title: string; readonly loader: readonly Measured[]; readonly daemon: readonly Measured[] }> {
  const target = await start();
  const loader: Measured[] = [];
  const daemon: Measured[] = [];
  try {
    // The first of each makes the template and warms the server up.
    await runDaemon(target);
    await runLoader(target);
    for (let run = 0; run < runs; run++) {
      loader.push(await runLoader(target));
      daemon.push(await runDaemon(target));
    }
  } finally {
    await target.stop();
  }
  return { title, loader, daemon };
}

async function runLoader(target: Target): Promise<Measured> {
  const namespace = await target.reset();
  const loader = join(ROOT, "benchmarks/baselines/bulk-loader.ts");
  const args = [loader, `${target.url}/logs-kubernetes.audit_logs-${namespace}`, bodies, String(IN_FLIGHT)];
  return watch(
    args,
    async (_child, exit) => {
      await exit;
    },
    target,
  );
}

async function runDaemon(target: Target): Promise<Measured> {
  const namespace = await target.reset();
  const state = mkdtempSync(join(folder, "state-"));
  return watch(
    ["packages/cli/src/main.ts", "ingest", "-c", configFor(target.url, namespace, state, log)],
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

function configFor(url: string, namespace: string, state: string, path: string): string {
  const file = join(state, "auditsieve.yaml");
  writeFileSync(join(state, "id.key"), `${"01".repeat(32)}\n`);
  writeFileSync(
    file,
    `cluster: bench\nstateFolder: ${state}\nsources: [{ type: file, path: ${path} }]\nsinks: [{ type: elasticsearch, node: "${url}", namespace: ${namespace}, feed: all }]\n`,
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

/** A process from start to end; CPU and memory come from the process itself as it exits. */
async function watch(
  args: readonly string[],
  drive: (child: ChildProcess, exit: Promise<unknown>) => Promise<void>,
  target: Target,
): Promise<Measured> {
  const started = performance.now();
  const child = spawn(process.execPath, ["--import", join(ROOT, "benchmarks/ingest-usage.mjs"), ...args], {
    cwd: ROOT,
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  let usage = "";
  child.stdio[3]?.on("data", (chunk: Buffer) => (usage += chunk.toString()));
  const exit = new Promise((resolve) => child.once("close", resolve));
  await drive(child, exit);
  const wall = (performance.now() - started) / 1000;
  const stored = await target.count();
  if (stored < lines) {
    throw new Error(`Cannot measure: ${stored} of ${lines} documents arrived`);
  }
  const { user, peak } = JSON.parse(usage) as { user: number; peak: number };
  return { wall, cpu: user, peak };
}

/** Lines stamped as they are written, at a steady rate; how old they are when the server has them. */
async function measureLatency(): Promise<{ readonly rate: number; readonly p50: number; readonly p99: number }> {
  const hole = await startBlackHole();
  const state = mkdtempSync(join(folder, "state-"));
  const path = join(state, "audit.log");
  writeFileSync(path, "");
  mkdirSync(state, { recursive: true });
  const child = spawn(
    process.execPath,
    ["packages/cli/src/main.ts", "ingest", "-c", configFor(hole.url, "bench", state, path)],
    {
      cwd: ROOT,
      stdio: "ignore",
    },
  );
  const rate = 2000;
  try {
    let number = 0;
    for (const end = performance.now() + 15_000; performance.now() < end; await sleep(50)) {
      const now = new Date().toISOString();
      let text = "";
      for (let i = 0; i < rate / 20; i++) {
        text += `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"${number++}","stage":"ResponseComplete","requestURI":"/api/v1/pods","verb":"list","user":{"username":"jane"},"stageTimestamp":"${now}"}\n`;
      }
      appendFileSync(path, text);
    }
    await sleep(3000);
    const { p50, p99 } = await hole.ask();
    return { rate, p50, p99 };
  } finally {
    child.kill("SIGKILL");
    await hole.stop();
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function report(
  { logBytes, bodyBytes }: ReturnType<typeof prepare>,
  sections: readonly Awaited<ReturnType<typeof measureTarget>>[],
  { rate, p50, p99 }: Awaited<ReturnType<typeof measureLatency>>,
): string {
  const rows = sections.map(({ title, loader, daemon }) => {
    const seconds = { loader: median(loader.map(({ wall }) => wall)), daemon: median(daemon.map(({ wall }) => wall)) };
    const range = (of: readonly Measured[]): string =>
      `${Math.min(...of.map(({ wall }) => wall)).toFixed(1)}-${Math.max(...of.map(({ wall }) => wall)).toFixed(1)}`;
    const cpu = median(daemon.map((one) => one.cpu));
    const peak = Math.max(...daemon.map((one) => one.peak));
    return `| ${title} | ${(lines / seconds.loader).toFixed(0)} (${range(loader)} s) | ${(lines / seconds.daemon).toFixed(0)} (${range(daemon)} s) | ${(seconds.loader / seconds.daemon).toFixed(2)} | ${((cpu / lines) * 1e6).toFixed(0)} | ${peak.toFixed(0)} |`;
  });
  return `# Ingest benchmark

Made by \`node benchmarks/ingest.ts ${lines} ${runs}\` on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} x ${cpus()[0]?.model.trim()}, Node ${process.version}, load average ${loadavg()[0]?.toFixed(1)} at the end. Whole
processes from start to end, median of ${runs} runs taken in turn after one that is not counted. ${lines} lines of a working day (${(logBytes / 1e6).toFixed(0)} MB,
${(bodyBytes / 1e6).toFixed(0)} MB of documents), all forwarded (\`feed: all\`), nothing dropped: the dearest case. The loader only reads finished bulk bodies from
a file and sends them, ${IN_FLIGHT} at a time; the daemon scans, redacts, makes the documents and keeps its checkpoint. Client and server share the cores.

| into | loader, documents/s | daemon, documents/s | daemon : loader | daemon's user CPU, us a line | daemon's peak memory, MB |
|---|---|---|---|---|---|
${rows.join("\n")}

Added latency at ${rate} lines/s, from the stamp in the line to its arrival: median ${p50} ms, p99 ${p99} ms (a batch waits up to a second).
`;
}
