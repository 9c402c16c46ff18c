// Compiles packages/audit/assembly (AssemblyScript) and puts the module into packages/audit/src/scan-wasm/module.ts, so that no
// user needs the compiler. `--check` only says whether that file is what the sources make.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const MODULE = join(ROOT, "packages/audit/src/scan-wasm/module.ts");
// 438 pages: the places in assembly/memory.ts end below 27.4 MiB. It never grows.
// Warning 112: a v128 in a signature, which no embedder sees here.
const OPTIONS =
  "-O3 --noAssert --enable simd --enable relaxed-simd --runtime stub --disableWarning 112 --initialMemory 438 --maximumMemory 438".split(
    " ",
  );

const folder = mkdtempSync(join(tmpdir(), "auditsieve-wasm-"));
try {
  const compiled = join(folder, "module.wasm");
  const { status } = spawnSync(
    process.execPath,
    [
      join(ROOT, "node_modules/assemblyscript/bin/asc.js"),
      join(ROOT, "packages/audit/assembly/index.ts"),
      ...OPTIONS,
      "--outFile",
      compiled,
    ],
    { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] },
  );
  if (status !== 0) {
    throw new Error("Cannot build the scanner's module: asc failed");
  }
  const text = [
    "/** Made by scripts/build-wasm.mjs of packages/audit/assembly. Do not edit. */",
    `export const MODULE =\n  "${readFileSync(compiled).toString("base64")}";`,
    "",
  ].join("\n");
  if (!process.argv.includes("--check")) {
    writeFileSync(MODULE, text);
  } else if (readFileSync(MODULE, "utf8") !== text) {
    console.error("packages/audit/src/scan-wasm/module.ts is stale: run node scripts/build-wasm.mjs");
    process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true });
}
