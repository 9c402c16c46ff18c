import { describe, expect, test } from "vitest";
import { explainCase } from "./explain-case.ts";
import { loadDetections } from "./load-detections.ts";

const EVENT = {
  level: "Metadata" as const,
  auditID: "a",
  stage: "ResponseComplete" as const,
  requestReceivedTimestamp: "2026-01-01T00:00:00.000000Z",
  requestURI: "/api/v1/namespaces/a/pods/p",
  verb: "create",
  user: { username: "eve" },
  objectRef: { resource: "pods", namespace: "a", name: "p" },
  responseStatus: { code: 201 },
};

function explained(detection: string, before: readonly (typeof EVENT)[] = []): readonly (readonly unknown[])[] {
  const id = "5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10";
  const text = `{title: T, id: ${id}, level: low, logsource: {product: kubernetes}, ${detection}}`;
  const { detections } = loadDetections(text, "t.yml");
  return detections.flatMap((one) =>
    explainCase(one, EVENT, before).map(({ name, outcome, by }) => [name, outcome, by]),
  );
}

describe("explainCase()", () => {
  test("names what is why: of a list of maps what holds, of a not all that is in it", () => {
    const detection =
      "detection: {any: [{verb: get}, {objectRef.name: p}], late: {verb|neq: create, user.username: eve}, condition: any and not late}";
    expect(explained(detection)).toEqual([
      ["any", "hit", ["objectRef.name"]],
      ["late", "miss", ["verb"]],
    ]);
  });

  test("what the log does not say is unknown, and only that is why", () => {
    expect(explained("detection: {s: {verb: create, requestObject.spec.hostPID: true}, condition: s}")).toEqual([
      ["s", "unknown", ["requestObject.spec.hostPID"]],
    ]);
  });

  test("what is not new is told from what does not hold", () => {
    const firstSeen =
      "auditsieve: {first-seen: {fields: [objectRef.name], per: [user.username], opening: find}}, detection: {s: {verb: create}, condition: s}";
    expect(explained(firstSeen)).toEqual([
      ["s", "hit", ["verb"]],
      ["first-seen", "hit", ["objectRef.name"]],
    ]);
    const earlier = { ...EVENT, auditID: "b", requestReceivedTimestamp: "2025-12-31T00:00:00.000000Z" };
    expect(explained(firstSeen, [earlier])).toEqual([
      ["s", "hit", ["verb"]],
      ["first-seen", "miss", ["objectRef.name"]],
    ]);
  });
});
