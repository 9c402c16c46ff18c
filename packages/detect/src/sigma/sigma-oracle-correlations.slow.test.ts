import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startRsigma } from "../../../../test/engines/sigma-oracle/sigma-oracle.ts";
import type { SigmaOracle } from "../../../../test/engines/sigma-oracle/sigma-oracle.ts";
import { meets } from "../definition/correlation.ts";
import type { Threshold } from "../definition/correlation.ts";
import { correlationOf, firings, logOf, madeSteps, ourGroups, textOf, verbRule } from "./sigma-oracle-log.suite.ts";
import type { LoggedEvent, Step } from "./sigma-oracle-log.suite.ts";

const SPANS: Readonly<Record<string, number>> = { "5s": 5, "20s": 20, "100s": 100 };
const timespan = fc.constantFrom("5s", "20s", "100s");
const INNER = "5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e18";

/** Types whose condition, once met, stays met when more is counted: with gt and gte. */
const growing = fc
  .record({
    type: fc.constantFrom("event_count", "value_count", "temporal", "temporal_ordered", "value_sum"),
    timespan,
    bound: fc.integer({ min: 1, max: 4 }),
    comparison: fc.constantFrom("gte", "gt"),
  })
  .map(({ type, timespan: span, bound, comparison }) => {
    const isTemporal = type.startsWith("temporal");
    const field = type === "value_count" ? "objectRef.name" : "responseStatus.code";
    return {
      type,
      rules: isTemporal ? ["r_get", "r_create"] : ["r_get"],
      "group-by": ["userAgent"],
      timespan: span,
      // Without a condition rsigma takes one of the rules for enough; the specification wants all.
      condition: isTemporal
        ? { gte: 2 }
        : {
            [comparison]: type === "value_sum" ? bound * 200 : bound,
            ...(type.startsWith("value_") && { field }),
          },
    };
  });

/** Types and conditions that a later event can undo. */
const undoable = fc
  .record({
    type: fc.constantFrom("event_count", "value_sum", "value_avg", "value_percentile"),
    timespan,
    bound: fc.constantFrom(150, 200, 250, 300, 400),
    comparison: fc.constantFrom("gte", "gt", "lt", "lte", "eq"),
    percentile: fc.constantFrom(0, 100),
  })
  .filter(({ type, comparison }) => type === "value_avg" || type === "value_percentile" || !comparison.startsWith("g"))
  .map(({ type, timespan: span, bound, comparison, percentile }) => ({
    type,
    rules: ["r_get"],
    "group-by": ["userAgent"],
    timespan: span,
    condition: {
      [comparison]: type === "event_count" ? bound / 50 - 2 : type === "value_sum" ? bound * 3 : bound,
      ...(type !== "event_count" && { field: "responseStatus.code" }),
      ...(type === "value_percentile" && { percentile }),
    },
  }));

/** The last event of each window: no other one of its group comes while the window's first is still in it. */
function isLastOfWindow(at: LoggedEvent, log: readonly LoggedEvent[], span: number): boolean {
  const group = log.filter(({ step }) => step.verb === "get" && step.who === at.step.who);
  const next = group.find(({ second }) => second > at.second);
  const first = group.find(({ second }) => second >= at.second - span);
  return !next || !first || next.second > first.second + span;
}

/** Closer together, so that inner correlations fire at all. */
const quickSteps = madeSteps.map((steps) => steps.map((step) => ({ ...step, wait: step.wait === 63 ? 1 : step.wait })));

const groupsOf = (events: readonly LoggedEvent[]): ReadonlySet<string> => new Set(events.map(({ step }) => step.who));

describe("Correlations as rsigma understands them", () => {
  let oracle: SigmaOracle;
  beforeAll(async () => {
    oracle = await startRsigma();
  }, 600_000);
  afterAll(() => oracle?.stop());

  it("fire for the same groups", async () => {
    const fired = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(growing, madeSteps, async (correlation, steps) => {
        const text = textOf(verbRule("get", 1), verbRule("create", 2), correlationOf(correlation));
        const log = logOf(steps);
        const theirs = groupsOf(await firings(oracle, text, log));
        const ours = ourGroups(text, log);
        fired.set(correlation.type, (fired.get(correlation.type) ?? 0) + ours.size);
        expect(ours, JSON.stringify({ correlation, steps })).toEqual(theirs);
      }),
      { numRuns: 1500 },
    );
    expect([...fired].filter(([, groups]) => groups < 20)).toEqual([]);
    expect(fired.size).toBe(5);
  });

  it("of averages, percentiles and upper bounds fire for the same groups at the end of each window", async () => {
    const fired = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(undoable, madeSteps, async (correlation, steps) => {
        const text = textOf(verbRule("get", 1), correlationOf(correlation));
        const log = logOf(steps);
        const fires = await firings(oracle, text, log);
        // rsigma measures a percentile and fires whatever it is.
        const theirs = fires.filter(
          ({ measured }) =>
            correlation.type !== "value_percentile" || meets(measured, correlation.condition as Threshold),
        );
        const atTheEnd = theirs.filter((one) => isLastOfWindow(one, log, SPANS[correlation.timespan] ?? 0));
        const ours = ourGroups(text, log);
        fired.set(correlation.type, (fired.get(correlation.type) ?? 0) + ours.size);
        const seen = JSON.stringify({ correlation, steps });
        expect(ours, seen).toEqual(groupsOf(atTheEnd));
      }),
      { numRuns: 1500 },
    );
    expect([...fired].filter(([, groups]) => groups < 20)).toEqual([]);
    expect(fired.size).toBe(4);
  });

  it("with aliases fire for the same groups: one group is a field of one rule and another field of another", async () => {
    const aliased = fc.record({ type: fc.constantFrom("event_count", "temporal", "temporal_ordered"), timespan });
    const fired = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(aliased, madeSteps, async ({ type, timespan: span }, steps) => {
        const correlation = {
          type,
          rules: ["r_get", "r_create"],
          aliases: { person: { r_get: "userAgent", r_create: "user.username" } },
          "group-by": ["person"],
          timespan: span,
          condition: { gte: type === "event_count" ? 3 : 2 },
        };
        const text = textOf(verbRule("get", 1), verbRule("create", 2), correlationOf(correlation));
        const log = logOf(steps);
        const theirs = new Set(
          (await firings(oracle, text, log)).map(({ event }) =>
            event.verb === "get" ? event.userAgent : event.user?.username,
          ),
        );
        const ours = ourGroups(text, log);
        fired.set(type, (fired.get(type) ?? 0) + ours.size);
        expect(ours, JSON.stringify({ correlation, steps })).toEqual(theirs);
      }),
      { numRuns: 1000 },
    );
    expect([...fired].filter(([, groups]) => groups < 20)).toEqual([]);
    expect(fired.size).toBe(3);
  });

  it("of correlations fire for no other groups, and for the same ones where the inner one does not repeat itself", async () => {
    const chained = fc.record({
      inner: fc.record({ type: fc.constantFrom("event_count", "value_count"), timespan, bound: fc.constantFrom(2, 3) }),
      type: fc.constantFrom("temporal", "temporal_ordered", "event_count"),
      timespan,
    });
    const compared = new Map<string, number>();
    let repeated = 0;
    await fc.assert(
      fc.asyncProperty(chained, quickSteps, async ({ inner, type, timespan: span }, steps) => {
        const isCount = type === "event_count";
        const text = textOf(
          verbRule("get", 1),
          verbRule("create", 2),
          correlationOf(
            {
              type: inner.type,
              rules: ["r_get"],
              "group-by": ["userAgent"],
              timespan: inner.timespan,
              condition: { gte: inner.bound, ...(inner.type === "value_count" && { field: "objectRef.name" }) },
            },
            INNER,
          ),
          correlationOf({
            type,
            rules: isCount ? ["c_8"] : ["c_8", "r_create"],
            "group-by": ["userAgent"],
            timespan: span,
            condition: { gte: isCount ? 1 : 2 },
          }),
        );
        const log = logOf(steps);
        const theirs = groupsOf(await firings(oracle, text, log));
        const firedInside = (await firings(oracle, text, log, INNER)).map(({ step }) => step.who);
        const repeats = new Set(firedInside.filter((who, index) => firedInside.indexOf(who) !== index));
        const ours = ourGroups(text, log);
        const seen = JSON.stringify({ inner, type, span, steps });
        expect(
          [...ours].filter((who) => !theirs.has(who)),
          seen,
        ).toEqual([]);
        expect(
          [...theirs].filter((who) => !ours.has(who) && !repeats.has(who)),
          seen,
        ).toEqual([]);
        repeated += [...theirs].filter((who) => !ours.has(who)).length;
        compared.set(type, (compared.get(type) ?? 0) + ours.size);
      }),
      {
        numRuns: 3000,
        // The inner one fires twice, only the second time near the creation: chance alone misses that once in many runs.
        examples: [
          [
            { inner: { type: "value_count", timespan: "100s", bound: 2 }, type: "temporal", timespan: "20s" },
            [
              { wait: 6, verb: "get", who: "bob", name: "c", code: 300 },
              { wait: 6, verb: "get", who: "bob", name: "a", code: 150 },
              { wait: 1, verb: "get", who: "bob", name: "c", code: 200 },
              { wait: 21, verb: "get", who: "bob", name: "c", code: 200 },
              { wait: 3, verb: "create", who: "bob", name: "a", code: 500 },
            ],
          ],
        ],
      },
    );
    expect([...compared].filter(([, groups]) => groups < 20)).toEqual([]);
    expect(compared.size).toBe(3);
    // It happens: otherwise docs/sigma.md names a difference that is none.
    expect(repeated).toBeGreaterThan(0);
  });

  const steps = (...codes: readonly number[]): readonly Step[] =>
    codes.map((code) => ({ wait: 1, verb: "get", who: "ann", name: "a", code }));
  it.each([
    {
      what: "an average that a later event undoes: rsigma fires before the window is over",
      condition: { type: "value_avg", condition: { field: "responseStatus.code", gte: 400 } },
      log: steps(500, 100),
      ours: false,
    },
    {
      what: "an upper bound: rsigma fires with the first event",
      condition: { type: "event_count", condition: { lt: 2 } },
      log: steps(200, 200),
      ours: false,
    },
    {
      what: "a percentile between two values: rsigma's lies between, ours is one that occurred",
      condition: { type: "value_percentile", condition: { field: "responseStatus.code", percentile: 50, eq: 150 } },
      log: steps(100, 200),
      measured: 150,
      ours: false,
    },
    {
      what: "a percentile whatever its bound: rsigma does not compare it",
      condition: { type: "value_percentile", condition: { field: "responseStatus.code", percentile: 0, gte: 900 } },
      log: steps(100, 200),
      ours: false,
    },
    {
      what: "an alias in the field of a condition: rsigma reads it as the name of a field",
      condition: {
        type: "value_count",
        aliases: { thing: { r_get: "objectRef.name" } },
        condition: { field: "thing", gte: 1 },
      },
      log: steps(200),
      ours: true,
    },
    {
      what: "events without the field of group-by: rsigma makes a group of them",
      condition: { type: "event_count", "group-by": ["impersonatedUser.username"], condition: { gte: 2 } },
      log: steps(200, 200),
      ours: false,
    },
    {
      what: "a value_sum of a correlation: rsigma has no values of inner correlations",
      condition: { type: "value_sum", rules: ["c_8"], condition: { field: "responseStatus.code", gte: 1 } },
      log: steps(200, 200, 200),
      ours: true,
    },
  ])("differ still: $what", async ({ condition, log: made, ours, measured }) => {
    const inner = {
      type: "event_count",
      rules: ["r_get"],
      "group-by": ["userAgent"],
      timespan: "20s",
      condition: { gte: 2 },
    };
    const asked = { rules: ["r_get"], "group-by": ["userAgent"], timespan: "20s", ...condition };
    const text = textOf(verbRule("get", 1), correlationOf(inner, INNER), correlationOf(asked));
    const log = logOf(made);
    const theirs = await firings(oracle, text, log);
    expect(ourGroups(text, log).size > 0).toBe(ours);
    expect(theirs.length > 0).toBe(!ours);
    if (measured !== undefined) expect(theirs.at(-1)?.measured).toBe(measured);
  });
});
