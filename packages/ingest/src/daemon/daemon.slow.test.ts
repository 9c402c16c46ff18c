import * as fc from "fast-check";
import { expect, test } from "vitest";
import { killRepeatedly } from "./daemon-chaos.suite.ts";
import { tailModel } from "../sources/file-tail.suite.ts";

/** `npm run chaos` runs longer. */
const SCALE = Number(process.env["CHAOS_SCALE"] ?? 1);

test(
  `kill -9 at ${200 * SCALE} random moments loses nothing and stores nothing twice`,
  async () => {
    const { lines } = await killRepeatedly(200 * SCALE);
    expect(lines).toBeGreaterThan(12_000 * SCALE);
  },
  900_000 * SCALE,
);

test(
  `the file tail follows ${1500 * SCALE} random lives of a log`,
  async () => {
    await fc.assert(tailModel(40), { numRuns: 1500 * SCALE });
  },
  600_000 * SCALE,
);
