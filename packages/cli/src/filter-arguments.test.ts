import { describe, expect, test } from "vitest";
import { filterOptions } from "./commands/filter.ts";
import { filterArguments } from "./filter-arguments.ts";
import { testPlainArguments } from "./plain-arguments.suite.ts";

describe("filterArguments", () => {
  testPlainArguments(
    "filter [logs..]",
    filterOptions,
    filterArguments,
    "--policy --summary --findings --redact --strict --verify --workers --no-verify --exceptions --help --version --policy=x " +
      "audit.log a.log.gz ./x /var/log/a 12 007 1e3 - -- -v true false 2 1 64 0 control-loops,argocd é a=b ~ --x --Policy",
  );

  test("filterArguments takes the usual command lines", () => {
    const defaults = {
      policy: undefined,
      summary: undefined,
      findings: undefined,
      redact: false,
      strict: false,
      exceptions: [],
    };
    expect(filterArguments(["filter", "--policy", "p.yaml", "a.log", "-"])).toEqual({
      ...defaults,
      logs: ["a.log", "\0-"],
      policy: "p.yaml",
      verify: false,
      workers: 1,
    });
    expect(filterArguments(["filter", "--verify", "--workers", "2"])).toMatchObject({
      verify: true,
      workers: 2,
      logs: [],
    });
    for (const args of [[], ["replay", "a.log"], ["filter", "--help"], ["filter", "--strict", "--strict"]]) {
      expect(filterArguments(args)).toBeUndefined();
    }
  });
});
