import { describe, expect, it } from "vitest";
import { DetectionEngine } from "./detection-engine.ts";
import { projectedCases, withoutPrefilter, withPrefilter } from "./plan/prefilter.suite.ts";
import { rememberingHeads } from "./remembering-head.suite.ts";
import { shippedDocuments } from "./shipped-detections.suite.ts";

describe("DetectionEngine", () => {
  it("gives the same for every shipped case at every level and stage", () => {
    const engine = new DetectionEngine(shippedDocuments);
    const headIn = rememberingHeads();
    let compared = 0;
    for (const less of projectedCases((_index, ways) => Array.from({ length: ways }, (_, way) => way))) {
      const expected = withoutPrefilter(shippedDocuments, less);
      expect(withPrefilter(engine, less)).toEqual(expected);
      expect(withPrefilter(engine, less, headIn(less))).toEqual(expected);
      compared++;
    }
    expect(compared).toBeGreaterThan(10_000);
  });
});
