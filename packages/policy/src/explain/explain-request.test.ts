import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ruleMatches } from "../evaluate.ts";
import type { Policy, PolicyRule } from "../policy.ts";
import { randomPolicy, randomRequest } from "../diff/random-policy.suite.ts";
import { explainRequest } from "./explain-request.ts";
import type { Explanation } from "./explain-request.ts";
import { readRequest } from "./read-request.ts";
import { ruleMismatch } from "./rule-mismatch.ts";

function explain(line: string, rule: PolicyRule, policy: Partial<Policy> = {}, isLoggedIn = true): Explanation {
  const read = readRequest([line]);
  if (read.outcome === "refused") {
    throw new Error(read.problem.message);
  }
  const user = isLoggedIn ? { name: "ann", groups: ["dev"] } : undefined;
  return explainRequest({ ...policy, rules: [rule] }, { ...read.requests[0]!.request, user });
}

describe("ruleMismatch()", () => {
  test("finds a field where, and only where, a rule does not match", () => {
    fc.assert(
      fc.property(randomPolicy, randomRequest, ({ rules }, request) => {
        for (const rule of rules) {
          expect(ruleMismatch(rule, request) === undefined).toBe(ruleMatches(rule, request));
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test.each<[string, Omit<PolicyRule, "level">, string, string]>([
    ["get pods", { users: ["bob"] }, "users", "wants the user bob; the user is ann"],
    ["get pods", { userGroups: ["ops", "qa"] }, "userGroups", "wants the group ops or qa; the user is in dev"],
    ["get pods", { verbs: ["get"] }, "verbs", "wants the verb get; the verb is list"],
    ["get pods", { namespaces: ["x"] }, "namespaces", "wants the namespace x; the namespace is default"],
    [
      "get pods -A",
      { namespaces: ["x"] },
      "namespaces",
      "wants the namespace x; the request is for none, or for all at once",
    ],
    ["get pods", { resources: [{ group: "apps" }] }, "resources", "has nothing for pods of the core group"],
    ["get pods", { resources: [{ resources: ["secrets"] }] }, "resources", "wants secrets of the core group, not pods"],
    [
      "exec web -- sh",
      { resources: [{ group: "apps" }, { resources: ["pods"] }] },
      "resources",
      "wants pods of the core group, not pods/exec: pods does not cover its subresources",
    ],
    [
      "get pods",
      { resources: [{ resources: ["pods"], resourceNames: ["web"] }] },
      "resources",
      "wants the object web; the request names no object in its path",
    ],
    ["get pods", { nonResourceURLs: ["*"] }, "nonResourceURLs", "is for URLs; the request is for a resource"],
    ["version", { nonResourceURLs: ["/api*"] }, "nonResourceURLs", "wants /api*; the path is /version"],
    ["version", { namespaces: ["x"] }, "namespaces", "is for resources; the request is for the URL /version"],
  ])("kubectl %s by %j", (command, rule, field, reason) => {
    const { passed, decision } = explain(`kubectl ${command}`, { level: "None", ...rule });
    expect([passed, decision.rule]).toEqual([[{ rule: 0, field, reason }], null]);
  });

  test("says of a failed login that it has neither user nor groups", () => {
    const reasons = [{ users: ["ann"] }, { userGroups: ["dev"] }].map(
      (rule) => explain("kubectl get pods", { level: "None", ...rule }, {}, false).passed[0]?.reason,
    );
    expect(reasons).toEqual([
      "wants the user ann; a failed login has no user",
      "wants the group dev; a failed login has no groups",
    ]);
  });
});

describe("explainRequest()", () => {
  test.each<[string, PolicyRule["level"], number, RegExp | false, RegExp | false]>([
    ["kubectl get pods", "None", 0, false, false],
    ["kubectl get pods", "Metadata", 2, false, false],
    ["kubectl get pods", "Request", 2, false, false],
    ["kubectl get pods", "RequestResponse", 2, false, /every object of the answer/],
    ["kubectl get secrets", "RequestResponse", 2, false, /with the secret's values/],
    ["kubectl get pods --watch-only", "RequestResponse", 3, false, false],
    ["kubectl exec web -- sh", "RequestResponse", 3, false, false],
    ["POST /api/v1/namespaces/x/pods/web/exec", "RequestResponse", 3, false, false],
    ["kubectl logs web", "RequestResponse", 3, false, false],
    ["GET /api/v1/nodes/n1/proxy/stats", "RequestResponse", 3, false, false],
    ["kubectl create secret generic x", "Request", 2, /as it was sent, with the secret's values/, false],
    ["kubectl create token x", "Request", 2, /as it was sent/, false],
    ["kubectl create token x", "RequestResponse", 2, /as it was sent/, /a token that works/],
    ["POST /apis/authentication.k8s.io/v1/tokenreviews", "Request", 2, /a token that works/, false],
    ["PATCH /api/v1/namespaces/x/pods/web", "Request", 2, /the patch/, false],
    ["kubectl delete pod web", "Request", 2, /options of the deletion/, false],
    ["kubectl top pods", "RequestResponse", 2, false, false],
    ["kubectl version", "RequestResponse", 2, false, false],
    ["kubectl api-resources", "RequestResponse", 2, false, /discovery/],
  ])("%s at %s writes %s stages, requestObject %s, responseObject %s", (line, level, stages, request, response) => {
    const { written } = explain(line, { level });
    expect(written.stages).toHaveLength(stages);
    for (const [body, wanted] of [
      [written.requestObject, request],
      [written.responseObject, response],
    ] as const) {
      expect(body.isWritten).toBe(wanted !== false);
      expect(body.reason).toMatch(wanted === false ? /\w/ : wanted);
    }
  });

  test("a failed login has the stage ResponseStarted only", () => {
    expect(explain("kubectl get pods", { level: "Metadata" }, {}, false).written.stages).toEqual(["ResponseStarted"]);
    const omitStages = ["ResponseStarted"] as const;
    expect(explain("kubectl get pods", { level: "Metadata" }, { omitStages }, false).written.stages).toEqual([]);
  });

  test("bodies need the stage ResponseComplete", () => {
    const { written } = explain("kubectl get pods", { level: "RequestResponse" }, { omitStages: ["ResponseComplete"] });
    expect(written.responseObject).toEqual({
      isWritten: false,
      reason: "bodies come with the stage ResponseComplete, which is not written",
    });
  });
});
