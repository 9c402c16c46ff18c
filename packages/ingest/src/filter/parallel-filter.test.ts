import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { filterChunks, fuzzPolicies, sampleLines } from "./filter-fuzz.suite.ts";
import type { LineProblem } from "./filter-options.ts";
import { damage, Dice } from "./line-mutator.suite.ts";
import { filterInParallel, isRangeable } from "./parallel-filter.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-parallel-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("filterInParallel", () => {
  const dice = new Dice(7);
  const lines = sampleLines("attack.log.zst")
    .filter(({ length }) => length < 4000)
    .slice(0, 600)
    .map((line, i) => (i % 50 === 0 ? damage(line, [line], dice) : line));
  const log = Buffer.concat(lines.flatMap((line) => [line, Buffer.from("\n")]));
  const rules = fuzzPolicies()[0] as never;
  const events = lines.slice(1, 40).map((line) => line.toString());
  const documents = Buffer.from(
    `${events.slice(0, 5).join("\n")}\n[\n${events.slice(5, 15).join(",\n")}\n]\n${events[15]}\nbroken {\n{\n[\n${JSON.stringify(
      { kind: "EventList", items: events.slice(16, 20).map((event) => JSON.parse(event) as unknown) },
      undefined,
      1,
    )}\n${events[20]}\n{"items": [\n${events.slice(21, 30).join("\n,\n")}\n${events.slice(30).join("\n")}\n`,
  );

  test.each([
    ["ranges of many lines", 100_000, log],
    ["ranges shorter than a line", 500, log.subarray(0, 30_000)],
    ["a file that does not end with a newline", 10_000_000, log.subarray(0, -7)],
    ...[100, 1501, 9000].map((rangeBytes): [string, number, Buffer] => [
      `documents over lines in ranges of ${rangeBytes}`,
      rangeBytes,
      documents,
    ]),
    ["lines that end where ranges do", 4, Buffer.from("abc\nabc\nabc\n\n\n\n\nabc\n")],
  ])("filterInParallel keeps, counts and names what one filter does: %s", async (name, rangeBytes, bytes) => {
    const path = join(folder, `${name}.log`);
    writeFileSync(path, bytes);
    const out = join(folder, `${name}.out`);
    const descriptor = openSync(out, "w");
    writeSync(descriptor, "before\n");
    const problems: LineProblem[] = [];
    const summary = await filterInParallel([path, path], {
      rules,
      verify: false,
      workers: 2,
      rangeBytes,
      onProblem: (_path, problem) => problems.push(problem),
      descriptor,
    });
    writeSync(descriptor, "behind\n");
    closeSync(descriptor);
    const one = filterChunks(rules, [bytes], {});
    const expected = Buffer.concat([Buffer.from("before\n"), one.out, one.out, Buffer.from("behind\n")]);
    expect(readFileSync(out).equals(expected)).toBe(true);
    expect(problems).toEqual([...one.problems, ...one.problems]);
    const counts = ({ lines: all, kept, dropped, invalid, bytes: read, keptBytes }: typeof summary): number[] => [
      all,
      kept,
      dropped,
      invalid,
      read,
      keptBytes,
    ];
    expect(counts(summary)).toEqual(counts(one.summary).map((count) => 2 * count));
    expect(summary.byRule.map(({ dropped }) => dropped)).toEqual(one.summary.byRule.map(({ dropped }) => 2 * dropped));
  });

  test("filterInParallel says once that all of its threads have loaded what they run", async () => {
    const path = join(folder, "loaded.log");
    writeFileSync(path, log);
    const descriptor = openSync("/dev/null", "w");
    let loaded = 0;
    const onLoaded = (): void => void loaded++;
    const options = { rules, verify: false, workers: 3, rangeBytes: 20_000, onProblem: () => {}, descriptor, onLoaded };
    await filterInParallel([path], options);
    closeSync(descriptor);
    expect(loaded).toBe(1);
  });

  test("filterInParallel says what keeps it from writing, and ends its threads", async () => {
    const path = join(folder, "full.log");
    writeFileSync(path, log);
    const descriptor = openSync("/dev/full", "w");
    const options = { rules, verify: false, workers: 3, rangeBytes: 20_000, onProblem: () => {}, descriptor };
    await expect(filterInParallel([path], options)).rejects.toMatchObject({ code: "ENOSPC" });
    closeSync(descriptor);
  });

  test("filterInParallel says that a file is not there", async () => {
    const options = { rules, verify: false, workers: 2, onProblem: () => {}, descriptor: 1 };
    await expect(filterInParallel([join(folder, "none.log")], options)).rejects.toMatchObject({ name: "IngestError" });
  });

  test("isRangeable takes large plain logs of events a line only", () => {
    const files: readonly (readonly [string, Buffer, boolean])[] = [
      ["plain", log, true],
      ["list", Buffer.concat([Buffer.from('{"kind":"EventList","items":['), log]), false],
      ["gzip", Buffer.concat([Buffer.from([0x1f, 0x8b, 8]), log]), false],
      ["short", log.subarray(0, 900), false],
    ];
    for (const [name, bytes, expected] of files) {
      const path = join(folder, name);
      writeFileSync(path, bytes);
      expect([name, isRangeable(path, 1000)]).toEqual([name, expected]);
    }
    expect(isRangeable(join(folder, "none"), 1000)).toBe(false);
  });
});
