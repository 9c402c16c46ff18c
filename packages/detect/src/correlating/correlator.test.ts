import type { AuditEvent, JsonObject } from "@auditsieve/audit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DetectionEngine } from "../detection-engine.ts";
import type { Finding } from "../finding.ts";
import { FindingStream } from "../stream/finding-stream.ts";
import type { FindingStreamOptions } from "../stream/finding-stream-options.ts";
import { loadDetections } from "../load-detections.ts";
import { ShownEvent } from "../shown-event.ts";

const detection = (name: string, n: number): string =>
  `{title: ${name}, name: ${name}, id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e1${n}, level: low, logsource: {product: kubernetes}, detection: {s: {verb: ${name}}, condition: s}}`;
const correlation = (n: number, of: JsonObject, name = `c${n}`): string =>
  JSON.stringify({ title: name, name, id: `6f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e1${n}`, level: "high", correlation: of });
const DETECTIONS = [detection("get", 1), detection("list", 2), detection("delete", 3)];

function engineOf(...correlations: readonly string[]): DetectionEngine {
  const { detections, problems } = loadDetections([...DETECTIONS, ...correlations].join("\n---\n"), "c.yml");
  expect(problems).toEqual([]);
  return new DetectionEngine(detections);
}

let requests = 0;
function at(seconds: number, verb: string, more: Partial<AuditEvent> = {}): AuditEvent {
  const time = new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString().replace("Z", "000Z");
  return {
    level: "Metadata",
    auditID: `id-${requests++}`,
    stage: "ResponseComplete",
    requestURI: "/api/v1/namespaces/shop/secrets/s",
    verb,
    user: { username: "eve" },
    sourceIPs: ["10.0.0.1"],
    objectRef: { resource: "secrets", namespace: "shop", name: "s" },
    responseStatus: { code: 200 },
    requestReceivedTimestamp: time,
    stageTimestamp: time,
    ...more,
  };
}

function run(
  engine: DetectionEngine,
  events: readonly AuditEvent[],
  options: FindingStreamOptions = {},
): readonly Finding[] {
  const stream = new FindingStream(engine, options);
  return [...events.flatMap((event) => stream.push(event)), ...stream.flush()];
}

it("Correlator brings what is due in blocks, the same in the same order: a jump of time may make very much due at once", () => {
  const engine = engineOf(
    correlation(1, count({ condition: { gte: 1 } })),
    correlation(2, count({ rules: ["get", "list"], condition: { gte: 2 } })),
    correlation(3, count({ rules: ["list"], "group-by": ["objectRef.name"], condition: { lt: 3 } })),
  );
  const arbitraryEvents = fc.array(
    fc.record({ step: fc.constantFrom(0, 1, 20, 100), verb: fc.constantFrom("get", "list"), actor: fc.nat(40) }),
    { maxLength: 200 },
  );
  fc.assert(
    fc.property(arbitraryEvents, fc.integer({ min: 1, max: 5 }), fc.nat(200), (steps, maxAtOnce, cut) => {
      let seconds = 0;
      const events = steps.map(({ step, verb, actor }) => {
        seconds += step;
        return at(seconds, verb, { ...by(`u${actor}`), ...named(`s${actor}`) });
      });
      const all = run(engine, events, { maxAtOnce: Infinity });
      let stream = new FindingStream(engine, { maxAtOnce });
      const found: Finding[] = [];
      for (const [i, event] of events.entries()) {
        if (i === cut) {
          const snapshot = JSON.parse(JSON.stringify(stream.snapshot())) as unknown;
          stream = new FindingStream(engine, { maxAtOnce });
          expect(stream.restore(snapshot)).toBe(true);
        }
        const findings = stream.push(event);
        // One hit may bring one of each correlation, and of the windows that it ends.
        expect(findings.length).toBeLessThanOrEqual(maxAtOnce + 3);
        found.push(...findings);
      }
      found.push(...stream.flush());
      expect(JSON.parse(JSON.stringify(found))).toEqual(JSON.parse(JSON.stringify(all)));
    }),
    { numRuns: 60 },
  );
});

it("Correlator prints of a group what is left of it when secrets are replaced", () => {
  const engine = engineOf(
    correlation(1, count({ "group-by": ["requestObject.data.password"], condition: { gte: 2 } })),
  );
  const stream = new FindingStream(engine);
  const event = (n: number, password: string): AuditEvent => ({
    ...at(n, "get"),
    level: "Request",
    requestObject: { data: { password } },
  });
  const push = (n: number, password: string): readonly Finding[] =>
    stream.push(event(n, password), () => ShownEvent.of(event(n, `redacted:${password.length}`)));
  const findings = [...push(1, "hunter-2"), ...push(2, "other"), ...push(3, "hunter-2"), ...stream.flush()];
  const [of] = findings.flatMap(({ correlation: told }) => told ?? []);
  expect(of?.group).toEqual({ "requestObject.data.password": "redacted:8" });
  expect(JSON.stringify(findings) + JSON.stringify(stream.snapshot())).not.toContain("hunter-2");
});

const named = (name: string): Partial<AuditEvent> => ({ objectRef: { resource: "secrets", name } });
const coded = (code: number): Partial<AuditEvent> => ({ responseStatus: { code } });
const by = (username: string): Partial<AuditEvent> => ({ user: { username } });

const count = (of: JsonObject): JsonObject => ({
  type: "event_count",
  rules: ["get"],
  "group-by": ["user.name"],
  timespan: "1m",
  ...of,
});

describe("correlations", () => {
  it.each<readonly [string, JsonObject, readonly AuditEvent[], number]>([
    ["enough", count({ condition: { gte: 3 } }), [at(0, "get"), at(30, "get"), at(60, "get")], 1],
    ["too slow", count({ condition: { gte: 3 } }), [at(0, "get"), at(30, "get"), at(61, "get")], 0],
    ["a window that slides", count({ condition: { gt: 2 } }), [0, 50, 70, 100].map((s) => at(s, "get")), 1],
    ["one finding a window", count({ condition: { gte: 2 } }), [0, 10, 20, 30, 40].map((s) => at(s, "get")), 1],
    ["a second window", count({ condition: { gte: 2 } }), [0, 10, 70, 80].map((s) => at(s, "get")), 2],
    ["groups apart", count({ condition: { gte: 2 } }), [at(0, "get"), at(1, "get", by("bob"))], 0],
    ["exactly", count({ condition: { eq: 2 } }), [0, 10, 20].map((s) => at(s, "get")), 0],
    ["a range", count({ condition: { gt: 1, lte: 3 } }), [0, 10, 20].map((s) => at(s, "get")), 1],
    ["few", count({ condition: { lt: 2 } }), [at(0, "get")], 1],
    [
      "distinct values",
      count({ type: "value_count", condition: { field: "objectRef.name", gte: 2 } }),
      [at(0, "get", named("a")), at(1, "get", named("a")), at(2, "get", named("b"))],
      1,
    ],
    [
      "distinct pairs",
      count({ type: "value_count", condition: { field: ["objectRef.name", "source.ip"], gte: 2 } }),
      [at(0, "get", named("a")), at(1, "get", named("a"))],
      0,
    ],
    ["all, in any order", count({ type: "temporal", rules: ["get", "list"] }), [at(0, "list"), at(1, "get")], 1],
    ["not all", count({ type: "temporal", rules: ["get", "list"] }), [at(0, "list"), at(1, "list")], 0],
    ["in order", count({ type: "temporal_ordered", rules: ["get", "list"] }), [at(0, "get"), at(1, "list")], 1],
    ["out of order", count({ type: "temporal_ordered", rules: ["get", "list"] }), [at(0, "list"), at(1, "get")], 0],
    [
      "a sum",
      count({ type: "value_sum", condition: { field: "responseStatus.code", gte: 600 } }),
      [at(0, "get", coded(200)), at(1, "get", coded(404))],
      1,
    ],
    [
      "an average",
      count({ type: "value_avg", condition: { field: "responseStatus.code", gt: 303 } }),
      [at(0, "get", coded(200)), at(1, "get", coded(404))],
      0,
    ],
    [
      "a percentile",
      count({ type: "value_percentile", condition: { field: "responseStatus.code", percentile: 90, gte: 404 } }),
      [at(0, "get", coded(200)), at(1, "get", coded(404))],
      1,
    ],
    [
      "an alias",
      {
        type: "temporal",
        rules: ["get", "list"],
        "group-by": ["who"],
        timespan: "10s",
        aliases: { who: { get: "user.username", list: "objectRef.name" } },
      },
      [at(0, "get"), at(1, "list", named("eve"))],
      1,
    ],
  ])("%s", (_why, of, events, expected) => {
    expect(run(engineOf(correlation(1, of)), events)).toHaveLength(expected);
  });

  it("say what they rest on, bounded, and keep single findings only with generate", () => {
    const events = Array.from({ length: 50 }, (_, n) => at(n, "get"));
    const [finding] = run(engineOf(correlation(1, count({ condition: { gte: 50 } }))), events, { maxEvents: 5 });
    expect(finding).toMatchObject({
      actor: "eve",
      summary: "c1: 50 within 1 min for user.name eve",
      correlation: { type: "event_count", group: { "user.name": "eve" }, count: 50, value: 50 },
    });
    expect(finding?.events).toHaveLength(5);
    const loud = engineOf(correlation(1, count({ condition: { gte: 50 }, generate: true })));
    expect(run(loud, events)).toHaveLength(51);
  });

  it.each([
    ["value_sum", { gte: 1008, lte: 1008 }],
    ["value_avg", { eq: 252 }],
    ["value_percentile", { eq: 200, percentile: 75 }],
  ] as const)("measure equal values as often as they are there, also over a chain: %s", (type, bounds) => {
    const values: JsonObject = { type, condition: { field: "responseObject.items.n", ...bounds } };
    const items = (...numbers: readonly number[]): Partial<AuditEvent> => ({
      level: "RequestResponse",
      responseObject: { items: numbers.map((n) => ({ n })) },
    });
    const events = [at(0, "get", items(200, 200)), at(1, "get", items(200)), at(2, "get", items(408))];
    expect(run(engineOf(correlation(1, count(values))), events)).toHaveLength(1);
    const inner = correlation(1, count({ condition: { gte: 3 } }), "three");
    expect(run(engineOf(inner, correlation(2, count({ ...values, rules: ["three"] }))), events)).toHaveLength(1);
    const both = correlation(1, count({ type: "temporal", rules: ["get", "again"] }), "both");
    const again = detection("get", 8).replaceAll(/(title|name): get/g, "$1: again");
    const measured = correlation(2, count({ ...values, rules: ["both"] }));
    // One event of two detections is one event.
    expect(run(engineOf(again, both, measured), [at(0, "get", items(200, 200, 200, 408))])).toHaveLength(1);
  });

  it("count more values of what an inner correlation rests on than one event may have", () => {
    const inner = correlation(1, count({ condition: { gte: 100 } }), "hundred");
    const names = correlation(
      2,
      count({ type: "value_count", rules: ["hundred"], condition: { field: "objectRef.name", gte: 100 } }),
    );
    const events = Array.from({ length: 100 }, (_, n) => at(n / 10, "get", named(`s${n}`)));
    expect(run(engineOf(inner, names), events).map((finding) => finding.correlation?.value)).toEqual([100]);
  });

  it("chain, grouping by fields of the events", () => {
    const many = correlation(1, count({ condition: { gte: 2 }, "group-by": ["source.ip"] }), "many");
    const then = correlation(2, count({ type: "temporal_ordered", rules: ["many", "delete"] }));
    const engine = engineOf(many, then);
    expect(run(engine, [at(0, "get"), at(1, "get"), at(2, "delete")])).toHaveLength(1);
    expect(run(engine, [at(0, "delete"), at(1, "get"), at(2, "get")])).toHaveLength(0);
    expect(run(engine, [at(0, "get"), at(1, "get"), at(2, "delete", by("bob"))])).toHaveLength(0);
  });

  it("that name what is missing or themselves are refused", () => {
    const own = correlation(1, count({ rules: ["c1"], condition: { gte: 1 } }));
    const none = correlation(2, count({ rules: ["nope"], condition: { gte: 1 } }));
    const { problems, correlations } = engineOf(own, none).linked;
    expect(correlations).toEqual([]);
    expect(problems.map(({ message }) => message)).toEqual([
      expect.stringContaining('"nope"'),
      expect.stringContaining("builds on itself"),
    ]);
  });

  it("count what is too late, and bound what they hold", () => {
    const stream = new FindingStream(engineOf(correlation(1, count({ condition: { gte: 5000 } }))), {
      maxHits: 100,
      latenessMs: 1000,
    });
    for (let n = 0; n < 1000; n++) {
      stream.push(at(n / 100, "get", by(`user-${n}`)));
    }
    stream.push(at(0, "get"));
    expect(stream.counts().late).toBe(1);
    expect(stream.counts().correlationEvicted).toBeGreaterThan(700);
  });

  it("forget first who was met once: made-up names do not hide what one does bit by bit", () => {
    const stream = new FindingStream(engineOf(correlation(1, count({ condition: { gte: 5 } }))), {
      maxHits: 100,
      latenessMs: 0,
    });
    const found: Finding[] = [];
    for (let n = 0; n < 1000; n++) {
      const user = n % 200 === 0 || n === 1 ? "eve" : `user-${n}`;
      found.push(...stream.push(at(n / 100, "get", by(user))));
    }
    found.push(...stream.flush());
    expect(found.map(({ summary }) => summary)).toEqual([expect.stringContaining("eve")]);
    expect(stream.counts().correlationEvicted).toBeGreaterThan(700);
  });

  it("forget first who is met by no other correlation: what one has begun that does other things, too, is kept", () => {
    const twice = { condition: { gte: 2 }, "group-by": ["user.username", "objectRef.name"] };
    const often = { rules: ["list"], condition: { gte: 90 } };
    const stream = new FindingStream(engineOf(correlation(1, count(twice)), correlation(2, count(often))), {
      maxHits: 100,
      latenessMs: 0,
    });
    const found: Finding[] = [];
    const doTo = (n: number, user: string, name: string, verb = "get"): void => {
      const event = at(n / 1000, verb, by(user));
      found.push(...stream.push({ ...event, objectRef: { ...event.objectRef, resource: "pods", name } }));
    };
    doTo(0, "eve", "web", "list");
    doTo(0, "eve", "web");
    for (let n = 1; n < 1000; n++) {
      doTo(n, `user-${n}`, `pod-${n}`);
    }
    doTo(1000, "eve", "web");
    found.push(...stream.flush());
    expect(found.map(({ summary }) => summary)).toContainEqual(expect.stringMatching(/eve.*web/));
    expect(stream.counts().correlationEvicted).toBeGreaterThan(700);
  });

  it("forget first what is long where too much is held: names of any length do not hide what one does in two steps", () => {
    const stream = new FindingStream(engineOf(correlation(1, count({ condition: { gte: 2 } }))), {
      maxHeldLength: 200_000,
      latenessMs: 0,
    });
    const found: Finding[] = [];
    for (let n = 0; n < 100; n++) {
      // Each of the others comes twice, too.
      const user = n % 99 === 0 ? "eve" : `user-${n % 50}`;
      const event = { ...at(n / 100, "get", by(user)), userAgent: user === "eve" ? "a" : "x".repeat(50_000) };
      found.push(...stream.push(event));
    }
    found.push(...stream.flush());
    expect(found.map(({ summary }) => summary)).toEqual([expect.stringContaining("eve")]);
    expect(stream.counts().correlationEvicted).toBeGreaterThan(70);
  });

  it("bound the size of the events that wait for their turn", () => {
    const long = (n: number): AuditEvent => ({ ...at(n, "get", by(`user-${n}`)), userAgent: "x".repeat(1000) });
    const sizeAfter = (events: readonly AuditEvent[]): { readonly waiting: number; readonly late: number } => {
      const stream = new FindingStream(engineOf(correlation(1, count({ condition: { gte: 5000 } }))), {
        maxHeldLength: 10_000,
      });
      events.forEach((event) => stream.push(event));
      const { correlations } = stream.snapshot() as { readonly correlations: { readonly waiting: readonly unknown[] } };
      return { waiting: correlations.waiting.length, late: stream.counts().late };
    };
    expect(sizeAfter([0, 1, 2, 3].map(long))).toEqual({ waiting: 4, late: 0 });
    const many = Array.from({ length: 30 }, (_, n) => long(n));
    const { waiting, late } = sizeAfter([...many, long(0)]);
    expect(waiting).toBeGreaterThan(3);
    expect(waiting).toBeLessThan(10);
    expect(late).toBe(1);
  });

  it("keep a hit once that comes again while it waits, as in a log that is read again", () => {
    const stream = new FindingStream(engineOf(correlation(1, count({ condition: { gte: 2 } }))), { maxRequests: 1 });
    const [first, other] = [at(0, "get"), at(1, "get", by("bob"))];
    const holds = [first, other, first, other].map((event) => {
      stream.push(event);
      return stream.holdsLast;
    });
    expect(holds).toEqual([true, true, false, false]);
    expect(stream.flush()).toEqual([]);
  });

  it("hold nothing of what came too late, nor of what belongs to a finding that was given", () => {
    const holds = (events: readonly AuditEvent[]): readonly boolean[] => {
      const stream = new FindingStream(engineOf(correlation(1, count({ condition: { gte: 2 } }))));
      return events.map((event) => {
        stream.push(event);
        return stream.holdsLast;
      });
    };
    expect(holds([at(0, "get"), at(100, "get"), at(0, "get")])).toEqual([true, true, false]);
    // The window that begins at 0 is given when the event at 100 comes, and goes to 60.
    const first = [at(0, "get"), at(10, "get"), at(100, "get")];
    const others = [at(50, "get"), at(50, "get", by("bob")), at(60.001, "get")];
    expect(holds([...first, ...others])).toEqual([true, true, true, false, true, true]);
  });

  it("find the same whatever the order within the lateness bound", () => {
    const engine = engineOf(
      correlation(1, count({ condition: { gte: 3 } })),
      correlation(2, count({ type: "temporal_ordered", rules: ["get", "list"], timespan: "20s" })),
      correlation(3, count({ condition: { gt: 1, lt: 4 } })),
    );
    const drawn = fc.record({
      second: fc.nat(300),
      verb: fc.constantFrom("get", "list"),
      who: fc.constantFrom("a", "b"),
      delay: fc.nat(59),
    });
    fc.assert(
      fc.property(fc.array(drawn, { maxLength: 40 }), (list) => {
        const events = list.map(({ second, verb, who, delay }) => ({
          second,
          delay,
          event: at(second, verb, by(who)),
        }));
        const inOrder = events.toSorted((a, b) => a.second - b.second).map(({ event }) => event);
        const mixed = events.toSorted((a, b) => a.second + a.delay - b.second - b.delay).map(({ event }) => event);
        const ids = (of: readonly AuditEvent[]): string[] =>
          run(engine, of)
            .map(({ id }) => id)
            .sort();
        expect(ids(mixed)).toEqual(ids(inOrder));
      }),
      { numRuns: 200 },
    );
  });
});
