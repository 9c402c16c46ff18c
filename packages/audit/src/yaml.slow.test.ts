import { expect, it } from "vitest";
import { readYaml } from "./yaml.ts";

it.each([
  ["lines that are no YAML", "  : : :\n".repeat(50_000), 42_858],
  ["documents", "---\n".repeat(200_000), 150_000],
] as const)("readYaml gives up a text of very many %s where it has too many, and soon", (_what, text, line) => {
  const started = process.cpuUsage();
  const { documents, problems } = readYaml(text);
  expect(process.cpuUsage(started).user / 1e6).toBeLessThan(10);
  expect(documents).toEqual([]);
  expect(problems).toMatchObject([{ id: "yaml-too-large", severity: "error", line }]);
});
