import { readFileSync } from "node:fs";
import { LEVELS, STAGES } from "@auditsieve/audit";
import { describe, expect, it } from "vitest";
import { evaluate } from "./condition/evaluate.ts";
import { evaluateDetection } from "./detection-engine.ts";
import { eventReader } from "./field-readers.ts";
import { mutantsOf } from "./mutations.suite.ts";
import { projectEvent } from "./project-event.suite.ts";
import { casesWithoutDetection, shippedDetections } from "./shipped-detections.suite.ts";

describe("profiles/detections", () => {
  it("has a detection beside every case file, and no id twice", () => {
    expect(casesWithoutDetection).toEqual([]);
    expect(new Set(shippedDetections.map(({ detection }) => detection.id)).size).toBe(shippedDetections.length);
  });
});

describe.each(shippedDetections)("$name", ({ name, detection, cases }) => {
  it("says what a responder needs", () => {
    expect(detection.description).toBeTruthy();
    expect(detection.techniques).not.toEqual([]);
    expect(detection.references).not.toEqual([]);
    expect(detection.falsePositives).not.toEqual([]);
    expect(detection.runbook.map((step) => step.split(" ")[0])).toEqual(detection.runbook.map((_, n) => `${n + 1}.`));
    expect(detection.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it("has at least two hits and two near misses, each with its origin", () => {
    expect(cases.filter((one) => one.expect === "hit").length).toBeGreaterThanOrEqual(2);
    expect(cases.filter((one) => one.expect === "miss").length).toBeGreaterThanOrEqual(2);
    for (const one of cases) {
      expect(one.why).toBeTruthy();
      expect(["attack.log", "baseline.log", "synthetic"]).toContain(one.source);
      expect(one.auditID).toBe(one.event.auditID);
    }
  });

  it("keeps no token, key, certificate or secret value in its cases", () => {
    const text = readFileSync(new URL(`../../../profiles/detections/${name}.cases.ndjson`, import.meta.url), "utf8");
    expect(text).not.toMatch(/eyJ[\w-]{10,}\.|LS0tLS1CRUdJTi|-----BEGIN|[A-Za-z0-9+/]{200,}/);
    expect(text).not.toMatch(/last-applied-configuration":"(?!redacted:)/);
  });

  it.each(cases)("$expect: $why", ({ expect: expected, event }) => {
    expect(evaluateDetection(detection, event)).toBe(expected);
  });

  it("never turns from miss to hit when the log says less", () => {
    const wrong = cases.flatMap(({ event, expect: expected, why }) =>
      LEVELS.filter((level) => level !== "None").flatMap((level) =>
        STAGES.flatMap((stage) => {
          const outcome = evaluateDetection(detection, projectEvent(event, level, stage));
          const flipped = outcome !== "unknown" && outcome !== expected;
          return flipped ? [`${why} at ${level} ${stage}: ${expected} became ${outcome}`] : [];
        }),
      ),
    );
    expect(wrong).toEqual([]);
  });

  it("has a case for every leaf and every value: each mutant fails one", () => {
    const survivors = mutantsOf(detection.condition).filter(({ condition }) =>
      cases.every(({ event, expect: expected }) => evaluate(condition, eventReader(event)) === (expected === "hit")),
    );
    expect(survivors.map(({ what }) => what)).toEqual([]);
  });
});
