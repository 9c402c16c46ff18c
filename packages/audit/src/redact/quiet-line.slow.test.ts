import { test } from "vitest";
import { expectNoMissedSecret } from "./quiet-line.suite.ts";

test("QuietLine calls nothing quiet that the walk would change, over many edited lines", () => {
  expectNoMissedSecret(200_000);
});
