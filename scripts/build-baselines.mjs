// Bundles what the benchmarks compare with (benchmarks/baselines) into a file of JavaScript each, in the folder that is given: auditsieve is
// measured as it is published, and what Node does with TypeScript before it runs would count as theirs.
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const BASELINES = join(dirname(dirname(fileURLToPath(import.meta.url))), "benchmarks/baselines");

const [, , folder] = process.argv;
if (folder === undefined) {
  throw new Error("Cannot bundle the baselines: name the folder to write to");
}
for (const file of readdirSync(BASELINES)) {
  const made = await rolldown({ input: join(BASELINES, file), platform: "node" });
  await made.write({ dir: folder, format: "es", entryFileNames: "[name].mjs" });
  await made.close();
}
