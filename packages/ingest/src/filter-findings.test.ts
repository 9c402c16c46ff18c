import { describe, expect, test } from "vitest";
import { findingDifferencesCut, shuffledLines } from "./filter-findings.suite.ts";
import { formOf, fuzzPolicies, sampleLines } from "./filter-fuzz.suite.ts";
import { Dice } from "./line-mutator.suite.ts";

describe("Filter beside detections", () => {
  const policies = fuzzPolicies();
  const lines = sampleLines("attack.log.zst")
    .filter(({ length }) => length < 3000)
    .map(formOf);

  test.each([1])(
    "Filter finds and remembers what it does line by line, whatever is forgotten meanwhile (seed %i)",
    (seed) => {
      const dice = new Dice(seed);
      let leastShown = 1;
      for (let round = 0; round < 4; round++) {
        const verify = dice.below(2) === 0;
        const some = shuffledLines(lines, dice, 150, verify);
        const { differences, shown } = findingDifferencesCut(
          dice.of(policies),
          some,
          dice,
          { verify },
          dice.below(2) === 0,
        );
        expect(differences).toEqual([]);
        leastShown = Math.min(leastShown, shown);
      }
      expect(leastShown).toBeLessThan(0.8);
    },
  );
});
