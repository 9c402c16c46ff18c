import { EventScan } from "@auditsieve/audit";
import { DetectionEngine } from "@auditsieve/detect";
import { HeadMemo, scanHead } from "@auditsieve/ingest";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FindingJudge } from "./finding-judge.ts";
import { REDACTOR, sample, shippedDetections } from "../replay-fixtures.suite.ts";
import { EventInHand } from "../replayed-event.ts";

function linesOf(name: string): readonly string[] {
  return sample(name)
    .toString()
    .split("\n")
    .filter((line) => line !== "");
}

/** All that a judge says of these lines, with heads remembered or not. */
function judged(
  engine: DetectionEngine,
  lines: readonly string[],
  { isRemembered }: { readonly isRemembered: boolean },
): unknown {
  const scan = new EventScan();
  const memo = new HeadMemo(scan);
  const head = scanHead(scan, memo);
  const inHand = new EventInHand(scan, REDACTOR, isRemembered ? memo : undefined);
  const judge = new FindingJudge(engine);
  const findings = lines.flatMap((line, offset) => {
    const bytes = Buffer.from(line);
    if (!scan.scan(bytes, 0, bytes.length)) {
      return [];
    }
    inHand.next("log", offset);
    const found = judge.event(inHand, head).map((finding) => JSON.stringify(finding));
    // Whoever keeps a line instead of copying it must notice.
    bytes.fill(0);
    return found;
  });
  return [...findings, ...[...judge.flush()].flat().map((finding) => JSON.stringify(finding)), judge.counts()];
}

describe("FindingJudge", () => {
  const engine = new DetectionEngine(shippedDetections());

  test.each(["attack.log.zst", "lineage.log.zst", "working-day.log.zst"])(
    "FindingJudge finds the same in %s whether quiet heads are remembered or asked about each time",
    (name) => {
      const lines = linesOf(name);
      expect(judged(engine, lines, { isRemembered: true })).toEqual(judged(engine, lines, { isRemembered: false }));
    },
    180_000,
  );

  test("FindingJudge finds the same in lines in any order, repeated and under other names", () => {
    const lines = [...linesOf("attack.log.zst"), ...linesOf("lineage.log.zst")].filter(({ length }) => length < 4_000);
    const names = [...new Set(lines.map((line) => /"username":"([^"]*)"/.exec(line)?.[1] ?? ""))];
    const line = fc
      .tuple(fc.constantFrom(...lines), fc.option(fc.constantFrom(...names)), fc.integer({ min: 1, max: 8 }))
      .map(([text, name, times]) =>
        Array<string>(times).fill(name === null ? text : text.replace(/"username":"[^"]*"/, `"username":"${name}"`)),
      );
    fc.assert(
      fc.property(fc.array(line, { minLength: 20, maxLength: 150 }), (chosen) => {
        const log = chosen.flat();
        expect(judged(engine, log, { isRemembered: true })).toEqual(judged(engine, log, { isRemembered: false }));
      }),
      { numRuns: 100 },
    );
  }, 180_000);
});
