// Bundles what `auditsieve filter` needs into a few files of packages/cli/dist, for the published package: a hundred modules found, read
// and compiled one by one cost more than filtering 100 MB. Whatever else is loaded later stays in its package. `prepack` runs it.
import { writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { preparedText } from "../packages/cli/src/prepared-detections.ts";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const CLI = join(ROOT, "packages/cli");
const SOURCES = join(CLI, "src");

const FILTER_WORKER = join(ROOT, "packages/ingest/src/filter-worker.ts");

/** Each file that is made, and the module that it begins with. No code of others is among it. */
const FILES = {
  // CommonJS: Node makes of every builtin that a module imports one with all its exports, and of some that takes milliseconds.
  "start.cjs": { input: join(SOURCES, "main.ts"), format: "cjs" },
  "start-load-stream.js": { input: join(ROOT, "packages/policy/src/load-stream.ts"), format: "esm" },
  "start-parallel-filter.cjs": { input: join(ROOT, "packages/ingest/src/parallel-filter.ts"), format: "cjs" },
  // Named as the module that starts it names it.
  "filter-worker.cjs": { input: FILTER_WORKER, format: "cjs" },
  "start-redactor.cjs": { input: join(SOURCES, "new-redactor.ts"), format: "cjs" },
  "start-findings.cjs": { input: join(SOURCES, "filter-findings.ts"), format: "cjs" },
};
/** What is imported dynamically and bundled all the same. */
const FILTER = "./commands/filter.ts";
/** What is loaded later and is a bundle of its own. */
const OWN = new Map([
  ["@auditsieve/policy/load-stream", "./start-load-stream.js"],
  ["@auditsieve/ingest/parallel-filter", "./start-parallel-filter.cjs"],
  ["../new-redactor.ts", "./start-redactor.cjs"],
  ["../filter-findings.ts", "./start-findings.cjs"],
]);

function resolveDynamicImport(specifier, importer) {
  if (typeof specifier !== "string" || specifier === FILTER || importer === FILTER_WORKER) {
    return null;
  }
  const own = OWN.get(specifier);
  if (own !== undefined) {
    return { id: own, external: "relative" };
  }
  if (!specifier.startsWith(".")) {
    return { id: specifier, external: true };
  }
  const target = relative(SOURCES, join(dirname(importer), specifier));
  return { id: `./${target.replace(/\.ts$/, ".js")}`, external: "relative" };
}

/** What is CommonJS too is required: Node's loader of modules takes 8 ms to start. */
function requireOwn(code) {
  return code.replaceAll(/\bimport\(("\.\/start-[a-z-]+\.cjs")\)/g, "Promise.resolve().then(() => require($1))");
}

for (const [file, { input, format }] of Object.entries(FILES)) {
  const bundle = await rolldown({
    input,
    cwd: CLI,
    platform: "node",
    plugins: [{ name: "leave-what-is-loaded-later", resolveDynamicImport, renderChunk: requireOwn }],
  });
  await bundle.write({ file: join(CLI, "dist", file), format, codeSplitting: false });
  await bundle.close();
}
writeFileSync(join(CLI, "dist/start-detections.json"), preparedText());
