import { join } from "node:path";
import type { Contender } from "./contender.ts";
import { makeLog } from "./data.ts";
import { measure, median } from "./measure.ts";
import { ROOT } from "./work.ts";

/**
 * `policy simulate` beside a loop that only splits and parses: same file, whole processes, in turn.
 * `node benchmarks/simulate.ts [MEGABYTES] [RUNS]`; 1000 MB and 3 runs by default. Prints a table.
 */
const megabytes = Number(process.argv[2] ?? 1000);
const runs = Number(process.argv[3] ?? 3);
const log = makeLog("request-response", megabytes);

const contender = (name: string, script: string, more = ""): Contender => ({
  name,
  kind: "own",
  version: process.version,
  command: (path, out) => `"${process.execPath}" "${join(ROOT, script)}" ${more} "${path}" > "${out}"`,
});
const measured = measure(
  [
    contender("split + JSON.parse loop", "benchmarks/baselines/split-parse.ts"),
    ...["tiered", "hardened", "nsa-ctr"].map((name) => {
      const policy = join(ROOT, `profiles/policies/${name}.policy.yaml`);
      return contender(`policy simulate ${name}`, "packages/cli/src/main.ts", `policy simulate "${policy}"`);
    }),
  ],
  log,
  runs,
);
console.log(`\n${(log.bytes / 1e6).toFixed(0)} MB, ${log.title}; medians of ${runs} runs\n`);
console.log("| | user s | system s | wall s | peak MB |\n|---|--:|--:|--:|--:|");
for (const { name, userSeconds, systemSeconds, wallSeconds, peakMegabytes } of measured) {
  const middles = [userSeconds, systemSeconds, wallSeconds].map((values) => median(values).toFixed(2));
  console.log(`| ${name} | ${middles.join(" | ")} | ${peakMegabytes.toFixed(0)} |`);
}
