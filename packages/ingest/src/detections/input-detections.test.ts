import { createRedactor } from "@auditsieve/audit";
import type { JsonValue } from "@auditsieve/audit";
import { DetectionEngine, loadDetections } from "@auditsieve/detect";
import { describe, expect, test } from "vitest";
import { detectionRules } from "./detection-restart.suite.ts";
import { InputDetections } from "./input-detections.ts";
import { LineDetections } from "./line-detections.ts";

const ENGINE = new DetectionEngine(loadDetections(detectionRules(), "rules.yml").detections);
const OPTIONS = {
  engine: ENGINE,
  redactor: createRedactor({ key: Buffer.alloc(32, 1) }),
  evidence: new Map(),
};

describe("InputDetections", () => {
  test("tells what was forgotten since the start, not what the state says of before", () => {
    const fresh = [...new LineDetections(OPTIONS).snapshot()].join("");
    const snapshot = JSON.parse(fresh.replaceAll('"evicted":0', '"evicted":7')) as JsonValue;
    expect(JSON.stringify(snapshot)).toContain('"evicted":7');
    const before = new LineDetections({ ...OPTIONS, snapshot });
    expect([...before.snapshot()].join("")).toContain('"evicted":7');
    expect(before.counts().memoryEvicted).toBe(0);
    const inputs = new InputDetections({
      ...OPTIONS,
      skipsRemembered: true,
      remembered: { detections: snapshot, read: {}, documents: new Map() },
    });
    expect(inputs.counts().forgotten).toEqual({ requests: 0, late: 0, "correlation-hits": 0, memory: 0 });
  });
});
