import { it } from "vitest";
import { expectBodyVerdicts } from "./body-verdicts.suite.ts";
import { expectCasesFound, expectPlainAnswers } from "./plain-detection.suite.ts";

it("finds what every condition on every whole event finds, over many mixtures", () => {
  expectPlainAnswers(600, 80);
});

it("finds in a log what it finds of the cases of each detection", () => {
  expectCasesFound();
});

it.each([1, 3])("says of bodies that it met before what every condition says of the parsed event, seed %d", (seed) => {
  expectBodyVerdicts(10_000, seed, seed * seed);
});
