import { it } from "vitest";
import { expectBodyVerdicts } from "./body-verdicts.suite.ts";
import { expectPlainAnswers } from "./plain-detection.suite.ts";

it("finds what every condition on every whole event finds, over many mixtures", () => {
  expectPlainAnswers(600, 80);
});

it.each([1, 3])("says of bodies that it met before what every condition says of the parsed event, seed %d", (seed) => {
  expectBodyVerdicts(10_000, seed, seed * seed);
});
