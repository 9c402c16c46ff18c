import type { Finding, Severity } from "@auditsieve/detect";
import { describe, expect, test } from "vitest";
import { chooseFindings } from "./choose-findings.ts";
import { FindingKinds, headOfFinding } from "./finding-kinds.ts";

function finding(actor: string, detection: string, level: Severity, more: Partial<Finding> = {}): Finding {
  return {
    id: `${actor} ${detection}`,
    detection: { id: detection, title: detection, level, techniques: [] },
    time: "2026-11-24T00:00:00.000000Z",
    actor,
    summary: `${actor}: ${detection}`,
    outcome: "allowed",
    auditIDs: ["a"],
    events: [],
    ...more,
  } as unknown as Finding;
}

/** Two things under each of very many names. */
function flood(from: number, to: number): readonly Finding[] {
  return Array.from({ length: to - from }, (_, i) => [
    finding(`made-up-${from + i}`, "binding", "critical"),
    finding(`made-up-${from + i}`, "exec", "high"),
  ]).flat();
}

const DEEDS = [
  finding("eve", "binding", "critical"),
  finding("eve", "exec", "high"),
  finding("eve", "secrets", "high"),
  finding("eve", "token", "high", { outcome: "denied" }),
];

describe("chooseFindings", () => {
  test.each([
    ["before", [...flood(0, 200), ...DEEDS]],
    ["behind", [...DEEDS, ...flood(0, 200)]],
    ["around", [...flood(0, 100), ...DEEDS, ...flood(100, 200)]],
  ])("what one identity did is chosen although others were made up %s it", (_where, findings) => {
    const lines = findings.map((each) => JSON.stringify(each));
    const { findings: chosen, countOf } = chooseFindings(() => lines, { isSmall: false, mostBytes: 4_000 });
    expect(chosen.filter(({ actor }) => actor === "eve")).toEqual(DEEDS);
    expect(chosen.length).toBeLessThan(findings.length / 10);
    expect(DEEDS.map(({ detection }) => countOf("eve", detection.id))).toEqual([1, 1, 1, 1]);
    // The rest is of those who came first, in the order of time.
    const others = new Set(chosen.map(({ actor }) => actor).filter((actor) => actor !== "eve"));
    expect([...others]).toEqual(Array.from(others, (_, i) => `made-up-${i}`));
    expect(chosen.map(({ id }) => id)).toEqual(
      findings.map(({ id }) => id).filter((id) => chosen.some((one) => one.id === id)),
    );
  });

  test("who weighs most does not fill the room with the same thing again and again", () => {
    const often = Array.from({ length: 40 }, (_, i) =>
      ["binding", "exec", "secrets", "token", "debug"].map((detection) =>
        finding("made-up", detection, "high", { id: `${detection} ${i}` }),
      ),
    ).flat();
    const lines = [...often, ...DEEDS].map((each) => JSON.stringify(each));
    const { findings } = chooseFindings(() => lines, { isSmall: false, mostBytes: 4_000 });
    expect(findings.filter(({ actor }) => actor === "eve")).toEqual(DEEDS);
    expect(findings.length).toBeGreaterThan(10);
    expect(findings.length).toBeLessThan(40);
  });

  test("who did something else, if less, is chosen before more than ten who were made up alike", () => {
    const findings = [...flood(0, 200), finding("eve", "shell", "high")];
    const lines = findings.map((each) => JSON.stringify(each));
    const { findings: chosen } = chooseFindings(() => lines, { isSmall: false, mostBytes: 4_000 });
    expect(chosen.filter(({ actor }) => actor === "eve")).toHaveLength(1);
    expect(chosen.length).toBeGreaterThan(30);
    expect(chosen.length).toBeLessThan(100);
  });

  test("that something was refused is chosen although it was allowed before", () => {
    const allowed = Array.from({ length: 40 }, (_, i) => finding("made-up", "exec", "high", { id: `${i}` }));
    const refused = [finding("eve", "exec", "high"), finding("eve", "exec", "high", { outcome: "denied" })];
    const lines = [...allowed, ...refused].map((each) => JSON.stringify(each));
    const { findings, countOf } = chooseFindings(() => lines, { isSmall: false, mostBytes: 2_000 });
    expect(findings.filter(({ actor }) => actor === "eve")).toEqual(refused);
    expect(countOf("eve", "exec")).toBe(2);
  });

  test("of a large finding the bodies go and long names are cut", () => {
    const name = "x".repeat(100_000);
    const event = { auditID: "a", requestURI: `/api/${name}`, objectRef: { name }, requestObject: { name } };
    const large = finding("eve", "exec", "high", { object: name, events: [event] } as unknown as Partial<Finding>);
    const { findings } = chooseFindings(() => [JSON.stringify(large)], { isSmall: false, mostBytes: 4_000 });
    expect(findings.map(({ actor, events }) => [actor, events[0]?.auditID])).toEqual([["eve", "a"]]);
    expect(findings[0]?.events[0]).not.toHaveProperty("requestObject");
    expect(JSON.stringify(findings).length).toBeLessThan(2_000);
  });

  test("all is chosen where there is room for it", () => {
    const findings = [...flood(0, 20), ...DEEDS];
    const lines = findings.map((each) => JSON.stringify(each));
    expect(chooseFindings(() => lines, { isSmall: false }).findings).toEqual(findings);
  });

  test("a very long name counts as what it digests to", () => {
    const name = "x".repeat(10_000);
    const lines = [finding(name, "exec", "high"), finding(name, "exec", "high")].map((each) => JSON.stringify(each));
    const { countOf } = chooseFindings(() => lines, { isSmall: false });
    expect([countOf(name, "exec"), countOf(`${name}y`, "exec")]).toEqual([2, 0]);
  });
});

describe("FindingKinds", () => {
  test("forgets the half that weighs least, and counts who comes late", () => {
    const kinds = new FindingKinds(100);
    for (const each of [...DEEDS, ...flood(0, 300), finding("mallory", "binding", "critical")]) {
      kinds.count(each);
    }
    expect(kinds.heaviest()[0]).toMatchObject({ name: "eve", points: 60 + 30 + 30 + 60 });
    expect(kinds.of("mallory", "binding")).toBe(1);
    expect(kinds.heaviest().length).toBeLessThan(100);
    expect(kinds.of("made-up-200", "binding")).toBe(0);
  });
});

test("headOfFinding reads what stands before the events, whatever names look like", () => {
  const name = ',"events":[{"actor":"';
  const line = JSON.stringify(
    finding(name, "exec", "high", { events: [{ auditID: "b" }] } as unknown as Partial<Finding>),
  );
  expect(headOfFinding(line)).toMatchObject({ actor: name, detection: { id: "exec" }, outcome: "allowed" });
  expect(headOfFinding(line)).not.toHaveProperty("events");
});
