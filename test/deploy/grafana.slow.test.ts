import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { buildGoProgram } from "../engines/policy-oracle/go-program.ts";

const BUILD_TIMEOUT_MS = 10 * 60_000;
const ROOT = join(import.meta.dirname, "../..");
const text = readFileSync(join(ROOT, "deploy/grafana/auditsieve.json"), "utf8");
let grafana: string;

beforeAll(async () => {
  grafana = await buildGoProgram({ name: "grafana", folder: join(ROOT, "test/engines/grafana") });
}, BUILD_TIMEOUT_MS);

describe("the Grafana dashboard", () => {
  test("is one that Grafana's own types read strictly, with all that they ask for and nothing else", () => {
    expect(problemsOf(text)).toEqual([]);
  });

  test.each([
    ["a query without an expression", /"expr":/, '"exprs":', "panels[0].targets[0].expr: required field is missing"],
    ["an option that a panel does not have", /"colorMode":/, '"colourMode":', "unexpected field 'colourMode'"],
    ["a panel that is wider than the grid", /"w": 6/, '"w": 25', "gridPos.w: must be <= 24"],
    ["a time of another type", /"refresh": "30s"/, '"refresh": 30', "refresh: json: cannot unmarshal number"],
  ])("is told from one that has %s", (_what, find, put, said) => {
    expect(problemsOf(text.replace(find, put))).toContainEqual(expect.stringContaining(said));
  });
});

function problemsOf(dashboard: string): readonly string[] {
  const { status, stdout, stderr } = spawnSync(grafana, { input: dashboard, encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
  return stdout.split("\n").filter((line) => line !== "");
}
