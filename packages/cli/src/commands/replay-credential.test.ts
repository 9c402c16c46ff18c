import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { inProcess as auditsieve } from "../run-in-process.suite.ts";

const LOG = "samples/small.log";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-credential-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("replay --credential tells what one touched, each with the event behind it, and runs no detection", async () => {
  const { code, stdout } = await auditsieve(["replay", LOG, "--credential", "system:serviceaccount:shop:web"]);
  expect(code).toBe(0);
  await expect(stdout).toMatchFileSnapshot("golden/replay-credential.txt");
});

test("replay --credential gives a row of NDJSON for each thing that was touched", async () => {
  const { stdout } = await auditsieve(["replay", LOG, "--credential", "ops-carol", "--output", "ndjson"]);
  const rows = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(rows.length).toBeGreaterThan(5);
  for (const row of rows) {
    expect(row).toMatchObject({ actor: "ops-carol", credential: expect.stringMatching(/^X509SHA256=/) as string });
    expect(row).toHaveProperty("auditID");
  }
});

test("replay --credential says which names are near when there is none, and what it cannot do", async () => {
  const none = await auditsieve(["replay", LOG, "--credential", "carol"]);
  expect([none.code, none.stdout]).toEqual([1, ""]);
  expect(none.stderr).toContain('No request in these logs was made with "carol"');
  expect(none.stderr).toContain("hint: There are requests by: ops-carol");
  const csv = await auditsieve(["replay", LOG, "--credential", "carol", "--output", "csv"]);
  expect([csv.code, csv.stderr]).toEqual([
    2,
    expect.stringContaining("Cannot print what a credential touched as csv\n  hint: Use one of table, json, ndjson"),
  ]);
  const both = await auditsieve(["replay", LOG, "--credential", "carol", "--history", "pods *"]);
  expect([both.code, both.stderr]).toEqual([2, expect.stringContaining("--history and --credential at once")]);
  const passing = await auditsieve(["replay", "-", "--credential", "carol"]);
  expect([passing.code, passing.stderr]).toEqual([2, expect.stringContaining("Save the log to a file first")]);
});

test("times of a forged log act on no terminal and on no spreadsheet, whatever prints them", async () => {
  const forged = join(folder, "forged.log");
  const text = readFileSync(LOG, "utf8").replaceAll(
    /("(?:requestReceived|stage)Timestamp":")([^"]*)"/gi,
    '$1=$2\\u001b[31m\\u202e"',
  );
  writeFileSync(forged, text);
  const detection = ["--detections", "profiles/detections/execution/exec-into-pod.yml"];
  for (const asked of [
    detection,
    [...detection, "--output", "csv"],
    [...detection, "--output", "timesketch-csv"],
    ["--credential", "ops-carol"],
  ]) {
    const { stdout, stderr } = await auditsieve(["replay", forged, ...asked]);
    expect(stdout).toContain("ops-carol");
    expect(["\u001b", "\u202e"].filter((each) => (stdout + stderr).includes(each))).toEqual([]);
    expect(asked.includes("--output") ? stdout : "").not.toMatch(/(?:^|,)=/m);
  }
});
