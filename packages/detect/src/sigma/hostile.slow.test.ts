import { describe, expect, it } from "vitest";
import { loadDetections } from "../load-detections.ts";

const HEAD = `title: T
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10
level: low
logsource: { product: kubernetes, service: audit }
`;
const MANY = 35_000;
const keys = (of: (n: number) => string): string => Array.from({ length: MANY }, (_, n) => of(n)).join("\n");

describe("a Sigma file of very many parts", () => {
  // Where each part is compared with all others, or looked up among them, these take minutes to hours.
  it.each([
    ["keys", keys((n) => `k${n}: 1`), /error sigma-id/],
    ["fields", `${HEAD}detection:\n  condition: s\n  s:\n${keys((n) => `    k${n}: a`)}\n`, /more than 10000 fields/],
    [
      "empty selections",
      `${HEAD}detection:\n  condition: s\n  s:\n${keys(() => "    - {}")}\n`,
      /more problems than these/,
    ],
    [
      "values",
      `${HEAD}detection:\n  condition: s\n  s:\n    verb:\n${keys((n) => `      - v${n}`)}\n`,
      /more than 10000 values/,
    ],
    ["aliases", `a: &a [x]\n${keys((n) => `k${n}: *a`)}\n`, /error yaml-alias/],
    ["repeated keys", `${HEAD}${keys(() => "tags: 1")}\n`, /keys must be unique/],
  ] as const)("%s is refused within seconds", (_what, text, expected) => {
    const started = process.cpuUsage();
    const { problems } = loadDetections(text, "hostile.yml");
    expect(process.cpuUsage(started).user / 1e6).toBeLessThan(60);
    expect(problems.map(({ severity, id, message }) => `${severity} ${id} ${message}`).join("\n")).toMatch(expected);
  });
});
