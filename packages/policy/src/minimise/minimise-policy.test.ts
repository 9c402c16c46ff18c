import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { randomPolicy, randomRequest } from "../diff/random-policy.suite.ts";
import { decideAlike } from "../diff/diff-policies.ts";
import { evaluate } from "../evaluate.ts";
import { loadPolicy } from "../load.ts";
import type { GroupResources, Policy, PolicyRule } from "../policy.ts";
import { minimisePolicy } from "./minimise-policy.ts";
import { printPolicy } from "./print-policy.ts";
import { runs } from "../../../../test/property-runs.ts";

const all: PolicyRule = { level: "Metadata" };
const core = (...resources: string[]): readonly GroupResources[] => [{ group: "", resources }];

describe("minimisePolicy()", () => {
  test("decides every request alike, and finds nothing more to leave out the second time", () => {
    fc.assert(
      fc.property(randomPolicy, fc.array(randomRequest, { maxLength: 40 }), (policy, requests) => {
        const { policy: shorter, origins, omissions } = minimisePolicy(policy);
        for (const request of requests) {
          const { rule: _a, ...before } = evaluate(policy, request);
          const { rule: _b, ...after } = evaluate(shorter, request);
          expect(after, JSON.stringify(request)).toEqual(before);
        }
        const dropped = omissions.flatMap((one) => (one.kind === "value" || one.kind === "list" ? [] : [one.rule]));
        expect(shorter.rules.length + dropped.length).toBe(policy.rules.length);
        expect(origins).toHaveLength(shorter.rules.length);
        expect(minimisePolicy(shorter).omissions).toEqual([]);
      }),
      { numRuns: runs(15) },
    );
  });

  test("prints what it found so that an apiserver reads the same", () => {
    fc.assert(
      fc.property(randomPolicy, (policy) => {
        const { policy: shorter } = minimisePolicy(policy);
        const loaded = loadPolicy(printPolicy(shorter));
        expect(loaded).toMatchObject({ outcome: "accepted", strict: undefined });
        expect(loaded.outcome === "accepted" && decideAlike(policy, loaded.policy)).toBe(true);
      }),
      { numRuns: runs(15) },
    );
  });

  test.each<[string, readonly PolicyRule[], readonly PolicyRule[], readonly object[]]>([
    [
      "a rule that one earlier rule covers",
      [{ level: "None", verbs: ["get"] }, { level: "Request", verbs: ["get"], users: ["ann"] }, all],
      [{ level: "None", verbs: ["get"] }, all],
      [{ kind: "unreachable", rule: 1 }],
    ],
    [
      "a rule that several earlier rules cover together",
      [
        { level: "None", verbs: ["get"] },
        { level: "Request", verbs: ["list"] },
        { level: "RequestResponse", verbs: ["get", "list"] },
        all,
      ],
      [{ level: "None", verbs: ["get"] }, { level: "Request", verbs: ["list"] }, all],
      [{ kind: "unreachable", rule: 2 }],
    ],
    [
      "a rule that a later one makes needless",
      [{ level: "Metadata", users: ["ann"] }, { level: "Request", resources: core("pods"), users: ["bob"] }, all],
      [{ level: "Request", resources: core("pods"), users: ["bob"] }, all],
      [{ kind: "redundant", rule: 0 }],
    ],
    [
      "a last rule that says what no rule says too",
      [{ ...all, verbs: ["get"] }, { level: "None" }],
      [{ ...all, verbs: ["get"] }],
      [{ kind: "redundant", rule: 1 }],
    ],
    [
      "neighbours that differ in one list",
      [{ level: "None", verbs: ["get"], users: ["ann"] }, { level: "None", verbs: ["get"], users: ["bob"] }, all],
      [{ level: "None", verbs: ["get"], users: ["ann", "bob"] }, all],
      [{ kind: "joined", rule: 1, into: 0 }],
    ],
    [
      "rules that are no neighbours, where nothing between them minds",
      [
        { level: "None", resources: core("pods") },
        { level: "Request", resources: core("secrets") },
        { level: "None", resources: core("nodes") },
        all,
      ],
      [{ level: "None", resources: core("pods", "nodes") }, { level: "Request", resources: core("secrets") }, all],
      [{ kind: "joined", rule: 2, into: 0 }],
    ],
    [
      "a value that another pattern covers",
      [{ level: "None", resources: core("pods/*", "pods", "pods/exec") }, all],
      [{ level: "None", resources: core("pods/*") }, all],
      [
        { kind: "value", rule: 0, field: "resources[0].resources", value: "pods" },
        { kind: "value", rule: 0, field: "resources[0].resources", value: "pods/exec" },
      ],
    ],
    [
      "a list that makes no difference",
      [
        { level: "None", users: ["ann"] },
        { level: "None", verbs: ["get"], users: ["bob"] },
        { level: "None", verbs: ["get"] },
      ],
      [{ level: "None" }],
      [
        { kind: "redundant", rule: 2 },
        { kind: "redundant", rule: 1 },
        { kind: "list", rule: 0, field: "users" },
      ],
    ],
    [
      "nothing where the order matters",
      [
        { level: "None", resources: core("pods") },
        { level: "Request", users: ["ann"] },
        { level: "None", resources: core("nodes") },
        all,
      ],
      [
        { level: "None", resources: core("pods") },
        { level: "Request", users: ["ann"] },
        { level: "None", resources: core("nodes") },
        all,
      ],
      [],
    ],
  ])("drops %s", (_name, rules, shorter, omissions) => {
    const minimised = minimisePolicy({ rules });
    expect([minimised.policy.rules, minimised.omissions]).toEqual([shorter, omissions]);
  });

  test("leaves out stages and flags that the policy says already", () => {
    const policy: Policy = {
      omitStages: ["RequestReceived"],
      omitManagedFields: true,
      rules: [{ level: "Metadata", omitStages: ["RequestReceived"], omitManagedFields: true }],
    };
    expect(minimisePolicy(policy).policy).toEqual({ ...policy, rules: [all] });
  });
});

describe("printPolicy()", () => {
  test("quotes names, breaks long lists and keeps metadata", () => {
    const text = printPolicy(
      {
        omitStages: ["RequestReceived"],
        rules: [
          { level: "None", users: ["yes", 'a"b'], resources: [{ group: "apps" }], omitManagedFields: true },
          { level: "Metadata", users: Array.from({ length: 9 }, (_, i) => `system:serviceaccount:x:${i}`) },
        ],
      },
      { metadata: { name: "mine" }, comments: ["", "two\nlines"] },
    );
    expect(text).toMatchInlineSnapshot(`
      "apiVersion: audit.k8s.io/v1
      kind: Policy
      metadata: {"name":"mine"}
      omitStages: ["RequestReceived"]
      rules:
        - level: None
          users: ["yes", "a\\"b"]
          resources:
            - group: "apps"
          omitManagedFields: true
        # two lines
        - level: Metadata
          users:
            - "system:serviceaccount:x:0"
            - "system:serviceaccount:x:1"
            - "system:serviceaccount:x:2"
            - "system:serviceaccount:x:3"
            - "system:serviceaccount:x:4"
            - "system:serviceaccount:x:5"
            - "system:serviceaccount:x:6"
            - "system:serviceaccount:x:7"
            - "system:serviceaccount:x:8"
      "
    `);
  });
});
