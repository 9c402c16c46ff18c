// Bundles the report's page (packages/replay/src/report/page) and puts script and style into packages/replay/src/report/page-source.ts,
// so that no user needs the bundler. `--check` only says whether that file is what the sources make.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const PAGE = join(ROOT, "packages/replay/src/report/page");
const SOURCE = join(ROOT, "packages/replay/src/report/page-source.ts");

const bundle = await rolldown({ input: join(PAGE, "main.ts"), cwd: ROOT });
const { output } = await bundle.generate({ format: "iife", minify: false, comments: false });
await bundle.close();
const script = output[0].code.replaceAll(/^\s*\/\/#(?:end)?region.*\n/gm, "").trim();
const style = readFileSync(join(PAGE, "page.css"), "utf8").trim();
if (/<\/(?:script|style)|<!--/i.test(script + style)) {
  throw new Error("Cannot build the page: its script or style would end the element that it stands in");
}
const text = [
  "/** Made by scripts/build-page.mjs of packages/replay/src/report/page. Do not edit. */",
  `export const PAGE_SCRIPT: string =\n  ${JSON.stringify(script)};`,
  "",
  `export const PAGE_STYLE: string =\n  ${JSON.stringify(style)};`,
  "",
].join("\n");
if (!process.argv.includes("--check")) {
  writeFileSync(SOURCE, text);
} else if (readFileSync(SOURCE, "utf8") !== text) {
  console.error("packages/replay/src/report/page-source.ts is stale: run node scripts/build-page.mjs");
  process.exitCode = 1;
}
