import { describe, expect, test } from "vitest";
import { shuffledLines } from "../filter/filter-findings.suite.ts";
import { cutAnywhere, formOf, fuzzPolicies, sampleLines } from "../filter/filter-fuzz.suite.ts";
import { Dice } from "../filter/line-mutator.suite.ts";
import { dropDifferences, dropSetup, enveloped, retimed } from "./known-lines.suite.ts";

const NEWLINE = Buffer.from("\n");

describe("KnownLines", () => {
  test("KnownLines changes nothing in deliveries, counts, receipts, alarms, positions and memory", () => {
    const policies = fuzzPolicies();
    const lines = sampleLines("attack.log.zst")
      .filter(({ length }) => length < 3000)
      .map((line, i) => (i % 5 === 0 ? formOf(line, i) : line));
    let least = 1;
    for (let seed = 1; seed < 4; seed++) {
      const dice = new Dice(seed);
      const plain = retimed(shuffledLines(lines, dice, 150, true), dice);
      const log = seed === 3 ? enveloped(plain, dice) : plain;
      const input = Buffer.concat(log.flatMap((line) => [line, NEWLINE]));
      // With detections it is tried at length: loading them takes a second.
      const { feeds, ...rest } = dropSetup(policies, dice, input.length);
      const some = feeds.map((to) => (to.feed === "all" ? { feed: "findings" as const } : to));
      const setup = { ...rest, feeds: some, hasDetections: false };
      const { differences, shown } = dropDifferences(cutAnywhere(input, dice.below(8), dice), setup);
      expect(differences, `seed ${seed}`).toEqual([]);
      least = Math.min(least, shown);
    }
    expect(least).toBeLessThan(0.8);
  });

  test("KnownLines leaves off where the templates are another pipeline's after each chunk", () => {
    const policies = fuzzPolicies();
    const lines = sampleLines("quiet.log.zst").slice(0, 100);
    const chunks = Array.from({ length: 60 }, () => Buffer.concat(lines.flatMap((line) => [line, NEWLINE])));
    const setup = dropSetup(policies, new Dice(1), 1);
    const alone = { ...setup, hasDetections: false, hasReceipts: true, hasRival: false };
    const feeds = [{ feed: "findings" as const }];
    expect(dropDifferences(chunks, { ...alone, feeds }).shown).toBeLessThan(0.1);
    const beside = dropDifferences(chunks, { ...alone, feeds, hasRival: true });
    expect(beside.differences).toEqual([]);
    expect(beside.shown).toBeGreaterThan(0.8);
  });
});
