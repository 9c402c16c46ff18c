import { expect, test } from "vitest";
import { inProcess } from "../run-in-process.suite.ts";
import type { Ran } from "../run-command.suite.ts";

function replay(...options: readonly string[]): Promise<Ran> {
  const detection = "profiles/detections/execution/exec-into-pod.yml";
  return inProcess(["replay", "samples/small.log", "--detections", detection, ...options]);
}

test("options that alone choose nothing are named, with what is near", async () => {
  const typos = ["--actor", "mallroy", "--namespace", "shp", "--resource", "pods/exce", "--user-agent", "curl"];
  const { code, stderr } = await replay(...typos, "--source-ip", "203.0.113.9");
  expect(code).toBe(0);
  expect(stderr).toContain('--actor "mallroy" chooses nothing in these logs\n  hint: There are: mallory;');
  expect(stderr).toContain('--namespace "shp" chooses nothing in these logs\n  hint: There are: shop;');
  expect(stderr).toContain('--resource "pods/exce" chooses nothing in these logs\n  hint: There are: pods/exec;');
  expect(stderr).toContain('--user-agent "curl" chooses nothing in these logs\n  hint: There are: curl/');
  expect(stderr).toContain("--source-ip chooses nothing in these logs\n  hint: Requests came from 127.0.0.1");
});

test.each([
  ["MALLORY", "mallory"],
  ["system:serviceaccount:shop:wbe", "system:serviceaccount:shop:web"],
])("of --actor %s it is said that there is %s", async (actor, near) => {
  expect((await replay("--actor", actor)).stderr).toContain(`hint: There are: ${near};`);
});

test("a time outside of the logs is named with theirs", async () => {
  const { stderr } = await replay("--since", "2027-01-01");
  expect(stderr).toMatch(/--since 2027-01-01T00:00:00.000000Z chooses nothing: the logs go from 2026-11-24T00:26/);
});

test("options that choose nothing only together name no one, and NDJSON says how many were left out", async () => {
  const together = await replay("--actor", "mallory", "--resource", "nodes");
  expect([together.code, together.stderr]).toEqual([0, ""]);
  const ndjson = await replay("--actor", "mallroy", "--output", "ndjson");
  const said = expect.stringMatching(/No finding is chosen: the options left out all \d+\n/) as string;
  expect([ndjson.stdout, ndjson.stderr]).toEqual(["", said]);
});

test.each([
  ["--actor", "", "Cannot use --actor: its value is empty"],
  ["--html", "", "Cannot use --html: its value is empty"],
  ["--sink", "main", "Cannot use --sink: nothing is sent with --output table"],
  ["--config", "auditsieve.yaml", "Cannot use --config: nothing is sent with --output table"],
])("%s '%s' is refused before a log is read", async (option, value, said) => {
  const { code, stdout, stderr } = await replay(option, value);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toContain(`${said}\n  hint: `);
});
