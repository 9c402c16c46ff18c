import { readFileSync } from "node:fs";
import { LEVELS, STAGES } from "@auditsieve/audit";
import type { AuditEvent, Stage } from "@auditsieve/audit";
import { describe, expect, it } from "vitest";
import { fieldsRead } from "./definition/fields-read.ts";
import type { Detection } from "./definition/detection.ts";
import type { Outcome } from "./detection-engine.ts";
import { evaluateCase, hasState } from "./evaluate-case.ts";
import { mutantsOf, mutantsOfCorrelation, mutantsOfFirstSeen } from "./mutations.suite.ts";
import { projectEvent, withNameAlone } from "./project-event.suite.ts";
import {
  CASE_SOURCES,
  casesWithoutDetection,
  closureOf,
  isCorrelationHit,
  shippedDetections,
  shippedDocuments,
} from "./shipped-detections.suite.ts";
import type { ShippedDetection } from "./shipped-detections.suite.ts";

describe("profiles/detections", () => {
  it("has a detection beside every case file, and no id or title twice", () => {
    expect(casesWithoutDetection).toEqual([]);
    expect(new Set(shippedDocuments.map(({ id }) => id)).size).toBe(shippedDocuments.length);
    expect(new Set(shippedDocuments.map(({ title }) => title)).size).toBe(shippedDocuments.length);
  });
});

/** What the detection says of a case's events, with `documents` in the place of those of its own file. */
function outcomeOf(detection: Detection, documents: readonly Detection[], events: readonly AuditEvent[]): Outcome {
  if (detection.correlation) {
    return isCorrelationHit(detection, documents, events) ? "hit" : "miss";
  }
  const event = events.at(-1);
  return event ? evaluateCase(detection, event, events.slice(0, -1), documents) : "miss";
}

/** Remembered fields are there for requests of their own kind alone: to say of which narrows the needs, not the hits. */
function isImplied(what: string, condition: Detection["condition"]): boolean {
  const reads = [...fieldsRead(condition)];
  return (
    (what === "objectRef.resource removed" && reads.some((field) => /^auditsieve\.(?:pod|csr)\./.test(field))) ||
    (what === "verb removed" && reads.includes("auditsieve.selfGrant"))
  );
}

/** A way to get the detection a little wrong, and what it then says of a case's events. */
interface WrongDetection {
  readonly what: string;
  readonly outcomeOf: (events: readonly AuditEvent[]) => Outcome;
}

function wrongDetectionsOf({ detection, parts }: ShippedDetection): readonly WrongDetection[] {
  if (!detection.correlation) {
    const { condition, firstSeen, ...rest } = detection;
    const wrong = (what: string, changed: Detection): WrongDetection => ({
      what,
      outcomeOf: (events) => outcomeOf(changed, [], events),
    });
    return [
      ...mutantsOf(condition)
        .filter(({ what }) => !isImplied(what, condition))
        .map(({ what, condition: mutant }) => wrong(what, { ...detection, condition: mutant, needs: [] })),
      ...(firstSeen ? mutantsOfFirstSeen(firstSeen) : []).map(({ what, firstSeen: mutant }) =>
        wrong(what, { ...detection, firstSeen: mutant }),
      ),
      ...(firstSeen ? [wrong("whether new or not", { ...rest, condition })] : []),
    ];
  }
  const documents = closureOf(detection, shippedDocuments);
  const wrong = (what: string, one: Detection, by: Detection): WrongDetection => {
    const replaced = [...documents.filter((other) => other !== one), by];
    return {
      what: `${one.title}: ${what}`,
      outcomeOf: (events) => (isCorrelationHit(detection, replaced, events) ? "hit" : "miss"),
    };
  };
  return [detection, ...parts].flatMap((one) =>
    one.correlation
      ? mutantsOfCorrelation(one.correlation).map(({ what, correlation }) => wrong(what, one, { ...one, correlation }))
      : mutantsOf(one.condition).map(({ what, condition }) => wrong(what, one, { ...one, condition, needs: [] })),
  );
}

/** As the detection, asked about each case once. */
function remembering({ what, outcomeOf: ask }: WrongDetection): WrongDetection {
  const outcomes = new Map<readonly AuditEvent[], Outcome>();
  return {
    what,
    outcomeOf: (events) => {
      const outcome = outcomes.get(events) ?? ask(events);
      outcomes.set(events, outcome);
      return outcome;
    },
  };
}

/** What a log may say less than another: a lower level, an earlier stage, or of who did it the name alone. */
interface Less {
  readonly what: string;
  readonly stage?: Stage;
  readonly of: (event: AuditEvent) => AuditEvent;
}

const LESS: readonly Less[] = [
  ...LEVELS.filter((level) => level !== "None").flatMap((level) =>
    STAGES.map((stage) => ({
      what: `${level} ${stage}`,
      stage,
      of: (event: AuditEvent) => projectEvent(event, level, stage),
    })),
  ),
  { what: "a record without groups and credential", of: withNameAlone },
];

describe.each(shippedDetections)("$name", (shipped) => {
  const { name, detection, cases } = shipped;
  const documents = closureOf(detection, shippedDocuments);
  let made: readonly WrongDetection[] | undefined;
  const wrongDetections = (): readonly WrongDetection[] => (made ??= wrongDetectionsOf(shipped).map(remembering));

  it("says what a responder needs", () => {
    expect(detection.description).toBeTruthy();
    expect(detection.techniques).not.toEqual([]);
    expect(detection.references).not.toEqual([]);
    expect(detection.falsePositives).not.toEqual([]);
    expect(detection.runbook.map((step) => step.split(" ")[0])).toEqual(detection.runbook.map((_, n) => `${n + 1}.`));
    expect(detection.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it("has at least two hits and two near misses, each with its origin", () => {
    expect(cases.filter((one) => one.expect === "hit").length).toBeGreaterThanOrEqual(2);
    expect(cases.filter((one) => one.expect === "miss").length).toBeGreaterThanOrEqual(2);
    for (const one of cases) {
      expect(one.why).toBeTruthy();
      expect(CASE_SOURCES).toContain(one.source);
      expect(one.auditID).toBe(one.events.at(-1)?.auditID);
      expect(one.events.length > 1).toBe(hasState(detection) && one.events.length > 1);
    }
  });

  it("has two hits as they were recorded, and two recorded near misses that one condition keeps from being hits", () => {
    const recorded = cases.filter(({ source }) => source !== "synthetic");
    expect(recorded.filter((one) => one.expect === "hit").length).toBeGreaterThanOrEqual(2);
    const wrong = wrongDetections();
    const near = recorded.filter(
      ({ expect: expected, events }) => expected === "miss" && wrong.some((one) => one.outcomeOf(events) === "hit"),
    );
    expect(near.length).toBeGreaterThanOrEqual(2);
  });

  it("keeps no token, key, certificate or secret value in its cases", () => {
    const text = readFileSync(new URL(`../../../profiles/detections/${name}.cases.ndjson`, import.meta.url), "utf8");
    // A signing request holds a public key and a name, which is what a detection reads of it.
    const rest = text.replaceAll(/"request\\?":\\?"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNU[\w+/=]{1,2000}\\?"/g, "");
    expect(rest).not.toMatch(/eyJ[\w-]{10,}\.|LS0tLS1CRUdJTi|-----BEGIN|[A-Za-z0-9+/]{200,}/);
    expect(text).not.toMatch(/last-applied-configuration":"(?!redacted:)/);
  });

  it.each(cases)("$expect: $why", ({ expect: expected, events }) => {
    expect(outcomeOf(detection, documents, events)).toBe(expected);
  });

  it("never turns from miss to hit when the log says less", () => {
    const wrong = cases.flatMap(({ events, expect: expected, why }) => {
      // Of an event of a low level most levels leave the same.
      const outcomes = new Map<string, Outcome>();
      return LESS.flatMap(({ what, stage, of }) => {
        // What a log told earlier is another matter: without it everything would be new.
        const isLess = (index: number): boolean => detection.correlation !== undefined || index === events.length - 1;
        const projected = events.map((event, index) => (isLess(index) ? of(event) : event));
        const said = JSON.stringify(projected);
        const outcome = outcomes.get(said) ?? outcomeOf(detection, documents, projected);
        outcomes.set(said, outcome);
        // A stream waits at RequestReceived for what decides, and does not count what never came.
        const waits = hasState(detection) && stage === "RequestReceived";
        const flipped =
          detection.correlation || waits
            ? expected === "miss" && outcome === "hit"
            : outcome !== "unknown" && outcome !== expected;
        return flipped ? [`${why} at ${what}: ${expected} became ${outcome}`] : [];
      });
    });
    expect(wrong).toEqual([]);
  });

  it("has a case for every leaf and every value: each mutant fails one", () => {
    const survivors = wrongDetections().filter((wrong) =>
      cases.every(({ events, expect: expected }) => wrong.outcomeOf(events) === expected),
    );
    expect(survivors.map(({ what }) => what)).toEqual([]);
  });
});
