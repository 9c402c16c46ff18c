import { describe, expect, test } from "vitest";
import { differences, differencesByTurns, fuzzPolicies, formOf, sampleLines, twoTurns } from "./filter-fuzz.suite.ts";
import type { FilterOptions } from "./filter-options.ts";
import { damage, Dice, mutateBytes, varyValues } from "./line-mutator.suite.ts";

describe("Filter against the full parser", () => {
  const policies = fuzzPolicies();
  const short = sampleLines("attack.log.zst")
    .filter(({ length }) => length < 3000)
    .map(formOf);

  /** Every line before its mutations, so that they meet what is remembered of it. */
  function batch(dice: Dice, mutate: (line: Buffer) => Buffer): Buffer[] {
    return Array.from({ length: 30 }, () => dice.of(short)).flatMap((line) => [
      line,
      mutate(line),
      varyValues(line, dice),
      mutate(varyValues(line, dice)),
      line,
    ]);
  }

  /** Kept lines then go one by one, and dropped ones together. */
  function redacting(dice: Dice): Partial<FilterOptions> {
    return dice.below(3) === 0 ? { redact: (line) => line } : {};
  }

  test.each([1])("Filter decides any bytes as the full parser does (seed %i)", (seed) => {
    const dice = new Dice(seed);
    for (let round = 0; round < 15; round++) {
      const lines = batch(dice, (line) => mutateBytes(line, dice));
      expect(differences(dice.of(policies), lines, dice, { verify: true, ...redacting(dice) })).toEqual([]);
    }
  });

  test.each([7])("two Filters by turns in one memory do what each does alone (seed %i)", (seed) => {
    const dice = new Dice(seed);
    for (let round = 0; round < 6; round++) {
      expect(differencesByTurns(twoTurns(policies, short, dice), dice)).toEqual([]);
    }
  });

  test.each([4])("Filter decides damaged lines as the full parser does (seed %i)", (seed) => {
    const dice = new Dice(seed);
    for (let round = 0; round < 15; round++) {
      const lines = batch(dice, (line) => damage(line, short, dice));
      expect(differences(dice.of(policies), lines, dice, { verify: dice.below(3) === 0, ...redacting(dice) })).toEqual(
        [],
      );
    }
  });
});
