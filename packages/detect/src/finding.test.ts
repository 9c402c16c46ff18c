import type { AuditEvent } from "@auditsieve/audit";
import { describe, expect, test } from "vitest";
import { findingJson, findingOfJson, findingOfRequest } from "./finding.ts";
import { loadDetections } from "./load-detections.ts";
import { ShownEvent } from "./shown-event.ts";

const { detections } = loadDetections(
  "{title: T, id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10, level: low, logsource: {product: kubernetes}, detection: {s: {verb: create}, condition: s}}",
  "t.yml",
);

describe("findingOfRequest()", () => {
  test.each([
    [{ code: 201 }, "", "success"],
    [{ code: 201 }, "?dryRun=All", "trial"],
    [{ code: 403 }, "?dryRun=All", "denied"],
    [{ code: 409 }, "?dryRun=All", "failure"],
    [{}, "?dryRun=All", "unknown"],
  ])("says how a request ended: %o %s", (responseStatus, query, outcome) => {
    const finding = findingOfRequest(
      detections[0]!,
      "id",
      ShownEvent.of({
        level: "Metadata",
        auditID: "a",
        stage: "ResponseComplete",
        requestURI: `/api/v1/namespaces/a/pods${query}`,
        verb: "create",
        user: { username: "eve" },
        objectRef: { resource: "pods", namespace: "a", name: "p" },
        responseStatus,
      }),
    );
    expect(finding.outcome).toBe(outcome);
  });
});

const LINE =
  '{"level":"Request","auditID":"a","stage":"ResponseComplete","requestURI":"/api/v1/pods?a=1\\u0026b=2","verb":"create","user":{"username":"eve"},"requestObject":{"n":1.0,"big":12345678901234567890}}';

describe("findingJson()", () => {
  const finding = findingOfRequest(detections[0]!, "id", ShownEvent.ofJson(LINE)!);

  test("says what the finding says, with every byte of its event as it was", () => {
    expect(JSON.parse(findingJson(finding))).toEqual(finding);
    expect(JSON.stringify({ ...finding })).toBe(JSON.stringify(JSON.parse(findingJson(finding))));
    expect(findingJson(finding)).toContain(`"events":[${LINE}]}`);
    expect(structuredClone(finding)).toEqual(finding);
  });

  test("writes of a copy what stands in it", () => {
    const copy = { ...finding, summary: "another", events: [] };
    expect(findingJson(copy)).toBe(JSON.stringify(copy));
  });

  test("writes an event that is nested nearly as deeply as Go reads JSON, which JSON.stringify does not", () => {
    const deep = LINE.replace("1.0", '{"a":'.repeat(9_900) + "1" + "}".repeat(9_900));
    const nested = findingOfRequest(detections[0]!, "id", ShownEvent.ofJson(deep)!);
    expect(() => JSON.stringify(nested)).toThrow(RangeError);
    expect(findingJson(nested)).toContain(deep);
    expect(findingJson(findingOfJson(findingJson(nested)))).toBe(findingJson(nested));
  });
});

describe("ShownEvent", () => {
  test("says the same of an event that was read from its line as of its JSON", () => {
    const read = JSON.parse(LINE) as AuditEvent;
    const shown = ShownEvent.ofJson(LINE, read);
    expect(shown?.facts).toEqual(ShownEvent.ofJson(LINE)?.facts);
    expect(shown?.facts).toMatchObject({ actor: "eve", summary: "eve: create /api/v1/pods?a=1&b=2 (create)" });
    expect(shown?.event).toEqual(read);
    expect(shown?.event).not.toBe(read);
  });

  test("is none of what is no JSON", () => {
    expect(ShownEvent.ofJson(LINE.slice(0, -1))).toBeUndefined();
  });
});
