import { describe, expect, test } from "vitest";
import {
  askingEngine,
  brokenMicro,
  findingDifferences,
  findingDifferencesCut,
  shippedEngine,
  shuffledLines,
  slowed,
  tinyBounds,
} from "./filter-findings.suite.ts";
import { formOf, fuzzPolicies, sampleLines } from "./filter-fuzz.suite.ts";
import { damage, Dice } from "./line-mutator.suite.ts";
import { podLines } from "./pod-lines.suite.ts";

/** Of 300 lines each. */
const BATCHES = 600;
const CHUNK_BYTES = 450_000;
/** Minutes of CPU, and a machine may be busy with other things. */
const LOADED_MS = 30 * 60_000;

describe("Filter beside detections, at length", () => {
  const policies = fuzzPolicies();

  test.each(["attack", "working-day", "quiet"])(
    "Filter finds in the %s log what it finds line by line, once and again",
    { timeout: LOADED_MS },
    (name) => {
      const once = sampleLines(`${name}.log.zst`);
      const lines = [...once, ...once];
      const log = Buffer.from(lines.map((line) => `${line.toString("latin1")}\n`).join(""), "latin1");
      const chunks = Array.from({ length: Math.ceil(log.length / CHUNK_BYTES) }, (_, i) =>
        log.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES),
      );
      for (const bounds of [{}, { maxPods: 20, maxGrants: 5, maxCredentials: 30, maxFirstSeen: 30 }]) {
        const { differences, shown } = findingDifferences(
          policies[0] as never,
          lines,
          chunks,
          bounds,
          {},
          bounds.maxPods === undefined,
        );
        expect(differences).toEqual([]);
        expect(shown).toBeLessThan(0.9);
      }
    },
  );

  test(
    "Filter finds and remembers what it does line by line, whatever is forgotten meanwhile",
    { timeout: LOADED_MS },
    () => {
      const lines = ["attack.log.zst", "working-day.log.zst"]
        .flatMap(sampleLines)
        .filter(({ length }) => length < 4000)
        .map(formOf);
      for (let seed = 7000; seed < 7000 + BATCHES; seed++) {
        const dice = new Dice(seed);
        const verify = dice.below(2) === 0;
        const some = shuffledLines(lines, dice, 300, verify);
        const { differences } = findingDifferencesCut(dice.of(policies), some, dice, { verify }, dice.below(2) === 0);
        expect(differences, `seed ${seed}`).toEqual([]);
      }
    },
  );

  test(
    "Filter takes requests that took differently long as it does line by line, asked for that or not",
    { timeout: LOADED_MS },
    () => {
      const others = sampleLines("attack.log.zst").filter(({ length }) => length < 4000);
      const sums = { shown: 0, findings: 0 };
      for (let seed = 11_000; seed < 11_000 + BATCHES; seed++) {
        const dice = new Dice(seed);
        const verify = dice.below(4) === 0;
        const lines = [...podLines(dice, 150), ...Array.from({ length: 150 }, () => dice.of(others))];
        const some = lines.map((line) => {
          const slow = formOf(
            dice.below(4) > 0 ? slowed(line, dice, verify) : line,
            dice.below(4) > 0 ? 3 : dice.below(9),
          );
          return dice.below(20) === 0
            ? brokenMicro(slow, dice)
            : dice.below(30) === 0
              ? damage(slow, lines, dice)
              : slow;
        });
        const engine = dice.below(2) === 0 ? askingEngine() : shippedEngine();
        const bounds = dice.below(2) === 0 ? { maxPods: dice.of([2, 100]) } : tinyBounds(dice);
        const isRedacting = dice.below(2) === 0;
        const found = findingDifferencesCut(dice.of(policies), some, dice, { verify }, isRedacting, bounds, engine);
        expect(found.differences, `seed ${seed}`).toEqual([]);
        sums.shown += found.shown;
        sums.findings += found.findings;
      }
      expect(sums.shown / BATCHES).toBeLessThan(0.97);
      expect(sums.findings).toBeGreaterThan(BATCHES);
    },
  );

  test("Filter tells of what happens to pods as if each line had been looked at", { timeout: LOADED_MS }, () => {
    let told = 0;
    for (let seed = 9000; seed < 9000 + BATCHES; seed++) {
      const dice = new Dice(seed);
      const lines = podLines(dice, 300);
      const some = lines.map((line, i) => {
        const formed = formOf(line, dice.below(4) > 0 ? 3 : i);
        return dice.below(30) > 0 ? formed : damage(formed, lines, dice);
      });
      const verify = dice.below(4) === 0;
      const bounds = dice.below(2) === 0 ? { maxPods: dice.of([2, 100]) } : tinyBounds(dice);
      const found = findingDifferencesCut(dice.of(policies), some, dice, { verify }, dice.below(2) === 0, bounds);
      expect(found.differences, `seed ${seed}`).toEqual([]);
      told += found.told;
    }
    expect(told / BATCHES).toBeGreaterThan(0.04);
  });
});
