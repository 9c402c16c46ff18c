import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Contender } from "./contender.ts";
import { WORK } from "./work.ts";

/** What several runs of one contender cost. */
export interface Measured {
  readonly name: string;
  readonly bytes: number;
  /** CPU of the process and its children, without the kernel's. */
  readonly userSeconds: readonly number[];
  readonly systemSeconds: readonly number[];
  readonly wallSeconds: readonly number[];
  readonly peakMegabytes: number;
  /** Lines written. */
  readonly kept: number;
}

/** Runs all contenders in turn, `runs` times, so that a slow minute of the machine hits all of them. */
export function measure(
  contenders: readonly Contender[],
  log: { readonly path: string; readonly bytes: number },
  runs: number,
): readonly Measured[] {
  const seen = contenders.map((contender) => ({ contender, runs: [] as Run[] }));
  for (let round = 0; round < runs; round++) {
    for (const each of seen) {
      each.runs.push(runOnce(each.contender, log.path));
    }
  }
  return seen.map(({ contender, runs: all }) => ({
    name: contender.name,
    bytes: log.bytes,
    userSeconds: all.map(({ user }) => user),
    systemSeconds: all.map(({ system }) => system),
    wallSeconds: all.map(({ wall }) => wall),
    peakMegabytes: Math.max(...all.map(({ peak }) => peak)),
    kept: all[0]?.kept ?? 0,
  }));
}

interface Run {
  readonly user: number;
  readonly system: number;
  readonly wall: number;
  readonly peak: number;
  readonly kept: number;
}

/** One process from start to end. */
function runOnce({ name, command }: Contender, log: string): Run {
  const out = join(WORK, `measured-${process.pid}.out`);
  const memory = join(WORK, `memory-${process.pid}.txt`);
  const times = join(WORK, `times-${process.pid}.txt`);
  rmSync(out, { force: true });
  // The shell's clock counts in milliseconds, GNU time in hundredths of a second: too coarse for a scan that takes ten of them.
  const timed = `TIMEFORMAT="%3U %3S %3R"; { time { ( ${command(log, out)}\n) 2> /dev/null; }; } 2> ${times}`;
  const { status } = spawnSync("/usr/bin/time", ["-o", memory, "-f", "%M", "bash", "-c", timed], { stdio: "ignore" });
  if (status !== 0) {
    console.log(`${name} ended with ${status}`);
  }
  const [user = 0, system = 0, wall = 0] = numbersIn(times);
  const [peak = 0] = numbersIn(memory);
  const kept = existsSync(out) ? countLines(out) : 0;
  rmSync(out, { force: true });
  console.log(
    `${name}: ${user.toFixed(3)} s user, ${system.toFixed(2)} s system, ${wall.toFixed(2)} s, ${kept} lines kept`,
  );
  return { user, system, wall, peak: peak / 1024, kept };
}

/** Of its last line: before it GNU time says what ended with an error. */
function numbersIn(file: string): readonly number[] {
  const last = readFileSync(file, "utf8").trim().split("\n").at(-1) ?? "";
  rmSync(file);
  return last.split(" ").map(Number);
}

function countLines(file: string): number {
  const { stdout } = spawnSync("wc", ["-l", file], { encoding: "utf8" });
  return Number.parseInt(stdout, 10);
}

/** The middle one. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
