import type { AuditEvent, JsonObject } from "@auditsieve/audit";
import { expect, it } from "vitest";
import { DetectionEngine } from "../detection-engine.ts";
import { loadDetections } from "../load-detections.ts";
import { FindingStream } from "../stream/finding-stream.ts";

const EACH =
  "{title: each, name: each, id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e11, level: low, logsource: {product: kubernetes}, detection: {s: {verb: get}, condition: s}}";

function summaryOf(type: string, condition: JsonObject, events: readonly AuditEvent[]): string | undefined {
  const correlation = { type, rules: ["each"], "group-by": ["user.name"], timespan: "1m", condition };
  const text = JSON.stringify({
    title: "much",
    id: "6f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e11",
    level: "high",
    correlation,
  });
  const { detections, problems } = loadDetections(`${EACH}\n---\n${text}`, "c.yml");
  expect(problems).toEqual([]);
  const stream = new FindingStream(new DetectionEngine(detections));
  const findings = [...events.flatMap((event) => stream.push(event)), ...stream.flush()];
  expect(findings).toHaveLength(1);
  return findings[0]?.summary;
}

function scaled(second: number, replicas: number | string, username = "eve"): AuditEvent {
  const time = `2026-01-01T00:00:0${second}.000000Z`;
  return {
    level: "Request",
    auditID: `id-${second}`,
    stage: "ResponseComplete",
    requestURI: "/apis/apps/v1/namespaces/shop/deployments/web/scale",
    verb: "get",
    user: { username },
    objectRef: { resource: "deployments", namespace: "shop", name: "web", subresource: "scale" },
    requestObject: { spec: { replicas } },
    requestReceivedTimestamp: time,
    stageTimestamp: time,
  };
}

it.each<readonly [string, JsonObject, readonly (number | string)[], string]>([
  ["value_sum", { gte: 12 }, [5, 7], "sum of requestObject.spec.replicas 12 in 2"],
  ["value_sum", { gte: 1_234_567 }, [1_234_567], "sum of requestObject.spec.replicas 1234567 in 1"],
  ["value_sum", { gt: 0 }, ["0.1", "0.2"], "sum of requestObject.spec.replicas 0.1 in 1"],
  ["value_count", { gte: 2 }, [5, 5, 7], "2 values of requestObject.spec.replicas in 3"],
  ["value_count", { lt: 2 }, [5, 5], "1 value of requestObject.spec.replicas in 2"],
  ["value_avg", { gt: 0 }, ["0.1", "0.2"], "average of requestObject.spec.replicas 0.15 in 2"],
  ["value_avg", { gte: 3 }, [3, 3, 4], "average of requestObject.spec.replicas 3.33 in 3"],
  ["value_avg", { lt: 1 }, ["0.01234567"], "average of requestObject.spec.replicas 0.0123 in 1"],
  ["value_percentile", { gte: 7, percentile: 90 }, [5, 7], "percentile 90 of requestObject.spec.replicas 7 in 2"],
])("writeCorrelationFinding says which value was reached: %s %j", (type, bounds, numbers, expected) => {
  const events = numbers.map((number, second) => scaled(second, number));
  expect(summaryOf(type, { field: "requestObject.spec.replicas", ...bounds }, events)).toBe(
    `much: ${expected} within 1 min for user.name eve`,
  );
});

it("writeCorrelationFinding says the value before what an attacker may make long, and prints nothing of theirs raw", () => {
  const name = `\u001b[2J${"x".repeat(2000)}`;
  const summary = summaryOf("value_sum", { field: "requestObject.spec.replicas", gte: 5 }, [
    scaled(0, "5\u001b[2J", name),
    scaled(1, 5, name),
  ]);
  expect(summary).toMatch(
    /^much: sum of requestObject\.spec\.replicas 5 in 2 within 1 min for user\.name \\u001b\[2Jx+…/,
  );
  expect(summary?.length).toBeLessThan(500);
});
