import * as fc from "fast-check";
import { expect, test } from "vitest";
import yargs from "yargs";
import type { Argv } from "yargs";
import { nameStandardInput } from "./standard-input.ts";

/**
 * Tests that `read`, which spares loading yargs, gives what yargs gives of command lines that are made of these words, or leaves them to
 * it. `usage`: as the program has it, `filter [logs..]`.
 */
export function testPlainArguments<T extends object>(
  usage: string,
  options: (argv: Argv) => Argv<T>,
  read: (args: readonly string[]) => T | undefined,
  words: string,
): void {
  const [command = ""] = usage.split(" ");

  /** What the program's parser makes of a command line; undefined where it refuses or prints help. */
  async function byYargs(args: readonly string[]): Promise<T | undefined> {
    let seen: T | undefined;
    await yargs()
      .strict()
      .exitProcess(false)
      .parserConfiguration({ "greedy-arrays": false })
      .command(usage, "", options, (parsed) => {
        seen = parsed as unknown as T;
      })
      .fail(() => {
        seen = undefined;
      })
      .parseAsync([...nameStandardInput(args)]);
    return seen;
  }

  test(`${read.name} gives what yargs gives, or leaves it to yargs`, async () => {
    const word = fc.constantFrom(...words.split(" "), "", " ", "a b", "é", "~");
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 6 }), async (rest) => {
        const args = [command, ...rest];
        const direct = read(args);
        if (direct === undefined) {
          return;
        }
        taken++;
        const expected = await byYargs(args);
        const names = Object.keys(direct) as (keyof T)[];
        const picked = expected && Object.fromEntries(names.map((name) => [name, expected[name]]));
        expect(direct, args.join(" ")).toEqual(picked);
      }),
      { numRuns: 100, seed: 7 },
    );
    expect(taken).toBeGreaterThan(10);
  });
}
