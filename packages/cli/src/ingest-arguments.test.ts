import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import yargs from "yargs";
import { ingestOptions } from "./commands/ingest.ts";
import type { IngestOptions } from "./commands/ingest.ts";
import { ingestArguments } from "./ingest-arguments.ts";
import { nameStandardInput } from "./standard-input.ts";

/** What the program's parser makes of a command line; undefined where it refuses or prints help. */
async function byYargs(args: readonly string[]): Promise<IngestOptions | undefined> {
  let seen: IngestOptions | undefined;
  await yargs()
    .strict()
    .exitProcess(false)
    .parserConfiguration({ "greedy-arrays": false })
    .command("ingest [files..]", "", ingestOptions, (options) => {
      seen = options as unknown as IngestOptions;
    })
    .fail(() => {
      seen = undefined;
    })
    .parseAsync([...nameStandardInput(args)]);
  return seen;
}

const DEFAULTS: IngestOptions = {
  files: [],
  config: undefined,
  check: false,
  redeliver: false,
  prime: false,
  openQuarantine: undefined,
  openDeadLetters: undefined,
  privateKey: undefined,
  follow: true,
  output: "table",
  minLevel: undefined,
  store: undefined,
  stateFolder: undefined,
  logLevel: undefined,
  exceptions: [],
};

describe("ingestArguments", () => {
  test("ingestArguments gives what yargs gives, or leaves it to yargs", async () => {
    const token = fc.constantFrom(
      ..."-c --config --check --redeliver --prime --no-follow --output --store --state-folder --log-level".split(" "),
      ..."-c --no-follow --follow --no-check --no-config --exceptions --min-level --open-quarantine --config=x -cx".split(
        " ",
      ),
      ..."a.yaml test audit.log ./x 12 1e3 - -- -v true false table ndjson info debug high é a=b ~ --stateFolder".split(
        " ",
      ),
      "",
      "a b",
    );
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(token, { maxLength: 5 }), async (args) => {
        const direct = ingestArguments(["ingest", ...args]);
        if (direct === undefined) {
          return;
        }
        taken++;
        const expected = await byYargs(["ingest", ...args]);
        const names = Object.keys(DEFAULTS) as readonly (keyof IngestOptions)[];
        const picked = expected && Object.fromEntries(names.map((name) => [name, expected[name]]));
        expect(direct, args.join(" ")).toEqual(picked);
      }),
      { numRuns: 120, seed: 7 },
    );
    expect(taken).toBeGreaterThan(10);
  });

  test("ingestArguments takes the usual command lines", () => {
    expect(ingestArguments(["ingest", "-c", "a.yaml", "--check"])).toEqual({
      ...DEFAULTS,
      config: "a.yaml",
      check: true,
    });
    expect(ingestArguments(["ingest", "--no-follow", "--output", "ndjson", "a.log", "-"])).toEqual({
      ...DEFAULTS,
      follow: false,
      output: "ndjson",
      files: ["a.log", "\0-"],
    });
    for (const args of [
      [],
      ["filter"],
      ["ingest", "--help"],
      ["ingest", "--output", "csv"],
      ["ingest", "--check", "--check"],
    ]) {
      expect(ingestArguments(args)).toBeUndefined();
    }
  });
});
