import { createRedactor } from "@auditsieve/audit";
import type { JsonObject, JsonValue } from "@auditsieve/audit";
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

const recent = (tuples: JsonValue, groups: JsonValue): JsonObject => ({
  tuples: { young: tuples, old: [], evicted: 0 },
  groups: { young: groups, old: [], evicted: 0 },
});

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

  test.each<readonly [string, (written: JsonObject) => JsonValue, string]>([
    ["another version", (written) => ({ ...written, version: 3 }), "it is of version 3, this program knows 2"],
    ["no object", () => [], "it is no JSON object"],
    [
      "another shape",
      (written) => ({ ...written, firstSeen: { seen: ["10.0.0.1"] }, open: [["a", 1, []]] }),
      "its firstSeen.groups is no object; forgotten are open requests (1)",
    ],
    [
      "another shape deep within",
      (written) => ({ ...written, firstSeen: recent([["a", true]], [["b", "2026-01-01"]]) }),
      "its firstSeen.groups.young[0][1] is no number; forgotten are first-seen values (1)",
    ],
  ])("tells of a state that is %s why it is not taken over, and what is forgotten", (_, changed, reason) => {
    const written = JSON.parse([...new LineDetections(OPTIONS).snapshot()].join("")) as JsonObject;
    const refused: string[] = [];
    const onRefused = (why: string): number => refused.push(why);
    const of = (detections: JsonValue): InputDetections =>
      new InputDetections({ ...OPTIONS, skipsRemembered: true, remembered: { detections, read: {} }, onRefused });
    of(written);
    expect(refused).toEqual([]);
    of(changed(written));
    expect(refused).toEqual([reason]);
  });
});
