import { it } from "vitest";
import { expectPlainAnswers } from "./plain-detection.suite.ts";

it("finds what every condition on every whole event finds, whatever is mixed with whatever", () => {
  expectPlainAnswers(8, 30);
});
