import { describe } from "vitest";
import { checkSample } from "./redact-samples.suite.ts";

describe("the sample baseline.log.zst", () => {
  checkSample("baseline.log.zst");
});
