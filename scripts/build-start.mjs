// Bundles what `auditsieve filter` needs into packages/cli/dist/start.js, for the published package: a hundred modules found, read and
// compiled one by one cost more than filtering 100 MB. Whatever is loaded later stays where it is. Runs after tsc, by `prepack` too.
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const CLI = join(ROOT, "packages/cli");
const DIST = join(CLI, "dist");
/** What main.ts imports dynamically and is bundled all the same. */
const FILTER = "./commands/filter.ts";

const bundle = await rolldown({
  input: join(CLI, "src/main.ts"),
  cwd: CLI,
  platform: "node",
  plugins: [
    {
      name: "leave-what-is-loaded-later",
      resolveDynamicImport(specifier, importer) {
        if (typeof specifier !== "string" || specifier === FILTER) {
          return null;
        }
        if (!specifier.startsWith(".")) {
          return { id: specifier, external: true };
        }
        const target = relative(join(CLI, "src"), join(dirname(importer), specifier));
        return { id: `./${target.replace(/\.ts$/, ".js")}`, external: "relative" };
      },
    },
  ],
});
await bundle.write({ file: join(DIST, "start.js"), format: "esm", codeSplitting: false });
await bundle.close();
