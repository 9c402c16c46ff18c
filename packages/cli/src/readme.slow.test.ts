import { describe } from "vitest";
import { README_COMMANDS, runReadme } from "./readme.suite.ts";

describe("README", () => {
  runReadme(README_COMMANDS);
});
