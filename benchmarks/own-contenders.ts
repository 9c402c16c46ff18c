import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { Contender } from "./contender.ts";
import { baseline, PUBLISHED } from "./published.ts";
import { ROOT } from "./work.ts";

const NODE = process.execPath;
const FILTER = `${NODE} ${PUBLISHED} filter`;
const version = process.version;

/** What needs Node alone. The first is the floor, the loop what everybody writes first. */
export function ownContenders(policy: string): readonly Contender[] {
  return [
    {
      name: "newline scan (the floor: decides nothing, writes nothing)",
      kind: "own",
      version,
      command: (log) => `${NODE} ${baseline("newline-scan")} ${log}`,
    },
    {
      // As it would be run from a checkout like this one, and was in earlier results: Node then loads what makes JavaScript of it.
      name: "newline scan, run as TypeScript",
      kind: "own",
      version,
      command: (log) => `${NODE} ${join(ROOT, "benchmarks/baselines/newline-scan.ts")} ${log}`,
    },
    {
      name: "split + JSON.parse loop",
      kind: "own",
      version,
      command: (log, out) => `${NODE} ${baseline("parse-loop")} ${log} ${out} ${policy}`,
    },
    {
      name: "auditsieve filter",
      kind: "own",
      version,
      command: (log, out) => `${FILTER} --policy ${policy} ${log} > ${out}`,
    },
    {
      name: "auditsieve filter --verify",
      kind: "own",
      version,
      command: (log, out) => `${FILTER} --verify --policy ${policy} ${log} > ${out}`,
    },
    {
      name: "auditsieve filter --findings",
      kind: "own",
      version,
      command: (log, out) => `${FILTER} --findings /dev/null --policy ${policy} ${log} > ${out}`,
    },
    {
      name: "auditsieve filter with findings and redaction",
      kind: "own",
      version,
      command: (log, out) => `${FILTER} --findings /dev/null --redact --policy ${policy} ${log} > ${out}`,
    },
  ];
}

/**
 * The filter with one thread, with two, and as two processes at once with a half each, which is what the machine gives; the log is given so
 * many times. Output costs nothing: by the clock they may be compared. The halves are its {@link makeHalves}.
 */
export function sharingContenders(policy: string, times: number): readonly Contender[] {
  const filter = (log: string, workers = 1): string =>
    `${FILTER} --workers ${workers} --policy ${policy} ${Array.from({ length: times }, () => log).join(" ")} > /dev/null`;
  const behind = times === 1 ? "" : `, the log ${times} times`;
  const ways = new Map<string, Contender["command"]>([
    ["auditsieve filter --workers 1", (log) => filter(log)],
    ["auditsieve filter --workers 2", (log) => filter(log, 2)],
    [
      "auditsieve filter twice at once, a half each",
      (log) => {
        const [first, second] = halvesOf(log);
        return `${filter(first)} & ${filter(second)}; here=$?; wait $! && exit $here`;
      },
    ],
  ]);
  return [...ways].map(([name, command]) => ({ name: `${name}${behind}`, kind: "own", version, command }));
}

/** Two files of the lines of this log; each process reads one of its own, because what the other has just read is in the cache still. */
export function makeHalves(log: string): readonly string[] {
  const { status } = spawnSync("split", ["--number=l/2", log, `${log}.`], { stdio: "inherit" });
  if (status !== 0) {
    throw new Error(`Cannot split ${log} in halves`);
  }
  return halvesOf(log);
}

// As `split` names them.
function halvesOf(log: string): readonly [string, string] {
  return [`${log}.aa`, `${log}.ab`];
}

/** The filter at the end of a pipe through which the log comes so many times. */
export function pipedContender(policy: string, times: number): Contender {
  return {
    name: `auditsieve filter, the log ${times === 1 ? "once" : `${times} times`}`,
    kind: "own",
    version,
    command: (log, out) =>
      `for time in $(seq ${times}); do cat ${log}; done | ${FILTER} --policy ${policy} - > ${times === 1 ? out : "/dev/null"}`,
  };
}
