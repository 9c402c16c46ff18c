import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { BodyVerdicts, LeftConditions } from "./body-verdicts.ts";
import { evaluate } from "../condition/evaluate.ts";
import type { Truth } from "../condition/evaluate.ts";
import { fieldPath } from "../condition/field-path.ts";
import type { Detection } from "../definition/detection.ts";
import { eventReader } from "./field-readers.ts";
import { findPaths, headOf, partOf } from "../reading/event-parts.ts";
import type { PartlyParsed } from "../reading/event-parts.ts";
import { loadDetections } from "../load-detections.ts";

const FIELDS = ["a", "b", "c", "d", "e"].map((key) => `requestObject.${key}: x`).join("\n      - ");

function detectionOf(condition: string): Detection {
  const { detections } = loadDetections(
    `
title: Of a body
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10
level: low
logsource: { product: kubernetes, service: audit }
detection:
  many:
      - ${FIELDS}
  few: { requestObject.a: x }
  named: { objectRef.name: n }
  words: ["x"]
  elements: { requestObject.rules|same: { verbs: '\\*', resources: '\\*' } }
  condition: ${condition}
`,
    "body.yml",
  );
  return detections[0] as Detection;
}

/** An event that is parsed as it is read, as far as a body's bytes are asked for. */
function eventOf(body: unknown): AuditEvent & PartlyParsed {
  const plain: AuditEvent = {
    level: "Request",
    auditID: "a",
    stage: "ResponseComplete",
    requestURI: "/",
    verb: "create",
    user: { username: "eve" },
    objectRef: { resource: "pods", name: "n" },
    requestObject: body as JsonValue,
  };
  const text = JSON.stringify(body);
  const partly: PartlyParsed = {
    toJSON: () => plain,
    time: Number.NaN,
    micros: Number.NaN,
    idHash: 0,
    get: (field) => headOf(plain).get(field),
    has: (body) => plain[body] !== undefined,
    isRequestURI: (uri) => plain.requestURI === uri,
    isWithoutQuery: () => false,
    isReceivedAt: (time) => plain.requestReceivedTimestamp === time,
    isMissing: (body) => (plain[body] ?? null) === null,
    lacksAll: () => false,
    part: (name, keys) => partOf(plain, name, ...keys),
    find: (name, paths) => findPaths(plain, name, paths),
    isObject: () => false,
    member: () => undefined,
    holdsNone: () => false,
    spelling: (_, maxLength) => (text.length > maxLength ? undefined : text),
  };
  return { ...plain, ...partly };
}

describe("BodyVerdicts", () => {
  const ofBody = detectionOf("many");
  const mixed = detectionOf("many and named");
  const searching = detectionOf("many or words");
  const left = (): LeftConditions => {
    const made = new LeftConditions(new Map([ofBody, mixed, searching].map((one) => [one, one.condition])));
    // Met before.
    expect(made.ofBody.size).toBe(0);
    return made;
  };
  const asking = (event: AuditEvent): { asked: number; of: (condition: Detection["condition"]) => Truth } => {
    const reader = eventReader(event);
    const state = {
      asked: 0,
      of: (condition: Detection["condition"]): Truth => {
        state.asked++;
        return evaluate(condition, reader);
      },
    };
    return state;
  };

  it("asks conditions that read nothing but the body once for each body, and leaves the others open", () => {
    const verdicts = new BodyVerdicts();
    const conditions = left();
    for (const [body, truth] of [
      [{ a: "x" }, true],
      [{ a: "y" }, false],
      [{ a: "x " }, false],
      [null, false],
    ] as const) {
      const event = eventOf(body);
      const ask = asking(event);
      const first = verdicts.about(event, conditions, ask);
      expect(first?.of(ofBody)).toBe(body === null ? evaluate(ofBody.condition, eventReader(event)) : truth);
      expect(first?.of(mixed)).toBe("open");
      expect(first?.of(searching)).toBe("open");
      expect(verdicts.about(event, conditions, ask)).toBe(first);
      expect(ask.asked).toBe(1);
    }
  });

  it("asks each element of a list in a body once for each body, however few fields that reads", () => {
    const verdicts = new BodyVerdicts();
    const roles = detectionOf("elements");
    const denied = detectionOf("not elements");
    const conditions = new LeftConditions(new Map([roles, denied].map((one) => [one, one.condition])));
    expect(conditions.ofBody.size).toBe(0);
    for (const [body, truth] of [
      [{ rules: [{ verbs: ["get"], resources: ["pods"] }] }, false],
      [{ rules: [{ verbs: ["get", "*"], resources: ["pods"] }] }, false],
      [{ rules: [{ verbs: ["*"], resources: ["pods", "*"] }] }, true],
    ] as const) {
      for (const asked of [2, 0]) {
        const event = eventOf(body);
        const ask = asking(event);
        const verdict = verdicts.about(event, conditions, ask);
        expect([verdict?.of(roles), verdict?.of(denied)]).toEqual([truth, !truth]);
        expect(ask.asked).toBe(asked);
      }
    }
  });

  it("does not take what one head leaves for what another one does", () => {
    const verdicts = new BodyVerdicts();
    const event = eventOf({ b: "x" });
    const negated = new LeftConditions(new Map([[ofBody, { kind: "not", of: ofBody.condition } as const]]));
    expect(negated.ofBody.size).toBe(0);
    expect(verdicts.about(event, left(), asking(event))?.of(ofBody)).toBe(true);
    expect(verdicts.about(event, negated, asking(event))?.of(ofBody)).toBe(false);
  });

  it("asks once about all events without a body, apart for where it is unknown and where it is absent", () => {
    const verdicts = new BodyVerdicts();
    const conditions = left();
    const without = (verb: string, level: AuditEvent["level"]): AuditEvent & PartlyParsed => {
      const { requestObject: _, ...event } = eventOf({});
      const { requestObject: __, ...whole } = event.toJSON();
      const plain: AuditEvent = { ...whole, verb, level };
      return { ...event, verb, level, toJSON: () => plain, get: (field) => headOf(plain).get(field), has: () => false };
    };
    for (const [verb, level, truth, asked] of [
      ["create", "Metadata", undefined, 1],
      ["patch", "Request", undefined, 0],
      ["get", "Request", false, 1],
      ["delete", "Metadata", undefined, 0],
      ["delete", "Request", false, 0],
    ] as const) {
      const event = without(verb, level);
      const ask = asking(event);
      expect(verdicts.about(event, conditions, ask)?.of(ofBody)).toBe(truth);
      expect(evaluate(ofBody.condition, eventReader(event))).toBe(truth);
      expect(ask.asked, `${verb} ${level}`).toBe(asked);
    }
  });

  it("knows of few fields only what no body says of them", () => {
    const few = detectionOf("few");
    const conditions = new LeftConditions(new Map([[few, few.condition]]));
    expect(conditions.ofBody.size).toBe(0);
    const verdicts = new BodyVerdicts();
    const event = eventOf({ a: "x" });
    expect(verdicts.about(event, conditions, asking(event))).toBeUndefined();
    const { requestObject: _, ...bare } = event.toJSON();
    for (const asked of [1, 0]) {
      const ask = asking(bare);
      expect(verdicts.about(bare, conditions, ask)?.of(few)).toBe(evaluate(few.condition, eventReader(bare)));
      expect(ask.asked).toBe(asked);
    }
  });

  it("takes a body without the keys that few fields ask for as an absent one, unless one of them is the body itself", () => {
    const few = detectionOf("few");
    const denied = detectionOf("not few");
    const { condition } = few;
    const whole: Detection = { ...few, condition: { kind: "exists", field: fieldPath("requestObject") } };
    const verdicts = new BodyVerdicts();
    const about = (event: AuditEvent, ...detections: readonly Detection[]): ReturnType<BodyVerdicts["about"]> => {
      const conditions = new LeftConditions(new Map(detections.map((one) => [one, one.condition])));
      expect(conditions.ofBody.size).toBe(0);
      return verdicts.about(event, conditions, asking(event));
    };
    const lacking = { ...eventOf({ b: "x" }), lacksAll: () => true };
    const verdict = about(lacking, few, denied);
    expect([verdict?.of(few), verdict?.of(denied)]).toEqual([false, true]);
    expect([condition, denied.condition].map((one) => evaluate(one, eventReader(lacking)))).toEqual([false, true]);
    expect(about(lacking, few, whole)).toBeUndefined();
    expect(about(eventOf({ a: "x" }), few, denied)).toBeUndefined();
  });

  it("holds nothing of the event that was asked", async () => {
    const asked: WeakRef<object>[] = [];
    const verdicts = new BodyVerdicts();
    const conditions = left();
    const answer = (a: string): Truth | "open" => {
      const event = eventOf({ a });
      const ask = asking(event);
      asked.push(new WeakRef(event), new WeakRef(ask));
      return verdicts.about(event, conditions, ask)?.of(ofBody);
    };
    expect(["x", "y"].map(answer)).toEqual([true, false]);
    await setImmediate();
    collectGarbage();
    expect(asked.map((each) => each.deref())).toEqual([undefined, undefined, undefined, undefined]);
    expect(verdicts.about(eventOf({ a: "x" }), conditions, asking(eventOf({ a: "x" })))?.of(ofBody)).toBe(true);
  });

  it("leaves a body that is long alone", () => {
    const event = eventOf({ a: "x".repeat(20_000) });
    expect(new BodyVerdicts().about(event, left(), asking(event))).toBeUndefined();
  });

  it("answers as before after it has started again", () => {
    const verdicts = new BodyVerdicts();
    const conditions = left();
    const answer = (n: number): Truth | "open" => {
      const event = eventOf({ a: n % 3 === 0 ? "x" : "y", n });
      return verdicts.about(event, conditions, asking(event))?.of(ofBody);
    };
    const answers = Array.from({ length: 9000 }, (_, n) => answer(n));
    expect(answers.every((truth, n) => truth === (n % 3 === 0))).toBe(true);
    const event = eventOf({ a: "x", n: 0 });
    const ask = asking(event);
    verdicts.about(event, conditions, ask);
    expect(ask.asked).toBe(1);
    expect(answer(0)).toBe(true);
  });
});

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  setFlagsFromString("--no-expose-gc");
}
