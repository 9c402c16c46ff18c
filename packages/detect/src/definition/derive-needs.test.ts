import type { JsonValue, Need } from "@auditsieve/audit";
import { describe, expect, it } from "vitest";
import { loadDetections } from "../load-detections.ts";
import { shippedDetections } from "../shipped-detections.suite.ts";

function needsOf(detection: JsonValue): readonly Need[] {
  const text = JSON.stringify({
    title: "t",
    id: "5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10",
    level: "low",
    logsource: { product: "kubernetes" },
    detection,
  });
  return loadDetections(text, "t.yml").detections[0]?.needs ?? [];
}
const PODS = { "objectRef.resource": "pods", "objectRef.subresource": "exec" };

describe("needs", () => {
  it("name verbs, resources with subresources, stages, level and fields", () => {
    expect(needsOf({ s: { verb: ["get", "Create"], ...PODS }, condition: "s" })).toEqual([
      {
        request: { verbs: ["create", "get"], resources: ["pods/exec"] },
        stages: ["RequestReceived", "ResponseStarted", "ResponseComplete"],
        level: "Metadata",
        fields: ["objectRef.resource", "objectRef.subresource", "verb"],
      },
    ]);
  });

  it("keep a way that needs no body beside one of the same requests that does", () => {
    const needs = needsOf({
      s: { verb: "patch", ...PODS },
      head: { userAgent: "x" },
      body: { "requestObject.a": "x" },
      condition: "s and (head or body)",
    });
    expect(needs.map(({ level, fields }) => [level, fields.includes("userAgent")])).toEqual([
      ["Metadata", true],
      ["Request", false],
    ]);
  });

  it.each([
    [
      "a code is known after RequestReceived",
      { "responseStatus.code": 200, "objectRef.resource": "pods" },
      ["ResponseComplete"],
      "Metadata",
    ],
    [
      "a code of a stream is known when it starts",
      { "responseStatus.code": 200, ...PODS },
      ["ResponseStarted", "ResponseComplete"],
      "Metadata",
    ],
    [
      "the name of a created object comes from its body",
      { verb: "create", "objectRef.name": "x" },
      ["ResponseComplete"],
      "Metadata",
    ],
    [
      "the name of a deleted object is in the URL",
      { verb: "delete", "objectRef.name": "x" },
      ["RequestReceived", "ResponseComplete"],
      "Metadata",
    ],
    ["a request body", { "requestObject.a": "x" }, ["ResponseComplete"], "Request"],
    ["an answer", { "responseObject.a": "x" }, ["ResponseComplete"], "RequestResponse"],
    ["a keyword may stand anywhere", { "|contains": "x" }, ["ResponseComplete"], "RequestResponse"],
    [
      "a condition on the level",
      { level: "RequestResponse" },
      ["RequestReceived", "ResponseComplete"],
      "RequestResponse",
    ],
    ["a condition on the stage", { stage: "ResponseComplete" }, ["ResponseComplete"], "Metadata"],
  ])("%s", (_why, selection: JsonValue, stages, level) => {
    expect(needsOf({ s: selection, condition: "s" })[0]).toMatchObject({ stages, level });
  });

  it("of a keyword about elements are the array that they are of, not both bodies", () => {
    const selection = {
      "requestObject.spec.audiences|same": { "|re|neq": "^api$" },
      "requestObject.a|same": { b: "x" },
    };
    expect(needsOf({ s: selection, condition: "s" })).toMatchObject([
      { level: "Request", fields: ["requestObject.a.b", "requestObject.spec.audiences"] },
    ]);
  });

  it("are listed apart where one way to a hit reads more than another", () => {
    const needs = needsOf({
      r: { "objectRef.resource": "roles" },
      a: { verb: "create", "requestObject.x": 1 },
      b: { verb: "patch", "responseObject.x": 1 },
      condition: "r and (a or b)",
    });
    expect(needs.map(({ request, level }) => [request.verbs, level])).toEqual([
      [["create"], "Request"],
      [["patch"], "RequestResponse"],
    ]);
  });

  it("stay wide where the condition is not plain equality", () => {
    for (const selection of [{ "verb|contains": "e" }, { "verb|neq": "get" }, { verb: "d*" }, { "verb|re": "^get$" }]) {
      expect(needsOf({ s: selection, condition: "s" })[0]?.request).toEqual({});
    }
    expect(needsOf({ s: { verb: "get" }, condition: "not s" })[0]?.request).toEqual({});
    expect(
      needsOf({ a: { verb: "get" }, b: { "objectRef.resource": "pods" }, condition: "a or b" }).map(
        ({ request }) => request,
      ),
    ).toEqual([{ verbs: ["get"] }, { resources: ["pods", "pods/*"] }]);
  });

  it("know resource without subresource, and groups", () => {
    expect(
      needsOf({
        s: { "objectRef.resource": "pods", "objectRef.subresource": [null, "status"], "objectRef.apiGroup": null },
        condition: "s",
      })[0]?.request,
    ).toEqual({ resources: ["pods", "pods/status"], apiGroups: [""] });
  });

  it("leave out what can never be", () => {
    expect(needsOf({ a: { verb: "get" }, b: { verb: "list" }, condition: "a and b" })).toEqual([]);
  });

  it("of a condition made to explode stay bounded", () => {
    const entries = Array.from({ length: 12 }, (_, n): [string, JsonValue] => [
      `s${n}`,
      [
        { verb: `v${n}`, "requestObject.a": n },
        { "objectRef.resource": `r${n}`, "responseObject.b": n },
        { "objectRef.apiGroup": `g${n}` },
      ],
    ]);
    expect(
      needsOf({ ...Object.fromEntries(entries), condition: entries.map(([name]) => name).join(" and ") }).length,
    ).toBeLessThanOrEqual(256);
  });

  it("of every shipped detection: each hit case is of a class, a stage and a level that they name", () => {
    for (const { name, detection, cases } of shippedDetections) {
      // Of a correlation not every event of a hit is one that it looks for: the condition of each part is asked by itself.
      const hits = detection.correlation ? [] : cases.filter((one) => one.expect === "hit");
      for (const { event, why } of hits.flatMap(({ events, why }) => events.map((event) => ({ event, why })))) {
        const { resource, subresource } = event.objectRef ?? {};
        const target = subresource === undefined ? resource : `${resource}/${subresource}`;
        const named = detection.needs.some(
          ({ request, stages }) =>
            (request.verbs?.includes(event.verb) ?? true) &&
            (request.resources?.some(
              (name) => name === target || (subresource !== undefined && name === `${resource}/*`),
            ) ??
              true) &&
            // A stage that a hit shows at need not be written for every hit of the class.
            (stages.includes(event.stage) || event.stage === "ResponseStarted"),
        );
        expect(named, `${name}: ${why}`).toBe(true);
      }
    }
  });
});
