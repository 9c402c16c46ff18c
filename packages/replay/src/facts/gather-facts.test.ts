import { EventScan } from "@auditsieve/audit";
import { HeadMemo } from "@auditsieve/ingest";
import * as fc from "fast-check";
import { deserialize, serialize } from "node:v8";
import { describe, expect, test } from "vitest";
import { CoverageCount } from "../coverage/coverage.ts";
import { textMicros } from "../lines/event-time.ts";
import { eventAt, REDACTOR, sample } from "../replay-fixtures.suite.ts";
import { EventInHand } from "../replayed-event.ts";
import { FactGatherer } from "./gather-facts.ts";

const small = sample("small.log")
  .toString()
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => JSON.parse(line) as Record<string, unknown>);

/** Events that share heads in part: control loops, an attacker's spelling, streams, refusals, paths. */
const CHANGES = Object.entries({
  auditID: fc.constantFrom("a", "b", "c"),
  stage: fc.constantFrom("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"),
  verb: fc.constantFrom("get", "create", "update", "watch"),
  user: fc.constantFrom({ username: "ann" }, { username: "system:apiserver" }, { username: "", groups: ["x"] }),
  impersonatedUser: fc.constantFrom({ username: "root" }),
  userAgent: fc.constantFrom("kubectl/v1", "curl"),
  requestURI: fc.constantFrom("/healthz", "/healthz?verbose", "/api/v1/pods", "/api/v1/pods/x"),
  objectRef: fc.constantFrom(
    {},
    { resource: "pods", namespace: "shop", name: "x" },
    { resource: "pods", namespace: "shop", name: "y" },
    { resource: "pods", namespace: "shop", name: "x", subresource: "exec" },
    { resource: "leases", apiGroup: "coordination.k8s.io", namespace: "kube-system", name: "l" },
    { resource: "clusterroles", apiGroup: "rbac.authorization.k8s.io", name: "admin" },
    { resource: "serviceaccounts", namespace: "shop", name: "web", subresource: "token" },
    undefined,
  ),
  responseStatus: fc.constantFrom({ code: 200 }, { code: 201 }, { code: 401 }, { code: 403 }, undefined),
  responseObject: fc.constantFrom({ metadata: { name: "made", uid: "u1" } }, undefined),
  annotations: fc.constantFrom(
    { "authorization.k8s.io/reason": 'RBAC: allowed by RoleBinding "b" of Role "r" to User "ann"' },
    { "audit.k8s.io/truncated": "true" },
    { "authentication.k8s.io/issued-credential-id": "JTI=1" },
    undefined,
  ),
  requestReceivedTimestamp: fc.constantFrom("2026-11-24T10:00:00Z", "no time", undefined),
}).map(([field, values]) => fc.record({ [field]: values as fc.Arbitrary<unknown> }));
/** Few of them at a time, so that heads come again. */
const change: fc.Arbitrary<Record<string, unknown>> = fc
  .array(fc.oneof(...CHANGES), { maxLength: 3 })
  .map((changes) => Object.assign({}, ...changes) as Record<string, unknown>);
const event = fc.oneof(
  fc.constantFrom(eventAt(0, { objectRef: {} }), eventAt(0, { objectRef: undefined })),
  fc.tuple(fc.nat(5_000), change).map(([ms, more]) => eventAt(ms, more)),
  fc.tuple(fc.constantFrom(...small.slice(0, 6)), change).map(([one, more]) => ({ ...one, ...more })),
);

/**
 * What is gathered of events and counted for them, with heads remembered or without, as it comes back from a file. The bytes are not
 * compared: they also say how the engine happens to hold an array.
 */
function gathered(lines: readonly Buffer[], { isRemembered }: { readonly isRemembered: boolean }): unknown[] {
  const scan = new EventScan();
  const inHand = new EventInHand(scan, REDACTOR, isRemembered ? new HeadMemo(scan) : undefined);
  const gatherer = new FactGatherer();
  const coverage = new CoverageCount();
  gatherer.begin();
  lines.forEach((line, i) => {
    if (scan.scan(line, 0, line.length)) {
      inHand.next("log", i * 1_000);
      gatherer.event(inHand);
      const micros = textMicros(line, scan.valueStart("stageTimestamp") + 1, line.length);
      coverage.add(scan, micros, inHand.head);
    }
  });
  return [gatherer.snapshot(), coverage.snapshot()].map((snapshot) => deserialize(serialize(snapshot)) as unknown);
}

describe("FactGatherer", () => {
  test("FactGatherer and CoverageCount say the same whether heads are remembered or read each time", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const lines = events.map((each) => Buffer.from(JSON.stringify(each)));
        expect(gathered(lines, { isRemembered: true })).toStrictEqual(gathered(lines, { isRemembered: false }));
      }),
      { numRuns: 150 },
    );
  });

  test("FactGatherer counts a stream once that was open when the replay was stopped", () => {
    const objectRef = { resource: "pods", namespace: "shop", name: "web", subresource: "exec" };
    const stages = ["ResponseStarted", "ResponseComplete"].map((stage, i) =>
      Buffer.from(JSON.stringify(eventAt(i * 1_000, { auditID: "exec-1", stage, verb: "create", objectRef }))),
    );
    const scan = new EventScan();
    const inHand = new EventInHand(scan, REDACTOR, new HeadMemo(scan));
    const before = new FactGatherer();
    const after = new FactGatherer();
    [before, after].forEach((gatherer, i) => {
      const line = stages[i] as Buffer;
      if (gatherer === after) {
        gatherer.begin();
        gatherer.restore(structuredClone(before.snapshot()));
      }
      expect(scan.scan(line, 0, line.length)).toBe(true);
      inHand.next("log", i);
      gatherer.event(inHand);
    });
    expect(after.facts().sessions.sessions()).toMatchObject([{ requests: 1 }]);
  });
});
