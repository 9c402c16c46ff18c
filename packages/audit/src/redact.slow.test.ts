import { describe } from "vitest";
import { fuzzRedaction } from "./redact-fuzz.suite.ts";

describe("for generated events, redactLine", () => {
  fuzzRedaction(3000);
});
