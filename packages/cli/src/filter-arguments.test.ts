import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import yargs from "yargs";
import { filterOptions } from "./commands/filter.ts";
import type { FilterCommandOptions } from "./commands/filter.ts";
import { filterArguments } from "./filter-arguments.ts";
import { nameStandardInput } from "./standard-input.ts";

/** What the program's parser makes of a command line; undefined where it refuses or prints help. */
async function byYargs(args: readonly string[]): Promise<FilterCommandOptions | undefined> {
  let seen: FilterCommandOptions | undefined;
  await yargs()
    .strict()
    .exitProcess(false)
    .parserConfiguration({ "greedy-arrays": false })
    .command("filter [logs..]", "", filterOptions, (options) => {
      seen = options as unknown as FilterCommandOptions;
    })
    .fail(() => {
      seen = undefined;
    })
    .parseAsync([...nameStandardInput(args)]);
  return seen;
}

const NAMES = ["logs", "policy", "summary", "findings", "redact", "strict", "verify", "workers", "exceptions"] as const;

describe("filterArguments", () => {
  test("filterArguments gives what yargs gives, or leaves it to yargs", async () => {
    const token = fc.constantFrom(
      ..."--policy --summary --findings --redact --strict --verify --workers --no-verify --exceptions --help --version --policy=x".split(
        " ",
      ),
      ..."audit.log a.log.gz ./x /var/log/a 12 007 1e3 - -- -v true false 2 1 64 0 control-loops,argocd é a=b ~ --x --Policy".split(
        " ",
      ),
      "",
      " ",
      "a b",
    );
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(token, { maxLength: 6 }), async (args) => {
        const direct = filterArguments(["filter", ...args]);
        if (direct === undefined) {
          return;
        }
        taken++;
        const expected = await byYargs(["filter", ...args]);
        const picked = expected && Object.fromEntries(NAMES.map((name) => [name, expected[name]]));
        expect(direct, args.join(" ")).toEqual(picked);
      }),
      { numRuns: 200, seed: 7 },
    );
    expect(taken).toBeGreaterThan(10);
  });

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
