import { describe, expect, test } from "vitest";
import { findingOfRequest } from "./finding.ts";
import { loadDetections } from "./load-detections.ts";

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
    const finding = findingOfRequest(detections[0]!, "id", {
      level: "Metadata",
      auditID: "a",
      stage: "ResponseComplete",
      requestURI: `/api/v1/namespaces/a/pods${query}`,
      verb: "create",
      user: { username: "eve" },
      objectRef: { resource: "pods", namespace: "a", name: "p" },
      responseStatus,
    });
    expect(finding.outcome).toBe(outcome);
  });
});
