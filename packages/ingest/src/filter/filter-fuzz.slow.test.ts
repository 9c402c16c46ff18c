import { describe, expect, test } from "vitest";
import { differences, differencesByTurns, fuzzPolicies, formOf, sampleLines, twoTurns } from "./filter-fuzz.suite.ts";
import { damage, Dice, mutateBytes, varyValues } from "./line-mutator.suite.ts";

/** Changed lines of each kind; the lines as they were come on top. */
const CASES = 500_000;
const BATCH = 300;
/** Pairs of filters, 120 lines each. */
const TURNS = 1500;
/** A minute of CPU each, and a machine may be busy with other things. */
const LOADED_MS = 30 * 60_000;

describe("Filter against the full parser, a million cases", () => {
  const policies = fuzzPolicies();
  const lines = ["attack.log.zst", "working-day.log.zst"]
    .flatMap(sampleLines)
    .filter(({ length }) => length < 4000)
    .map(formOf);

  test("two Filters by turns in one memory do what each does alone", { timeout: LOADED_MS }, () => {
    for (let seed = 5000; seed < 5000 + TURNS; seed++) {
      const dice = new Dice(seed);
      expect(differencesByTurns(twoTurns(policies, lines, dice), dice), `seed ${seed}`).toEqual([]);
    }
  });

  test.each([
    ["any bytes", 1000, true, (line: Buffer, dice: Dice) => mutateBytes(line, dice)],
    ["damaged lines", 2000, false, (line: Buffer, dice: Dice) => damage(line, lines, dice)],
  ] as const)(
    "Filter decides %s as the full parser does",
    { timeout: LOADED_MS },
    (_name, firstSeed, verify, mutate) => {
      for (let seed = firstSeed; seed < firstSeed + CASES / BATCH; seed++) {
        const dice = new Dice(seed);
        const batch: Buffer[] = [];
        for (let changed = 0; changed < BATCH; changed += 3) {
          const line = dice.of(lines);
          batch.push(line, mutate(line, dice), varyValues(line, dice), mutate(varyValues(line, dice), dice), line);
        }
        expect(differences(dice.of(policies), batch, dice, { verify }), `seed ${seed}`).toEqual([]);
      }
    },
  );
});
