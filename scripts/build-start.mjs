// Bundles what `auditsieve filter` and `auditsieve ingest` need into a few files of packages/cli/dist, for the published package: hundreds of
// modules found, read and compiled one by one cost more than filtering 100 MB. Whatever else is loaded later stays in its package, and what
// others have made in theirs: so both stand among the dependencies of the command. `prepack` runs it.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { devNull, tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { zstdDecompressSync } from "node:zlib";
import { rolldown } from "rolldown";
import { preparedText } from "../packages/cli/src/prepared-detections.ts";
import { openPrivates } from "./open-privates.ts";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const CLI = join(ROOT, "packages/cli");
const DIST = join(CLI, "dist");
const SOURCES = join(CLI, "src");
const INGEST = join(ROOT, "packages/ingest/src");

const FILTER_WORKER = join(INGEST, "filter/filter-worker.ts");

/** What is imported dynamically and bundled all the same, in files that are loaded when it is. */
const BUNDLED = new Set([
  "./commands/filter.ts",
  "./commands/ingest.ts",
  "./ingest-files.ts",
  "../compile-later.ts",
  "../new-redactor.ts",
  "../filter-findings.ts",
  "@auditsieve/policy/load-stream",
  "@auditsieve/ingest/parallel-filter",
]);

const REQUIRED_LATE = '(0, node_module.createRequire)(require("url").pathToFileURL(__filename).href)("node:';

function resolveDynamicImport(specifier, importer) {
  if (typeof specifier !== "string" || BUNDLED.has(specifier) || importer === FILTER_WORKER) {
    return null;
  }
  // What a configuration asks for.
  if (importer.startsWith(INGEST) && specifier.startsWith(".")) {
    return null;
  }
  if (!specifier.startsWith(".")) {
    return { id: specifier, external: true };
  }
  const target = relative(SOURCES, join(dirname(importer), specifier));
  return { id: `./${target.replace(/\.ts$/, ".js")}`, external: "relative" };
}

/** Packages of others stay where they are. */
function resolveId(specifier) {
  const isOthers = /^[\w@]/.test(specifier) && !specifier.startsWith("@auditsieve/") && !specifier.startsWith("node:");
  return isOthers ? { id: specifier, external: true } : null;
}

async function bundle(input, output) {
  const made = await rolldown({
    input,
    cwd: CLI,
    platform: "node",
    plugins: [
      { name: "leave-what-is-loaded-later", resolveDynamicImport, resolveId },
      { name: "open-privates", renderChunk: openPrivates },
    ],
  });
  // CommonJS: Node makes of every builtin that a module imports one with all its exports, and of some that takes milliseconds.
  const { output: files } = await made.write({ dir: DIST, format: "cjs", ...output });
  await made.close();
  return files;
}

mkdirSync(DIST, { recursive: true });
for (const file of readdirSync(DIST).filter((name) => name.startsWith("start"))) {
  rmSync(join(DIST, file));
}
// In one go: each module is in one of the files only, so that there is one of what it holds, the scanner's memory above all.
const files = await bundle(
  { "start-main": join(SOURCES, "main.ts"), "start-filter-worker": FILTER_WORKER },
  { entryFileNames: "[name].cjs", chunkFileNames: "start-[name].cjs" },
);
for (const { fileName } of files) {
  wrap(join(DIST, fileName));
}
await bundle({ start: join(SOURCES, "cached-start.ts") }, { entryFileNames: "[name].cjs" });
await bundle({ "filter-worker": join(SOURCES, "cached-filter-worker.ts") }, { entryFileNames: "[name].cjs" });
writeFileSync(join(DIST, "start-detections.json"), preparedText());
compile();

/**
 * As Node wraps a CommonJS file. Text of ASCII alone takes V8 half the memory, and no decoding. Node's cryptography is loaded with the first
 * hash: that takes as long as filtering 40 MB, and a quiet log needs none. What is imported dynamically the first file imports for it.
 */
function wrap(file) {
  const text = readFileSync(file, "utf8")
    // What a package requires late of Node's modules is loaded as all others are.
    .replaceAll(REQUIRED_LATE, 'require("node:')
    .replaceAll(
      /^let node_(crypto|module) = require\("node:\1"\);$/gm,
      'let loaded_$1;\nconst node_$1 = () => (loaded_$1 ??= require("node:$1"));',
    )
    // `new f().X` would make one of `f`.
    .replaceAll(/\bnew node_crypto\.(\w+)/g, "new (node_crypto().$1)")
    .replaceAll(/\bnode_(crypto|module)\./g, "node_$1().")
    .replaceAll(/(?<![\w$."'`])import\(/g, "importModule(");
  if (/String\.raw`[^`]*[^\0-\x7f`]/.test(text)) {
    throw new Error(`Cannot write ${file} in ASCII: an escape means nothing in String.raw`);
  }
  const ascii = text.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  writeFileSync(file, `(function (exports, require, module, __filename, __dirname, importModule) {${ascii}\n})`);
}

/**
 * Leaves beside each file what V8 compiles of it while the command works: on a plain log, as most are, that is so long that it does all that it does
 * with a long one.
 */
function compile() {
  const logs = ["quiet", "working-day", "attack"].map((name) => readFileSync(join(ROOT, `samples/${name}.log.zst`)));
  const folder = mkdtempSync(join(tmpdir(), "auditsieve-start-"));
  const log = join(folder, "audit.log");
  try {
    writeFileSync(log, Buffer.concat(logs.map((packed) => zstdDecompressSync(packed))));
    runCommand(log);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function runCommand(log) {
  const { status, stderr } = spawnSync(
    process.execPath,
    [
      join(ROOT, "scripts/write-compiled-code.cjs"),
      DIST,
      "filter",
      "--redact",
      "--findings",
      devNull,
      "--policy",
      join(ROOT, "profiles/noise/control-loops.policy.yaml"),
      log,
    ],
    { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8", env: { ...process.env, NODE_OPTIONS: "" } },
  );
  if (status !== 0) {
    throw new Error(`Cannot compile the bundled command: ${stderr}`);
  }
}
