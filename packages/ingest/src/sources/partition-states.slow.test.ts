import { test } from "vitest";
import { testGroup } from "./kafka-group.suite.ts";

/** `npm run chaos` runs longer. */
const RUNS = 200 * Number(process.env["CHAOS_SCALE"] ?? 1);

test(`over ${RUNS} random lives of two daemons, what one would find that saw everything`, async () => {
  await testGroup(RUNS);
}, 600_000);
