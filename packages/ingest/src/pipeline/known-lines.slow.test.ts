import { describe, expect, test } from "vitest";
import { shuffledLines } from "../filter/filter-findings.suite.ts";
import { cutAnywhere, formOf, fuzzPolicies, sampleLines } from "../filter/filter-fuzz.suite.ts";
import { Dice } from "../filter/line-mutator.suite.ts";
import { podLines } from "../filter/pod-lines.suite.ts";
import { dropDifferences, dropSetup, enveloped, retimed } from "./known-lines.suite.ts";

const NEWLINE = Buffer.from("\n");
/** Of 300 lines each. */
const BATCHES = 200;
const CHUNK_BYTES = 450_000;
/** Minutes of CPU, and a machine may be busy with other things. */
const LOADED_MS = 30 * 60_000;

describe("KnownLines at length", () => {
  const policies = fuzzPolicies();

  test.each(["attack", "working-day", "quiet"])(
    "KnownLines changes nothing of the %s log, once and again",
    { timeout: LOADED_MS },
    (name) => {
      const once = sampleLines(`${name}.log.zst`);
      const log = Buffer.concat([...once, ...once].flatMap((line) => [line, NEWLINE]));
      const chunks = Array.from({ length: Math.ceil(log.length / CHUNK_BYTES) }, (_, i) =>
        log.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES),
      );
      const [rules = { policy: { rules: [] }, keep: [], conditions: [] }] = policies;
      const setup = { hasReceipts: true, cuts: [100_000], countedUntil: 0, hasRival: false };
      for (const hasDetections of [true, false]) {
        const feeds = [{ feed: "kept" as const, rules }, { feed: "findings" as const }];
        const { differences, shown } = dropDifferences(chunks, { ...setup, feeds, hasDetections });
        expect(differences).toEqual([]);
        expect(shown).toBeLessThan(0.9);
      }
      const feeds = [{ feed: "all" as const }];
      const { differences, searched } = dropDifferences(chunks, { ...setup, feeds, hasDetections: true });
      expect(differences).toEqual([]);
      expect(searched).toBeLessThan(0.6);
    },
  );

  test("KnownLines changes nothing of lines in any order, varied and damaged", { timeout: LOADED_MS }, () => {
    const lines = ["attack.log.zst", "working-day.log.zst", "quiet.log.zst"]
      .flatMap(sampleLines)
      .filter(({ length }) => length < 4000);
    let shown = 0;
    for (let seed = 5000; seed < 5000 + BATCHES; seed++) {
      const dice = new Dice(seed);
      const whole = dice.below(4) === 0 ? podLines(dice, 300) : shuffledLines(lines, dice, 300, true);
      const some = retimed(
        whole.map((line, i) => (dice.below(6) === 0 ? formOf(line, i) : line)),
        dice,
      );
      const log = dice.below(2) === 0 ? some : enveloped(some, dice);
      const input = Buffer.concat(log.flatMap((line) => [line, NEWLINE]));
      const setup = dropSetup(policies, dice, input.length);
      const found = dropDifferences(cutAnywhere(input, dice.below(12), dice), setup);
      expect(found.differences, `seed ${seed}`).toEqual([]);
      shown += found.shown;
    }
    expect(shown / BATCHES).toBeLessThan(0.95);
  });
});
