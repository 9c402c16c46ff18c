import { describe, expect, it } from "vitest";
import { DetectionEngine } from "./detection-engine.ts";
import { projectedCases, withoutPrefilter, withPrefilter } from "./prefilter.suite.ts";
import { shippedDocuments } from "./shipped-detections.suite.ts";

describe("DetectionEngine", () => {
  it("gives the same for every shipped case at every level and stage", () => {
    const engine = new DetectionEngine(shippedDocuments);
    let compared = 0;
    for (const less of projectedCases((_index, ways) => Array.from({ length: ways }, (_, way) => way))) {
      expect(withPrefilter(engine, less)).toEqual(withoutPrefilter(shippedDocuments, less));
      compared++;
    }
    expect(compared).toBeGreaterThan(10_000);
  });
});
