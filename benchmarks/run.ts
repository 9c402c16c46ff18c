import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { judge } from "./correctness.ts";
import type { Verdict } from "./correctness.ts";
import { makeLog } from "./data.ts";
import type { Log } from "./data.ts";
import { measure, median } from "./measure.ts";
import { makeHalves, ownContenders, pipedContender, sharingContenders } from "./own-contenders.ts";
import { installPeers, peers } from "./peers.ts";
import { plot } from "./plot.ts";
import { buildPublished } from "./published.ts";
import { report } from "./report.ts";
import { longerTitle, TIMES_LONGER } from "./section.ts";
import type { Section } from "./section.ts";
import { COMMON_JOB, NOISE, resultFile, ROOT, WORK } from "./work.ts";

/**
 * Measures the filter beside a bare newline scan, a parse loop and the peers, and writes RESULTS.md and speed.svg.
 *
 * `npm run bench` runs all parts, each a process of a few minutes; `node benchmarks/run.ts PART` runs one of them again. Data and
 * peers are kept in a folder outside the checkout (AUDITSIEVE_BENCH). AUDITSIEVE_BENCH_MB and AUDITSIEVE_BENCH_RUNS change how much
 * is read (1050) and how often (5).
 */
const megabytes = Number(process.env["AUDITSIEVE_BENCH_MB"] ?? 1050);
const runs = Number(process.env["AUDITSIEVE_BENCH_RUNS"] ?? 5);
const SMALL_MEGABYTES = 100;

const PARTS: Readonly<Record<string, () => unknown>> = {
  peers: installPeers,
  correctness: () => judge([...ownContenders(COMMON_JOB), ...peers()]),
  "request-response": () => own("request-response", "The shipped control-loops noise policy."),
  metadata: () => own("metadata", "The shipped control-loops noise policy."),
  // Hardly anything is kept, and detections have nothing to find.
  quiet: () => own("quiet", "Control loops, probes and scrapers, nobody else. The shipped control-loops noise policy."),
  // Twenty minutes with the bootstrap of a cluster: far more kinds of lines, and of bodies, than the samples above.
  baseline: () => own("baseline", "The shipped control-loops noise policy."),
  "request-response-long": () => long("request-response"),
  "metadata-long": () => long("metadata"),
  "quiet-long": () => long("quiet"),
  "baseline-long": () => long("baseline"),
  workers: sharedAmongThreads,
  pipe: throughPipe,
  "side-by-side": sideBySide,
};

function own(name: Log["name"], note: string): Section {
  const log = makeLog(name, megabytes);
  return { title: log.title, note, runs, measured: measure(ownContenders(NOISE), log, runs) };
}

/** What a stream costs once start and first sight are behind it: a daemon's log does not end after the first gigabyte. */
function long(name: Log["name"]): Section {
  const log = makeLog(name, TIMES_LONGER * megabytes);
  try {
    const note = "What is done once, the start and the first sight of each kind of line, is a smaller part of it.";
    return { title: longerTitle(log.title), note, runs, measured: measure(ownContenders(NOISE), log, runs) };
  } finally {
    rmSync(log.path);
  }
}

/** What another thread is worth by the clock, beside what two processes reach: they share the machine's memory, and nothing else. */
function sharedAmongThreads(): Section {
  const log = makeLog("request-response", TIMES_LONGER * megabytes);
  const halves = makeHalves(log.path);
  try {
    const shared = [1, 3].map((times) => {
      const measured = measure(sharingContenders(NOISE, times), { path: log.path, bytes: times * log.bytes }, runs);
      const [one = Number.NaN, ...others] = measured.map(({ wallSeconds }) => median(wallSeconds));
      return { measured, faster: others.map((wall) => (one / wall).toFixed(2)) };
    });
    const said = shared.map(({ faster: [threads, processes] }) => `${threads} (two processes ${processes})`);
    const note = `The RequestResponse log, ${TIMES_LONGER} times as long, to /dev/null: by the clock two threads are ${said[0]} times as fast as one; given three times, so that what each does once is a smaller part, ${said[1]} times.`;
    return { title: "Threads", note, runs, measured: shared.flatMap(({ measured }) => measured) };
  } finally {
    [log.path, ...halves].forEach((path) => rmSync(path));
  }
}

/** Memory must stay, and speed nearly, when ten times as much comes. */
function throughPipe(): Section {
  const log = makeLog("request-response", megabytes);
  const measured = [1, 10].flatMap((times) =>
    measure([pipedContender(NOISE, times)], { path: log.path, bytes: times * log.bytes }, times === 1 ? runs : 1),
  );
  return { title: "Through a pipe", note: "The RequestResponse log, once and ten times.", runs: 1, measured };
}

function sideBySide(): Section {
  const large = makeLog("request-response", megabytes);
  const small = makeLog("request-response", SMALL_MEGABYTES);
  const here = [...ownContenders(COMMON_JOB), ...peers()].filter(({ version }) => version !== undefined);
  return {
    title: "Side by side",
    note: `A job that every contender can say (\`common-job.policy.yaml\`), on the RequestResponse log; the slow ones on ${SMALL_MEGABYTES} MB of it and more.`,
    runs: 1,
    measured: here.flatMap((contender) => measure([contender], contender.isSlow === true ? small : large, 1)),
  };
}

const [, , part] = process.argv;
if (part === undefined) {
  for (const each of Object.keys(PARTS)) {
    console.log(`== ${each}`);
    const { status } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), each], { stdio: "inherit" });
    if (status !== 0) {
      throw new Error(`Cannot run the part ${each}: it ended with ${status}`);
    }
  }
  writeReport();
} else if (part === "report") {
  writeReport();
} else {
  const run = PARTS[part];
  if (run === undefined) {
    throw new Error(`Cannot run "${part}": the parts are ${[...Object.keys(PARTS), "report"].join(", ")}`);
  }
  buildPublished();
  const load = loadavg()[0]?.toFixed(1);
  const result = run() ?? null;
  writeFileSync(resultFile(part), JSON.stringify({ load, result }));
}

function writeReport(): void {
  const parts = Object.keys(PARTS).filter((each) => existsSync(resultFile(each)));
  const read = new Map(
    parts.map((each) => [
      each,
      JSON.parse(readFileSync(resultFile(each), "utf8")) as { load: string; result: unknown },
    ]),
  );
  const sections = Object.keys(PARTS)
    .filter((each) => each !== "peers" && each !== "correctness")
    .flatMap((each) => (read.get(each)?.result as Section | undefined) ?? []);
  const verdicts = (read.get("correctness")?.result as readonly Verdict[] | undefined) ?? [];
  const loads = [...read].map(([name, { load }]) => `${name} ${load}`).join(", ");
  const text = report(
    sections,
    [...ownContenders(COMMON_JOB), ...peers()],
    verdicts,
    `Load of the machine as each part began (2 and more is a busy one): ${loads}.`,
  );
  writeFileSync(join(ROOT, "benchmarks/RESULTS.md"), text);
  const last = sections.at(-1);
  if (last !== undefined) {
    writeFileSync(join(ROOT, "benchmarks/speed.svg"), plot("MB per second of user CPU (logarithmic)", last.measured));
  }
  console.log(`benchmarks/RESULTS.md and speed.svg written; data and peers are in ${WORK}`);
}
