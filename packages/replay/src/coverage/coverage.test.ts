import { describe, expect, test } from "vitest";
import type { LogCoverage } from "./coverage.ts";
import { eventAt, linesOf, logOf, REDACTOR } from "../replay-fixtures.suite.ts";
import { replayLogs } from "../replay-logs.ts";

async function coverageOf(events: readonly unknown[]): Promise<LogCoverage> {
  const { summary } = await replayLogs({ logs: [logOf("x", linesOf(events))], detections: [], redactor: REDACTOR });
  return summary.log;
}

const time = (ms: number): string => String(eventAt(ms)["stageTimestamp"]);

function renewal(ms: number, lease: string, more: Readonly<Record<string, unknown>> = {}): unknown {
  return eventAt(ms, {
    verb: "update",
    user: { username: "system:apiserver", groups: ["system:masters"] },
    requestURI: `/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/${lease}`,
    objectRef: { resource: "leases", namespace: "kube-system", name: lease, apiGroup: "coordination.k8s.io" },
    ...more,
  });
}

describe("LogCoverage", () => {
  test("LogCoverage names times in which nothing was written, if the log's own rate does not explain them", async () => {
    const steady = Array.from({ length: 120 }, (_, i) => eventAt(i * 1000));
    const later = Array.from({ length: 120 }, (_, i) => eventAt(600_000 + i * 1000));
    const { gaps } = await coverageOf([...steady, ...later]);
    expect(gaps).toEqual([{ from: time(119_000), to: time(600_000), seconds: 481 }]);
    // One event a minute: a minute of silence means nothing.
    expect((await coverageOf(Array.from({ length: 60 }, (_, i) => eventAt(i * 60_000)))).gaps).toEqual([]);
  });

  test("LogCoverage names an apiserver that fell silent, by the lease that it renews", async () => {
    const alive = Array.from({ length: 31 }, (_, i) => renewal(i * 10_000, "apiserver-a"));
    const silent = [0, 10_000, 90_000, 100_000].map((ms) => renewal(ms + 1, "apiserver-b"));
    // Anybody may write a lease of this name; only an apiserver renews its own.
    const feigned = renewal(5, "apiserver-c", { user: { username: "mallory" } });
    const { apiservers } = await coverageOf([...alive, ...silent, feigned]);
    expect(apiservers).toEqual([
      {
        lease: "apiserver-a",
        firstRenewed: time(0),
        lastRenewed: time(300_000),
        longestSilenceSeconds: 10,
        isSilentAtEnd: false,
      },
      {
        lease: "apiserver-b",
        firstRenewed: time(1),
        lastRenewed: time(100_001),
        longestSilenceSeconds: 80,
        isSilentAtEnd: true,
      },
    ]);
  });

  test("LogCoverage tells levels by class of request, and bodies that were cut off", async () => {
    const { classes, truncated, byLevel, byStage } = await coverageOf([
      eventAt(0),
      eventAt(1, { verb: "create", level: "Request" }),
      eventAt(2, { verb: "patch", level: "Metadata", annotations: { "audit.k8s.io/truncated": "true" } }),
      eventAt(3, { verb: "get", requestURI: "/healthz/etcd?verbose", objectRef: undefined, stage: "RequestReceived" }),
      eventAt(4, { verb: "update", objectRef: { resource: "deployments", apiGroup: "apps", subresource: "scale" } }),
    ]);
    expect(classes).toEqual([
      { resource: "pods", isWrite: true, events: 2, byLevel: { Metadata: 1, Request: 1 }, truncated: 1 },
      { resource: "/healthz", isWrite: false, events: 1, byLevel: { Metadata: 1 }, truncated: 0 },
      { resource: "deployments.apps/scale", isWrite: true, events: 1, byLevel: { Metadata: 1 }, truncated: 0 },
      { resource: "pods", isWrite: false, events: 1, byLevel: { Metadata: 1 }, truncated: 0 },
    ]);
    expect([truncated, byLevel.Metadata, byStage.RequestReceived]).toEqual([1, 4, 1]);
  });
});
