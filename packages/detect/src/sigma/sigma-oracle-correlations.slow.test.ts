import type { AuditEvent } from "@auditsieve/audit";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startRsigma } from "../../../../test/engines/sigma-oracle/sigma-oracle.ts";
import type { SigmaOracle } from "../../../../test/engines/sigma-oracle/sigma-oracle.ts";
import { DetectionEngine } from "../detection-engine.ts";
import { FindingStream } from "../finding-stream.ts";
import { loadDetections } from "../load-detections.ts";

const NOON = Date.parse("2026-11-24T12:00:00Z");
const LOGSOURCE = { product: "kubernetes", service: "audit" };
const rule = (verb: string, number: number): object => ({
  title: verb,
  name: `r_${verb}`,
  id: `5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e1${number}`,
  status: "test",
  level: "low",
  logsource: LOGSOURCE,
  detection: { s: { verb }, condition: "s" },
});

interface Step {
  readonly wait: number;
  readonly verb: string;
  readonly who: string;
  readonly name: string;
}

const correlation = fc
  .record({
    type: fc.constantFrom("event_count", "value_count", "temporal", "temporal_ordered", "value_sum", "value_avg"),
    timespan: fc.constantFrom("5s", "20s", "100s"),
    bound: fc.integer({ min: 1, max: 4 }),
    comparison: fc.constantFrom("gte", "gt"),
  })
  .map(({ type, timespan, bound, comparison }) => {
    const isTemporal = type.startsWith("temporal");
    const field = type === "value_count" ? "objectRef.name" : "responseStatus.code";
    return {
      title: "c",
      id: "5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e19",
      status: "test",
      level: "high",
      correlation: {
        type,
        rules: isTemporal ? ["r_get", "r_create"] : ["r_get"],
        "group-by": ["userAgent"],
        timespan,
        // Without a condition rsigma takes one of the rules for enough; the specification wants all.
        condition: isTemporal
          ? { gte: 2 }
          : {
              [comparison]: type.startsWith("value_") && type !== "value_count" ? bound * 100 : bound,
              ...(type.startsWith("value_") && { field }),
            },
      },
    };
  });
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    wait: fc.constantFrom(3, 6, 21, 63),
    verb: fc.constantFrom("get", "create", "list"),
    who: fc.constantFrom("ann", "bob"),
    name: fc.constantFrom("a", "b", "c"),
  }),
  { minLength: 1, maxLength: 25 },
);

function eventsOf(of: readonly Step[]): readonly { readonly event: AuditEvent; readonly second: number }[] {
  let second = 0;
  return of.map(({ wait, verb, who, name }, index) => {
    second += wait;
    // rsigma counts in seconds: two events are never of one, nor as far apart as a time span.
    const time = new Date(NOON + second * 1000).toISOString().replace("Z", "000Z");
    return {
      second: NOON / 1000 + second,
      event: {
        level: "RequestResponse",
        auditID: `a${index}`,
        stage: "ResponseComplete",
        requestURI: `/${index}`,
        verb,
        user: { username: "u" },
        userAgent: who,
        objectRef: { resource: "pods", name },
        responseStatus: { code: 100 + index },
        requestReceivedTimestamp: time,
        stageTimestamp: time,
      },
    };
  });
}

describe("Correlations as rsigma understands them", () => {
  let oracle: SigmaOracle;
  beforeAll(async () => {
    oracle = await startRsigma();
  });
  afterAll(() => oracle?.stop());

  it("fire for the same groups", async () => {
    const fired = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(correlation, steps, async (document, of) => {
        const text = [rule("get", 1), rule("create", 2), document].map((one) => JSON.stringify(one)).join("\n---\n");
        const log = eventsOf(of);
        const answer = await oracle.ask({
          rule: text,
          events: log.map(({ event }) => event),
          seconds: log.map(({ second }) => second),
        });
        expect(answer.refused).toBeUndefined();
        const theirs = new Set(log.flatMap(({ event }, index) => (answer.hits?.[index] ? [event.userAgent] : [])));
        const { detections, problems } = loadDetections(text, "c.yml");
        expect(problems).toEqual([]);
        const stream = new FindingStream(new DetectionEngine(detections));
        const findings = [...log.flatMap(({ event }) => stream.push(event)), ...stream.flush()];
        const ours = new Set(findings.flatMap((one) => (one.correlation ? Object.values(one.correlation.group) : [])));
        const { type } = document.correlation;
        fired.set(type, (fired.get(type) ?? 0) + ours.size);
        expect(ours, JSON.stringify({ correlation: document.correlation, of })).toEqual(theirs);
      }),
      { numRuns: 1500 },
    );
    expect([...fired].filter(([, groups]) => groups < 20)).toEqual([]);
    expect(fired.size).toBe(6);
  });
});
