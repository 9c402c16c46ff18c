import { EventScan } from "@auditsieve/audit";
import type { AuditEvent } from "@auditsieve/audit";
import { expect, test } from "vitest";
import { eventAt } from "../replay-fixtures.suite.ts";
import type { ReplayedEvent } from "../replayed-event.ts";
import { StandingRbac } from "./standing-rbac.ts";

/** Some 4 MB as JSON. */
const VERBS = ["x".repeat(4 * 1024 * 1024)];

/** A write of that role; the body is not in its line, so that none of this size has to be scanned. */
function write(ms: number, verb: "create" | "update" | "delete", name: string): ReplayedEvent {
  const event = eventAt(ms, {
    verb,
    objectRef: { resource: "clusterroles", name, apiGroup: "rbac.authorization.k8s.io", apiVersion: "v1" },
    responseStatus: { code: verb === "create" ? 201 : 200 },
  }) as unknown as AuditEvent;
  const line = Buffer.from(JSON.stringify(event));
  const scan = new EventScan();
  expect(scan.scan(line, 0, line.length)).toBe(true);
  const body = { kind: "ClusterRole", metadata: { name }, rules: [{ verbs: VERBS, resources: ["pods"] }] };
  const original = (): AuditEvent => (verb === "delete" ? event : { ...event, responseObject: body });
  return { scan, original } as unknown as ReplayedEvent;
}

test.each([
  ["deleted", (i: number) => [write(2 * i, "create", `role-${i}`), write(2 * i + 1, "delete", `role-${i}`)]],
  ["made again", (i: number) => [write(i, "create", "role")]],
  ["written again", (i: number) => [write(i, i === 0 ? "create" : "update", "role")]],
])("StandingRbac has room again where what stood was %s", (_what, writes) => {
  const rbac = new StandingRbac();
  for (let i = 0; i < 20; i++) {
    writes(i).forEach((event) => rbac.event(event));
  }
  rbac.event(write(100, "create", "last"));
  expect(rbac.evicted).toBe(0);
  expect(rbac.find("ClusterRole", undefined, "last")?.object?.rules).toHaveLength(1);
});
