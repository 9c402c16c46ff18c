import { expect, test } from "vitest";
import { inProcess as auditsieve } from "../run-in-process.suite.ts";

const LOG = "samples/small.log";

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
