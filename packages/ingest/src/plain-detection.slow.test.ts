import { it } from "vitest";
import { expectPlainAnswers } from "./plain-detection.suite.ts";

it("finds what every condition on every whole event finds, over many mixtures", () => {
  expectPlainAnswers(600, 80);
});
