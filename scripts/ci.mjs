// Runs the parts of CI in turn and sums them up. The wall is 90 minutes: no part starts after 80, and what was not run fails.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT, run, say, setUp } from "./setup.mjs";

const LAST_START_MINUTES = 80;
const started = Date.now();
const folder = mkdtempSync(join(tmpdir(), "auditsieve-ci-"));
const total = { passed: 0, failed: 0 };
const failures = [];

part("set up", () => {
  setUp();
  return { passed: 1, failed: 0 };
});
part("build", () => step("tsc", ["-b", "tsconfig.build.json"]));
part("types", () => step("tsc", ["-p", "tsconfig.test.json"]));
part("lint", () => step("oxlint", ["--type-aware"]));
part("format", () => step("oxfmt", ["--check", "."]));
part("quick tier (npm test)", () =>
  tests((reporters) => spawnSync("npm", ["test", "--", ...reporters], { cwd: ROOT, stdio: ["ignore", 1, 2] })),
);
part("npm start", () => step("npm", ["start"], { stdio: ["ignore", "ignore", "inherit"] }));
for (const file of slowTests()) {
  part(`slow: ${file}`, () => tests((reporters) => run("vitest", ["run", "--project", "slow", file, ...reporters])));
}

rmSync(folder, { recursive: true, force: true });
failures.forEach((failure) => say(`FAILED ${failure}`));
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;

function part(name, work) {
  const begun = Date.now();
  if (minutes(started) > LAST_START_MINUTES) {
    total.failed++;
    failures.push(`${name}: not run, ${LAST_START_MINUTES} minutes were over`);
    return;
  }
  say(`\n== ${name}`);
  const { passed, failed } = work();
  total.passed += passed;
  total.failed += failed;
  if (failed > 0) {
    failures.push(`${name}: ${failed} failed`);
  }
  say(`== ${name}: ${passed} passed, ${failed} failed, ${minutes(begun).toFixed(1)} minutes`);
}

function step(command, args, options = {}) {
  return run(command, args, options) === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** Runs vitest in some way and counts by its report; a run without a report, or without a test, has failed. */
function tests(start) {
  const report = join(folder, "report.json");
  rmSync(report, { force: true });
  start(["--reporter=default", "--reporter=json", `--outputFile.json=${report}`]);
  try {
    const { numPassedTests, numFailedTests, numTotalTests, success, testResults } = JSON.parse(
      readFileSync(report, "utf8"),
    );
    const failed = success && numTotalTests > 0 ? numFailedTests : Math.max(1, numFailedTests);
    failures.push(...testResults.flatMap(failedTests));
    return { passed: numPassedTests, failed };
  } catch {
    return { passed: 0, failed: 1 };
  }
}

/** Name and first lines of what each failed test says: who reads only the end of the output still learns it. */
function failedTests({ assertionResults, message, status }) {
  const told = assertionResults
    .filter((result) => result.status === "failed")
    .map(({ fullName, failureMessages }) => `${fullName}\n${failureMessages.join("\n").slice(0, 1500)}`);
  return status === "failed" && told.length === 0 ? [String(message).slice(0, 1500)] : told;
}

function slowTests() {
  const found = spawnSync("git", ["ls-files", "*.slow.test.ts"], { cwd: ROOT, encoding: "utf8" });
  const longer = JSON.parse(readFileSync(join(ROOT, "test/longer-in-slow.json"), "utf8"));
  return [...found.stdout.split("\n").filter((file) => file !== ""), ...longer];
}

function minutes(since) {
  return (Date.now() - since) / 60_000;
}
