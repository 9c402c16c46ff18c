import type { AuditEvent, JsonObject, Stage } from "@auditsieve/audit";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DetectionEngine } from "./detection-engine.ts";
import { FindingStream } from "./stream/finding-stream.ts";
import type { FindingStreamOptions } from "./stream/finding-stream-options.ts";
import { loadDetections } from "./load-detections.ts";
import { eventAt, podCreated } from "./memory/events.suite.ts";
import { shippedDocuments } from "./shipped-detections.suite.ts";
import { ShownEvent } from "./shown-event.ts";

const id = (n: number): string => `5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e${n}`;
const rule = (name: string, n: number, more: JsonObject = {}): string =>
  JSON.stringify({
    title: name,
    name,
    id: id(n),
    level: "low",
    logsource: { product: "kubernetes" },
    detection: { s: { verb: name }, condition: "s" },
    ...more,
  });
const correlation = (n: number, of: JsonObject): string =>
  JSON.stringify({ title: `c${n}`, name: `c${n}`, id: id(n), level: "high", correlation: of });
const BY_USER = { "group-by": ["user.name"], timespan: "1m" };
const CORRELATIONS = [
  correlation(20, { type: "event_count", rules: ["get"], ...BY_USER, condition: { gte: 3 } }),
  correlation(21, { type: "event_count", rules: ["list"], ...BY_USER, condition: { lt: 2 } }),
  correlation(22, { type: "value_count", rules: ["get"], ...BY_USER, condition: { field: "objectRef.name", gte: 2 } }),
  correlation(23, { type: "temporal_ordered", rules: ["get", "list", "delete"], ...BY_USER }),
  correlation(24, {
    type: "value_avg",
    rules: ["delete"],
    ...BY_USER,
    condition: { field: "responseStatus.code", gt: 250 },
  }),
  correlation(25, {
    type: "event_count",
    rules: ["c20"],
    "group-by": ["user.name"],
    timespan: "5m",
    condition: { gte: 2 },
    generate: true,
  }),
];
const FIRST_SEEN = rule("patch", 14, {
  auditsieve: { "first-seen": { fields: ["userAgent"], per: ["user.username"], learn: "30s" } },
});
const RULES = [rule("get", 11), rule("list", 12), rule("delete", 13), FIRST_SEEN, ...CORRELATIONS];

function engineOf(...documents: readonly string[]): DetectionEngine {
  const { detections, problems } = loadDetections(documents.join("\n---\n"), "s.yml");
  expect(problems).toEqual([]);
  return new DetectionEngine(detections);
}

interface Made {
  readonly verb: string;
  readonly user: string;
  readonly name: string;
  readonly step: number;
  readonly code: number;
  readonly stages: readonly Stage[];
}

/** Stages of a request stand apart by the events of others. */
function eventsOf(made: readonly Made[]): readonly AuditEvent[] {
  let seconds = 0;
  const events = made.flatMap(({ verb, user, name, step, code, stages }, n) => {
    seconds += step;
    const received = at(seconds);
    return stages.map((stage, i): { readonly order: number; readonly event: AuditEvent } => ({
      order: n + i * 3,
      event: {
        level: "Metadata",
        auditID: `id-${n}`,
        stage,
        requestURI: `/api/v1/namespaces/shop/secrets/${name}`,
        verb,
        user: { username: user },
        userAgent: `agent ${name}`,
        sourceIPs: ["10.0.0.1"],
        objectRef: { resource: "secrets", namespace: "shop", name },
        ...(stage !== "RequestReceived" && { responseStatus: { code } }),
        requestReceivedTimestamp: received,
        stageTimestamp: i === 0 ? received : at(seconds + 2),
      },
    }));
  });
  return events.sort((a, b) => a.order - b.order).map(({ event }) => event);
}

function at(seconds: number): string {
  return new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString().replace("Z", "000Z");
}

/** The findings as they come out, with the stream stopped and made anew after each event whose number is in `stops`. */
function run(
  engine: DetectionEngine,
  events: readonly AuditEvent[],
  stops: ReadonlySet<number> = new Set(),
  options: FindingStreamOptions = {},
): readonly unknown[] {
  let stream = new FindingStream(engine, options);
  const findings = events.flatMap((event, n) => {
    const found = stream.push(event);
    if (stops.has(n)) {
      const written = JSON.stringify(stream.snapshot());
      stream = new FindingStream(engine, options);
      expect(stream.restore(JSON.parse(written))).toBe(true);
      expect(JSON.stringify(stream.snapshot())).toBe(written);
    }
    return found;
  });
  return [...findings, ...stream.flush()];
}

const request = fc.record({
  verb: fc.constantFrom("get", "list", "delete", "patch"),
  user: fc.constantFrom("eve", "ann"),
  name: fc.constantFrom("a", "b", "c"),
  step: fc.integer({ min: 0, max: 40 }),
  code: fc.constantFrom(200, 403),
  stages: fc.constantFrom<readonly Stage[]>(
    ["ResponseComplete"],
    ["RequestReceived"],
    ["RequestReceived", "ResponseComplete"],
    ["RequestReceived", "ResponseStarted", "ResponseComplete"],
  ),
});

describe("FindingStream.snapshot", () => {
  test.each([
    ["every kind of correlation", engineOf(...RULES), {}],
    [
      "bounds that make it forget",
      engineOf(...RULES),
      { maxHits: 6, maxHitsPerGroup: 3, maxRequests: 4, maxFirstSeen: 2 },
    ],
    ["the shipped detections", new DetectionEngine(shippedDocuments), {}],
  ] as const)("stopped and made anew anywhere, a stream finds the same: %s", (_, engine, options) => {
    const stops = fc.uniqueArray(fc.nat(40), { maxLength: 6 });
    fc.assert(
      fc.property(fc.array(request, { maxLength: 30 }), stops, (made, at) => {
        const events = eventsOf(made);
        expect(run(engine, events, new Set(at), options)).toEqual(run(engine, events, new Set(), options));
      }),
      { numRuns: 30 },
    );
  });

  test("what changed detections have remembered is left out, the rest goes on", () => {
    const before = new FindingStream(engineOf(...RULES));
    const made = (verb: string, name: string, step: number): Made => ({
      verb,
      user: "eve",
      name,
      step,
      code: 200,
      stages: ["ResponseComplete"],
    });
    eventsOf([made("patch", "a", 0), made("get", "a", 60), made("get", "a", 1)]).forEach((event) => before.push(event));
    const snapshot = JSON.parse(JSON.stringify(before.snapshot())) as unknown;
    const found = (...documents: readonly string[]): readonly string[] => {
      const after = new FindingStream(engineOf(...documents));
      expect(after.restore(snapshot)).toBe(true);
      const [, , , get, patch] = eventsOf([
        made("patch", "a", 0),
        made("get", "a", 60),
        made("get", "a", 1),
        made("get", "a", 1),
        made("patch", "b", 1),
      ]);
      const events = [get, patch].filter((event) => event !== undefined);
      return [...events.flatMap((event) => after.push(event)), ...after.flush()].map(
        ({ detection }) => detection.title,
      );
    };
    // The third get completes c20; the second agent of eve is new.
    expect(found(...RULES)).toEqual(expect.arrayContaining(["c20", "patch"]));
    const described = RULES.map((text) => text.replace('"level":"low"', '"level":"low","description":"other words"'));
    expect(found(...described)).toEqual(expect.arrayContaining(["c20", "patch"]));
    const otherGet = RULES.map((text) =>
      text.includes(id(11))
        ? rule("get", 11, { detection: { s: { verb: "get", "user.username": "eve" }, condition: "s" } })
        : text,
    );
    expect(found(...otherGet)).not.toContain("c20");
    expect(found(...otherGet)).toContain("patch");
    const otherFirst = RULES.map((text) => text.replace('"learn":"30s"', '"learn":"31s"'));
    expect(found(...otherFirst)).toContain("c20");
    expect(found(...otherFirst)).not.toContain("patch");
    const exceptFirst = JSON.stringify({
      title: "Not for ops",
      logsource: { product: "kubernetes" },
      filter: { rules: ["patch"], s: { "user.name": "ops" }, condition: "not s" },
    });
    // An exception changes nothing that is remembered.
    expect(found(...RULES, exceptFirst)).toContain("patch");
  });

  test("a stream beside another knows its pods, and keeps the rest for itself", () => {
    const engine = engineOf(
      rule("get", 11, {
        detection: { s: { verb: "get", "auditsieve.pod.privileged": true }, condition: "s" },
      }),
      FIRST_SEEN,
    );
    const first = new FindingStream(engine);
    const second = new FindingStream(engine, { beside: first });
    first.push(podCreated(0, "web", { containers: [{ name: "c", securityContext: { privileged: true } }] }));
    const exec = eventAt(1, {
      requestURI: "/api/v1/namespaces/shop/pods/web/exec",
      objectRef: { resource: "pods", subresource: "exec", namespace: "shop", name: "web" },
    });
    expect(second.push(exec)).toMatchObject([{ detection: { title: "get" } }]);
    const patch = (seconds: number, userAgent: string): AuditEvent => eventAt(seconds, { verb: "patch", userAgent });
    expect([patch(2, "a"), patch(40, "b")].flatMap((event) => second.push(event))).toHaveLength(1);
    expect([patch(2, "a"), patch(40, "b")].flatMap((event) => first.push(event))).toHaveLength(1);
    // What both share is written by one of them.
    expect(JSON.stringify(second.snapshot())).not.toContain("shop/web");
    const again = new FindingStream(engine);
    expect(again.restore(JSON.parse(JSON.stringify(first.snapshot())))).toBe(true);
    const other = new FindingStream(engine, { beside: again });
    expect(other.restore(JSON.parse(JSON.stringify(second.snapshot())))).toBe(true);
    expect(other.push({ ...exec, auditID: "b" })).toHaveLength(1);
    expect(other.push({ ...patch(80, "b"), auditID: "c" })).toEqual([]);
  });

  test("holds no value of a body", () => {
    const spec = { auditsieve: { "first-seen": { fields: ["requestObject.password"], per: ["user.username"] } } };
    const stream = new FindingStream(engineOf(rule("get", 11, spec)));
    const [event] = eventsOf([
      { verb: "get", user: "eve", name: "a", step: 0, code: 200, stages: ["ResponseComplete"] },
    ]);
    const withBody = (password: string): AuditEvent =>
      ({ ...event, auditID: password, level: "Request", requestObject: { password } }) as AuditEvent;
    stream.push(withBody("canary-1"), () => ShownEvent.of(withBody("shown")));
    expect(stream.push(withBody("canary-2"), () => ShownEvent.of(withBody("shown")))).toHaveLength(1);
    expect(JSON.stringify(stream.snapshot())).not.toContain("canary");
  });

  test.each([
    ["value_count", { gte: 2 }, "canary-1", "canary-2"],
    ["value_count", { gte: 3 }, "canary-1", "canary-2"],
    ["value_sum", { gte: 99_999_999 }, "12345671", "12345672"],
    ["value_avg", { gte: 1 }, "12345671", "12345672"],
    ["value_percentile", { gte: 1, percentile: 50 }, "12345671", "12345672"],
  ])("holds and finds no value of a body that is replaced where it leaves: %s %j", (type, condition, one, other) => {
    const of = { type, rules: ["get"], ...BY_USER, condition: { field: "requestObject.password", ...condition } };
    const stream = new FindingStream(engineOf(rule("get", 11), correlation(20, of)));
    const made = (step: number): Made => ({
      verb: "get",
      user: "eve",
      name: "a",
      step,
      code: 200,
      stages: ["ResponseComplete"],
    });
    const [first, second] = eventsOf([made(0), made(1)]);
    const withBody = (event: AuditEvent | undefined, password: string): AuditEvent =>
      ({ ...event, level: "Request", requestObject: { password } }) as AuditEvent;
    const push = (event: AuditEvent | undefined, password: string): readonly unknown[] =>
      stream.push(withBody(event, password), () => ShownEvent.of(withBody(event, "redacted:8")));
    const early = [...push(first, one), ...push(second, other)];
    const written = JSON.stringify(stream.snapshot());
    const findings = [...early, ...stream.flush()];
    expect(findings).toHaveLength(type === "value_count" && condition.gte === 2 ? 1 : 0);
    expect(written + JSON.stringify(findings)).not.toMatch(/canary|1234567/);
  });
});
