import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * The main job on a real sample, as a newcomer would do it by hand: generate the policy, see what it would keep, drop the noise,
 * find what matters, look at it in a browser. Every step is a command that can be typed; all files land in out/.
 */
const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const OUT = join(ROOT, "out");
const LOG = "samples/attack.log.zst";

mkdirSync(OUT, { recursive: true });
title("1. The policy: what your apiserver should write down");
auditsieve(["policy", "generate", "-o", "out/audit-policy.yaml"]);
console.log("\nWhat it would have kept of the sample, and what that costs:");
auditsieve(["policy", "simulate", "out/audit-policy.yaml", LOG]);
auditsieve(["policy", "simulate", "out/audit-policy.yaml", LOG, "--output", "json"], "out/.policy.json", "ignore");

title("2. The filter: what was dropped, and why");
auditsieve(["filter", LOG, "--redact", "--summary", "out/.filter.json"], "out/kept.ndjson");

title("3. The findings, as a timeline");
auditsieve(["replay", LOG, "--output", "ndjson"], "out/findings.ndjson", "ignore");
auditsieve(["replay", LOG, "--html", "out/report.html"]);

writeFileSync(join(OUT, "summary.json"), `${JSON.stringify(summary(), undefined, 2)}\n`);
rmSync(join(OUT, ".policy.json"));
rmSync(join(OUT, ".filter.json"));

title("4. Where it all is");
for (const file of ["audit-policy.yaml", "kept.ndjson", "findings.ndjson", "report.html", "summary.json"]) {
  console.log(`out/${file.padEnd(20)} ${statSync(join(OUT, file)).size.toLocaleString("en-US").padStart(12)} bytes`);
}
console.log("\nNext: npx auditsieve --help, or the five-minute tour in README.md");

function title(text: string): void {
  console.log(`\n== ${text}`);
}

/** Runs the command; its data go to `file` where one is given, and what it says is shown with the rest. */
function auditsieve(args: readonly string[], file?: string, messages: "inherit" | "ignore" = "inherit"): void {
  const shown = args.filter(
    (arg, i) => !arg.startsWith("out/.") && !(arg === "--summary" && args[i + 1]?.startsWith("out/.")),
  );
  if (messages === "inherit") {
    console.log(
      `$ npx auditsieve ${shown.join(" ")}${file === undefined || file.startsWith("out/.") ? "" : ` > ${file}`}`,
    );
  }
  const out = file === undefined ? undefined : openSync(join(ROOT, file), "w");
  const said = messages === "ignore" ? "ignore" : process.stdout;
  const { status } = spawnSync(process.execPath, ["packages/cli/src/main.ts", ...args], {
    cwd: ROOT,
    stdio: ["ignore", out ?? "inherit", said],
  });
  if (out !== undefined) {
    closeSync(out);
  }
  if (status !== 0) {
    console.error(`auditsieve ${args.join(" ")} ended with ${status}`);
    process.exit(status ?? 1);
  }
}

function summary(): unknown {
  const read = (name: string): unknown => JSON.parse(readFileSync(join(OUT, name), "utf8")) as unknown;
  const findings = readFileSync(join(OUT, "findings.ndjson"), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { readonly detection: { readonly title: string; readonly level: string } });
  return {
    log: LOG,
    policy: read(".policy.json"),
    filter: read(".filter.json"),
    findings: {
      total: findings.length,
      byLevel: countBy(findings.map(({ detection }) => detection.level)),
      byDetection: countBy(findings.map(({ detection }) => detection.title)),
    },
  };
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) {
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].sort((a, b) => b[1] - a[1]));
}
