import { STAGES } from "@auditsieve/audit";
import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { all, any } from "./condition/expression.ts";
import type { Expression } from "./condition/expression.ts";
import { fieldPath } from "./condition/field-path.ts";
import { patternParts, patternTest } from "./condition/string-pattern.ts";
import { deriveNeeds } from "./definition/derive-needs.ts";
import type { Detection } from "./definition/detection.ts";
import { DetectionEngine, evaluateDetection } from "./detection-engine.ts";
import { FindingStream } from "./stream/finding-stream.ts";
import { headOf } from "./reading/event-parts.ts";
import { projectedCases, withoutPrefilter, withPrefilter } from "./plan/prefilter.suite.ts";
import { rememberingHeads } from "./remembering-head.suite.ts";
import { projectEvent } from "./project-event.suite.ts";
import { shippedDocuments } from "./shipped-detections.suite.ts";
import { runs } from "../../../test/property-runs.ts";

const FIELDS = [
  "verb",
  "stage",
  "level",
  "requestURI",
  "user.username",
  "user.groups",
  "user.uid",
  "impersonatedUser.username",
  "objectRef.resource",
  "objectRef.subresource",
  "objectRef.name",
  "objectRef.namespace",
  "responseStatus.code",
  "responseStatus.message",
  "annotations.authorization.k8s.io/decision",
  "annotations.authentication.k8s.io/x",
  "annotations",
  "requestObject",
  "requestObject.a",
  "requestObject.a.b",
  "responseObject.a",
  "sourceIPs",
] as const;
const TEXTS = [
  "get",
  "create",
  "delete",
  "watch",
  "pods",
  "exec",
  "x",
  "y",
  "403",
  "allow",
  "RequestReceived",
  "Metadata",
];

const leaf: fc.Arbitrary<Expression> = fc.oneof(
  fc
    .record({
      field: fc.constantFrom(...FIELDS),
      texts: fc.array(fc.constantFrom(...TEXTS, "*", "x*"), { minLength: 1, maxLength: 3 }),
      every: fc.boolean(),
    })
    .map(({ field, texts, every }): Expression => ({
      kind: "match",
      field: fieldPath(field),
      tests: texts.map((text) => patternTest(patternParts(text), false)),
      every,
    })),
  fc.constantFrom(...FIELDS).map((field): Expression => ({ kind: "null", field: fieldPath(field) })),
  fc.constantFrom(...FIELDS).map((field): Expression => ({ kind: "exists", field: fieldPath(field) })),
  fc.tuple(fc.constantFrom(...FIELDS), fc.constantFrom(...FIELDS)).map(([a, b]): Expression => ({
    kind: "fieldref",
    field: fieldPath(a),
    other: fieldPath(b),
    comparison: "equal",
    cased: false,
  })),
  fc.constantFrom(...TEXTS).map((text): Expression => ({
    kind: "keyword",
    tests: [patternTest(patternParts(`*${text}*`), false)],
    every: false,
  })),
  fc.constantFrom(...TEXTS).map((text): Expression => ({
    kind: "same",
    field: fieldPath("requestObject.a"),
    of: { kind: "match", field: fieldPath("b"), tests: [patternTest(patternParts(text), false)], every: false },
  })),
);

const condition: fc.Arbitrary<Expression> = fc.letrec<{ node: Expression }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    fc.array(tie("node"), { minLength: 1, maxLength: 3 }).map(all),
    fc.array(tie("node"), { minLength: 1, maxLength: 3 }).map(any),
    tie("node").map((of): Expression => ({ kind: "not", of })),
  ),
})).node;

const text = fc.constantFrom(...TEXTS);
const body: fc.Arbitrary<JsonValue> = fc.constantFrom<JsonValue>(
  { a: "x" },
  { a: { b: "y" } },
  { a: [{ b: "x" }, { b: "y" }] },
  [{ a: "x" }],
  {},
  { a: null },
);
const event: fc.Arbitrary<AuditEvent> = fc
  .record(
    {
      level: fc.constantFrom("Metadata", "Request", "RequestResponse"),
      auditID: fc.constant("id"),
      stage: fc.constantFrom(...STAGES),
      requestURI: fc.constantFrom("/x", "/api/v1/pods", "/api/v1/pods/x/exec"),
      verb: fc.constantFrom("get", "list", "watch", "create", "patch", "delete", "deletecollection", ""),
      user: fc.record({ username: text, groups: fc.array(text, { maxLength: 2 }), uid: text }, { requiredKeys: [] }),
      impersonatedUser: fc.record({ username: text }),
      sourceIPs: fc.array(text, { maxLength: 2 }),
      objectRef: fc.record(
        {
          resource: fc.constantFrom("pods", "x", "namespaces"),
          subresource: fc.constantFrom("exec", "log", "status"),
          name: text,
          namespace: text,
        },
        { requiredKeys: ["resource"] },
      ),
      responseStatus: fc.record(
        { code: fc.constantFrom(200, 201, 400, 401, 403, 500), message: text },
        { requiredKeys: ["code"] },
      ),
      requestObject: body,
      responseObject: body,
      annotations: fc.dictionary(
        fc.constantFrom("authorization.k8s.io/decision", "authentication.k8s.io/x", "audit.k8s.io/truncated"),
        text,
      ),
    },
    { requiredKeys: ["level", "auditID", "stage", "requestURI", "verb", "user"] },
  )
  // What no apiserver writes at RequestReceived is taken out of it.
  .map((drawn) =>
    drawn.stage === "RequestReceived"
      ? withAuthenticator(projectEvent(drawn as AuditEvent, "RequestResponse", "RequestReceived"), drawn.annotations)
      : (drawn as AuditEvent),
  );

function withAuthenticator(early: AuditEvent, annotations: Readonly<Record<string, string>> | undefined): AuditEvent {
  const value = annotations?.["authentication.k8s.io/x"];
  return value === undefined ? early : { ...early, annotations: { "authentication.k8s.io/x": value } };
}

function detectionOf(expression: Expression, id: number): Detection {
  return {
    id: String(id),
    title: String(id),
    severity: "low",
    references: [],
    tags: [],
    techniques: [],
    falsePositives: [],
    runbook: [],
    file: "",
    needs: deriveNeeds(expression),
    condition: expression,
  };
}

describe("DetectionEngine", () => {
  it("gives with the head prefilter exactly what it gives without, for any conditions and events", () => {
    fc.assert(
      fc.property(
        fc.array(condition, { minLength: 1, maxLength: 4 }),
        fc.array(event, { minLength: 1, maxLength: 6 }),
        (conditions, events) => {
          const detections = conditions.map(detectionOf);
          const engine = new DetectionEngine(detections);
          const headIn = rememberingHeads();
          for (const one of events) {
            const expected = withoutPrefilter(detections, one);
            expect(withPrefilter(engine, one)).toEqual(expected);
            expect(withPrefilter(engine, one, headIn(one))).toEqual(expected);
            expect(engine.mayHit(headOf(one)) || withoutPrefilter(detections, one).length === 0).toBe(true);
          }
        },
      ),
      { numRuns: runs(300) },
    );
  });

  it("gives the same for every shipped case, each at one level and stage", () => {
    const engine = new DetectionEngine(shippedDocuments);
    const headIn = rememberingHeads();
    for (const less of projectedCases((index, ways) => [index % ways])) {
      expect(withPrefilter(engine, less, headIn(less))).toEqual(withoutPrefilter(shippedDocuments, less));
    }
  });

  it("settles what no detection is about by its head, without reading the rest", () => {
    const stream = new FindingStream(new DetectionEngine(shippedDocuments));
    const lease = {
      level: "RequestResponse",
      auditID: "a",
      stage: "ResponseComplete",
      requestURI: "/apis/coordination.k8s.io/v1/leases",
      verb: "update",
      user: { username: "system:node:a", groups: ["system:nodes"] },
      objectRef: { resource: "leases" },
      responseStatus: { code: 200 },
    } as const;
    expect(stream.candidates(headOf(lease))).toEqual([]);
    expect(stream.candidates(headOf({ ...lease, user: { username: "system:anonymous" } }))).not.toEqual([]);
  });

  it("takes a detection that spells a resource or verb in capitals for one about it", () => {
    const wanted = all(
      [
        ["objectRef.resource", "Pods"],
        ["verb", "Get"],
      ].map(([field = "", word = ""]) => ({
        kind: "match",
        field: fieldPath(field),
        tests: [patternTest([word], true)],
        every: false,
      })),
    );
    const engine = new DetectionEngine([detectionOf(wanted, 1)]);
    const strange = { level: "Metadata", auditID: "a", stage: "ResponseComplete", requestURI: "/", user: {} } as const;
    expect(engine.evaluate({ ...strange, verb: "Get", objectRef: { resource: "Pods" } })).toHaveLength(1);
    expect(engine.evaluate({ ...strange, verb: "get", objectRef: { resource: "pods" } })).toEqual([]);
  });

  it("keeps tuples apart that a made-up value could make look alike", () => {
    const wanted: Expression = {
      kind: "and",
      of: [
        { kind: "match", field: fieldPath("user.username"), tests: [patternTest(["a"], false)], every: false },
        { kind: "match", field: fieldPath("userAgent"), tests: [patternTest(["b"], false)], every: false },
      ],
    };
    const engine = new DetectionEngine([detectionOf(wanted, 1)]);
    const base = { level: "Metadata", auditID: "a", stage: "ResponseComplete", requestURI: "/", verb: "get" } as const;
    expect(engine.evaluate({ ...base, user: { username: "a1:b" } })).toEqual([]);
    expect(engine.evaluate({ ...base, user: { username: "a" }, userAgent: "b" })).toHaveLength(1);
  });
});

/** Bodies only where a request can carry them. */
function asWritten(drawn: AuditEvent): AuditEvent {
  const { requestObject, responseObject, ...rest } = drawn;
  const { resource, subresource } = drawn.objectRef ?? {};
  const isPlain = resource !== undefined && subresource !== "exec";
  const writes = /^(?:create|update|patch|delete|deletecollection)$/.test(drawn.verb);
  const answers = drawn.verb !== "watch" && subresource !== "log";
  return {
    ...rest,
    ...(isPlain && writes && requestObject !== undefined && { requestObject }),
    ...(isPlain && answers && responseObject !== undefined && { responseObject }),
  };
}

/** Fields whose own value changes when less is recorded, so that conditions on them may flip. */
const TELLING = /^(?:stage|level)$/;

describe("less information", () => {
  it("never turns one definite outcome into the other", () => {
    const readsTelling = (expression: Expression): boolean => {
      switch (expression.kind) {
        case "and":
        case "or":
          return expression.of.some(readsTelling);
        case "not":
          return readsTelling(expression.of);
        case "keyword":
          return true;
        case "fieldref":
          return TELLING.test(expression.field.text) || TELLING.test(expression.other.text);
        case "match":
        case "null":
        case "exists":
        case "same":
        default:
          return TELLING.test(expression.field.text);
      }
    };
    const recorded = event.map((one): AuditEvent =>
      asWritten({ ...one, stage: "ResponseComplete", level: "RequestResponse" }),
    );
    fc.assert(
      fc.property(
        condition.filter((one) => !readsTelling(one)),
        recorded,
        fc.constantFrom("Metadata", "Request", "RequestResponse"),
        fc.constantFrom(...STAGES),
        (one, full, level, stage) => {
          const detection = detectionOf(one, 1);
          const known = evaluateDetection(detection, full);
          const less = evaluateDetection(detection, projectEvent(full, level, stage));
          expect(less === "unknown" || less === known).toBe(true);
        },
      ),
      { numRuns: runs(1500) },
    );
  });
});
