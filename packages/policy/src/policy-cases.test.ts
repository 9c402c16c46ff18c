import { describe, expect, test } from "vitest";
import type { ProfileCase } from "./generate/profile-cases.ts";
import { casePositions, runPolicyCase } from "./policy-cases.ts";
import type { Policy } from "./policy.ts";

const policy: Policy = {
  rules: [
    { level: "None", users: ["robot"], verbs: ["watch"] },
    { level: "Metadata", omitStages: ["RequestReceived"] },
  ],
};

function run(fields: Partial<ProfileCase>): unknown {
  return runPolicyCase(policy, {
    request: "watch /api/v1/pods",
    user: "ann",
    level: "Metadata",
    why: "a test",
    ...fields,
  });
}

describe("runPolicyCase()", () => {
  test.each<[string, Partial<ProfileCase>]>([
    ["a level", {}],
    ["a rule by its index", { rule: "rules[1]" }],
    ["a profile's name for a rule, which is passed over", { rule: "others" }],
    ["a stage", { writes: ["ResponseStarted"] }],
    ["managed fields", { omitManagedFields: false }],
    ["another user", { user: "robot", level: "None", rule: "rules[0]" }],
  ])("passes %s", (_name, fields) => {
    expect(run(fields)).toEqual({ outcome: "passed" });
  });

  test.each<[Partial<ProfileCase>, string]>([
    [{ level: "None" }, "watch /api/v1/pods is Metadata by rules[1]: None is wanted"],
    [{ rule: "rules[0]" }, "watch /api/v1/pods is Metadata by rules[1]: Metadata by rules[0] is wanted"],
    [{ writes: ["RequestReceived"] }, "watch /api/v1/pods loses the stage RequestReceived by rules[1]"],
    [{ omitManagedFields: true }, "watch /api/v1/pods has omitManagedFields false by rules[1]"],
  ])("fails %j and says why", (fields, reason) => {
    expect(run(fields)).toEqual({ outcome: "failed", reason });
  });

  test("takes a case without a user for a failed login", () => {
    const other: Policy = { rules: [{ level: "None", users: ["ann"] }, { level: "Request" }] };
    const failedLogin = { request: "get /livez", level: "Request", why: "no one" } as const;
    expect(runPolicyCase(other, failedLogin)).toEqual({ outcome: "passed" });
  });

  test("skips what needs a profile", () => {
    expect(run({ set: { secrets: "None" } })).toEqual({
      outcome: "skipped",
      reason: "it sets secrets, which a policy has not",
    });
  });
});

test("casePositions() finds each case, and none where there are none", () => {
  expect(casePositions("# x\ncases:\n- request: a\n- request: b\n")).toEqual([
    { line: 3, column: 3 },
    { line: 4, column: 3 },
  ]);
  expect(casePositions("")).toEqual([]);
});
