import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import yargs from "yargs";
import { replayOptions } from "./commands/replay-options.ts";
import type { ReplayCommandOptions } from "./commands/replay-options.ts";
import { replayArguments } from "./replay-arguments.ts";
import { nameStandardInput } from "./standard-input.ts";

/** What the program's parser makes of a command line; undefined where it refuses or prints help. */
async function byYargs(args: readonly string[]): Promise<ReplayCommandOptions | undefined> {
  let seen: ReplayCommandOptions | undefined;
  await yargs()
    .strict()
    .exitProcess(false)
    .parserConfiguration({ "greedy-arrays": false })
    .command("replay [logs..]", "", replayOptions, (options) => {
      seen = options;
    })
    .fail(() => {
      seen = undefined;
    })
    .parseAsync([...nameStandardInput(args)]);
  return seen;
}

const DEFAULTS = replayArguments(["replay"]) as ReplayCommandOptions;

describe("replayArguments", () => {
  test("replayArguments gives what yargs gives, or leaves it to yargs", async () => {
    const token = fc.constantFrom(
      ..."--since --until --zone --strict --output --seal --html --stories --state-folder --threads".split(" "),
      ..."--no-strict --no-html --exceptions --min-level --fail-on --detections --source-ip --html=x -c --actor".split(
        " ",
      ),
      ..."a.yaml test audit.log ./x 12 1 2 02 - -- -v true false table ndjson json csv utc 2h é a=b ~ --stateFolder".split(
        " ",
      ),
      "",
      "a b",
    );
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(token, { maxLength: 5 }), async (args) => {
        const direct = replayArguments(["replay", ...args]);
        if (direct === undefined) {
          return;
        }
        taken++;
        const expected = await byYargs(["replay", ...args]);
        const names = Object.keys(DEFAULTS) as readonly (keyof ReplayCommandOptions)[];
        const picked = expected && Object.fromEntries(names.map((name) => [name, expected[name]]));
        expect(direct, args.join(" ")).toEqual(picked);
      }),
      { numRuns: 120, seed: 7 },
    );
    expect(taken).toBeGreaterThan(10);
  });

  test("replayArguments takes the usual command lines", () => {
    expect(replayArguments(["replay", "a.log", "--html", "report.html", "--threads", "2"])).toEqual({
      ...DEFAULTS,
      logs: ["a.log"],
      html: "report.html",
      threads: 2,
    });
    expect(replayArguments(["replay", "--output", "ndjson", "-"])).toEqual({
      ...DEFAULTS,
      output: "ndjson",
      logs: ["\0-"],
    });
    for (const args of [
      [],
      ["filter"],
      ["replay", "--help"],
      ["replay", "--output", "csv"],
      ["replay", "--threads", "3"],
      ["replay", "--strict", "--strict"],
    ]) {
      expect(replayArguments(args)).toBeUndefined();
    }
  });
});
