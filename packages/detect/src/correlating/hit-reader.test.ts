import type { AuditEvent } from "@auditsieve/audit";
import { expect, test } from "vitest";
import { DetectionEngine } from "../detection-engine.ts";
import { loadDetections } from "../load-detections.ts";
import { FindingStream } from "../stream/finding-stream.ts";

const RULES = `title: each
name: each
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e11
level: low
logsource: { product: kubernetes }
detection: { s: { verb: patch }, condition: s }
---
title: much
id: 6f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e11
level: low
correlation:
  type: value_sum
  rules: [each]
  group-by: [user.username]
  timespan: 1m
  condition: { field: requestObject.spec.replicas, gte: 3 }`;

const event = (more: Partial<AuditEvent>): AuditEvent => ({
  level: "Request",
  auditID: "a",
  stage: "ResponseComplete",
  requestURI: "/apis/apps/v1/namespaces/shop/deployments/web/scale",
  verb: "patch",
  user: { username: "eve" },
  objectRef: { resource: "deployments", namespace: "shop", name: "web", subresource: "scale" },
  requestReceivedTimestamp: "2026-01-01T00:00:00.000000Z",
  stageTimestamp: "2026-01-01T00:00:00.000000Z",
  ...more,
});

test.each<readonly [string, Partial<AuditEvent>, readonly number[], readonly number[]]>([
  ["what a later stage says", { requestObject: { spec: { replicas: 3 } } }, [3], []],
  ["what no stage says", { level: "Metadata" }, [], [1]],
])("HitReader counts requests as undecided by their last stage: %s", (_, complete, values, undecided) => {
  const stream = new FindingStream(new DetectionEngine(loadDetections(RULES, "r.yml").detections));
  [event({ stage: "RequestReceived" }), event(complete)].forEach((one) => stream.push(one));
  expect(stream.flush().map(({ correlation }) => correlation?.value)).toEqual(values);
  expect(Object.values(stream.counts().undecided)).toEqual(undecided);
});
