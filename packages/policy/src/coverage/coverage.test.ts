import type { Need, RequestAttributes, RequestClass } from "@auditsieve/audit";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { evaluate } from "../evaluate.ts";
import type { Policy, PolicyRule } from "../policy.ts";
import { partsOfClass } from "./class-parts.ts";
import { coverNeeds, visibilityOf } from "./coverage.ts";
import type { CoverageAnswer } from "./coverage.ts";
import { witnessesOf } from "./witnesses.ts";

const need = (request: RequestClass, rest: Partial<Need> = {}): Need => ({
  request,
  stages: ["ResponseComplete"],
  level: "Metadata",
  fields: [],
  ...rest,
});
const SECRETS = { resources: ["secrets"], verbs: ["get", "list"] };
const EXEC = need(
  { resources: ["pods/exec"], verbs: ["get", "create"] },
  { stages: ["RequestReceived", "ResponseStarted", "ResponseComplete"] },
);
const ROLES = need({ resources: ["roles"], verbs: ["create"] }, { level: "Request" });
const catchAll = (level: PolicyRule["level"]): PolicyRule => ({ level });
const none = (rule: Partial<PolicyRule>): PolicyRule => ({ ...rule, level: "None" });

describe("coverNeeds()", () => {
  const cases: readonly (readonly [string, readonly PolicyRule[], Need, CoverageAnswer])[] = [
    ["a catch-all shows all", [catchAll("Metadata")], need(SECRETS), "sees"],
    ["no rule hides all", [none({ users: ["robot"] })], need(SECRETS), "blind"],
    ["a low level is without body", [catchAll("Metadata")], ROLES, "without body"],
    ["a level that is enough shows the body", [catchAll("Request")], ROLES, "sees"],
    ["a rule for one verb hides its part", [none({ verbs: ["list"] }), catchAll("Metadata")], need(SECRETS), "partly"],
    ["a rule for one user hides its part", [none({ users: ["robot"] }), catchAll("Metadata")], need(SECRETS), "partly"],
    [
      "a rule for a group hides its part",
      [none({ userGroups: ["system:nodes"] }), catchAll("Metadata")],
      need(SECRETS),
      "partly",
    ],
    [
      "a rule for another resource hides nothing",
      [none({ resources: [{ group: "", resources: ["pods"] }] }), catchAll("Metadata")],
      need(SECRETS),
      "sees",
    ],
    [
      "a rule for a subresource hides nothing of its resource",
      [none({ resources: [{ group: "", resources: ["secrets/status"] }] }), catchAll("Metadata")],
      need(SECRETS),
      "sees",
    ],
    [
      "a rule behind one that covers it hides nothing",
      [catchAll("Metadata"), none({ users: ["robot"] })],
      need(SECRETS),
      "sees",
    ],
    [
      "a name hides reads by name",
      [none({ resources: [{ group: "", resources: ["secrets"], resourceNames: ["x"] }] }), catchAll("Metadata")],
      need({ resources: ["secrets"], verbs: ["get"] }),
      "partly",
    ],
    [
      "a name hides no create",
      [none({ resources: [{ group: "", resources: ["secrets"], resourceNames: ["x"] }] }), catchAll("Metadata")],
      need({ resources: ["secrets"], verbs: ["create"] }),
      "sees",
    ],
    [
      "a namespace hides its part",
      [none({ namespaces: ["kube-system"] }), catchAll("Metadata")],
      need(SECRETS),
      "partly",
    ],
    [
      "the namespace of all-namespace lists hides no get",
      [none({ namespaces: [""] }), catchAll("Metadata")],
      need({ resources: ["secrets"], verbs: ["get"] }),
      "sees",
    ],
    ["create only misses WebSocket exec", [{ level: "Metadata", verbs: ["create"] }], EXEC, "partly"],
    ["an omitted stage hides", [{ level: "Metadata", omitStages: ["ResponseComplete"] }], need(SECRETS), "blind"],
    [
      "another stage is enough",
      [{ level: "Metadata", omitStages: ["RequestReceived", "ResponseComplete"] }],
      EXEC,
      "sees",
    ],
    [
      "both groups of everyone are everyone",
      [none({ userGroups: ["system:authenticated", "system:unauthenticated"] }), catchAll("Metadata")],
      need(SECRETS),
      "blind",
    ],
    [
      "authenticated users are not all",
      [none({ userGroups: ["system:authenticated"] }), catchAll("Metadata")],
      need(SECRETS),
      "partly",
    ],
    [
      "a service account is in its groups",
      [
        none({ users: ["system:serviceaccount:a:b"] }),
        none({ userGroups: ["system:authenticated", "system:unauthenticated"], users: ["system:serviceaccount:a:b"] }),
        catchAll("Metadata"),
      ],
      need(SECRETS),
      "partly",
    ],
    [
      "any resource means URLs too",
      [none({ nonResourceURLs: ["/version"] }), catchAll("Metadata")],
      need({}),
      "partly",
    ],
    [
      "a resource name means every group that serves it",
      [none({ resources: [{ group: "events.k8s.io" }] }), catchAll("Metadata")],
      need({ resources: ["events"], verbs: ["delete"] }),
      "partly",
    ],
    [
      "a custom resource is taken at its word",
      [none({ resources: [{ group: "example.org", resources: ["widgets"] }] }), catchAll("Metadata")],
      need({ apiGroups: ["example.org"], resources: ["widgets"] }),
      "blind",
    ],
  ];
  test.each(cases)("%s", (_what, rules, each, answer) => {
    expect(coverNeeds({ rules }, [each]).answer).toBe(answer);
  });

  test("joins what its needs show", () => {
    const policy: Policy = {
      rules: [none({ resources: [{ group: "", resources: ["secrets"] }] }), catchAll("Metadata")],
    };
    const answers = (needs: readonly Need[]): CoverageAnswer => coverNeeds(policy, needs).answer;
    expect(answers([need(SECRETS), EXEC])).toBe("partly");
    expect(answers([need(SECRETS), ROLES])).toBe("without body");
    expect(answers([need(SECRETS), need(SECRETS)])).toBe("blind");
  });

  test("says by whom and gives a witness that the rule decides", () => {
    const policy: Policy = { rules: [none({ users: ["robot", "droid"], verbs: ["list"] }), catchAll("Metadata")] };
    const [covered] = coverNeeds(policy, [need(SECRETS)]).needs;
    const hidden = covered?.parts.find(({ visibility }) => visibility === "hidden");
    expect(hidden).toMatchObject({ rule: 0, level: "None", users: ["robot", "droid"] });
    expect(evaluate(policy, hidden?.witness as RequestAttributes).rule).toBe(0);
  });

  test("leaves out what can be no hit, so that only what hides one counts", () => {
    const policy: Policy = { rules: [none({ users: ["robot"] }), catchAll("Metadata")] };
    const levelToHit = ({ request }: { readonly request: RequestAttributes }): "Metadata" | undefined =>
      request.user?.name === "robot" ? undefined : "Metadata";
    expect(coverNeeds(policy, [need(SECRETS)], { levelToHit }).answer).toBe("sees");
  });

  test("asks about what that version serves", () => {
    const policy: Policy = {
      rules: [none({ resources: [{ group: "", resources: ["pods/resize"] }] }), catchAll("Metadata")],
    };
    const resize = need({ resources: ["pods/*"], verbs: ["patch"] });
    expect(coverNeeds(policy, [resize], { kubernetesVersion: "1.37" }).answer).toBe("partly");
    expect(coverNeeds(policy, [resize], { kubernetesVersion: "1.29" }).answer).toBe("sees");
  });
});

describe("partsOfClass()", () => {
  const names = fc.constantFrom("a", "b");
  const rule: fc.Arbitrary<PolicyRule> = fc.record(
    {
      level: fc.constantFrom("None", "Metadata", "Request" as const),
      users: fc.uniqueArray(fc.constantFrom("jane", "system:node:n", "system:anonymous", "system:serviceaccount:a:b"), {
        maxLength: 2,
      }),
      userGroups: fc.uniqueArray(
        fc.constantFrom(
          "dev",
          "system:nodes",
          "system:authenticated",
          "system:unauthenticated",
          "system:serviceaccounts:a",
        ),
        { maxLength: 2 },
      ),
      verbs: fc.uniqueArray(fc.constantFrom("get", "list", "create"), { maxLength: 2 }),
      namespaces: fc.uniqueArray(fc.constantFrom("", "a", "b"), { maxLength: 2 }),
      resources: fc.array(
        fc.record(
          {
            group: fc.constantFrom("", "apps", "*"),
            resources: fc.uniqueArray(fc.constantFrom("pods", "pods/*", "*", "*/status", "pods/exec"), {
              maxLength: 2,
            }),
            resourceNames: fc.uniqueArray(names, { maxLength: 2 }),
          },
          { requiredKeys: ["group"] },
        ),
        { maxLength: 2 },
      ),
    },
    { requiredKeys: ["level"] },
  ) as fc.Arbitrary<PolicyRule>;

  test("partsOfClass cuts a class into parts that the evaluator confirms, and finds every decision there is", () => {
    const request = { verbs: ["get", "list", "create"], resources: ["pods", "pods/exec"] };
    const people = [
      "jane",
      "joe",
      "system:node:n",
      "system:node:m",
      "system:anonymous",
      "system:serviceaccount:a:b",
      "system:serviceaccount:c:d",
    ];
    fc.assert(
      fc.property(
        fc.array(rule, { minLength: 1, maxLength: 5 }),
        fc.constantFrom(...people),
        fc.boolean(),
        fc.constantFrom("a", "b", "c"),
        fc.constantFrom("a", "b", "c"),
        (rules, name, isDeveloper, namespace, object) => {
          const policy: Policy = { rules };
          const parts = partsOfClass(policy, request, "1.37");
          const found = new Set<string>();
          for (const { cell, region, rule: expected } of parts) {
            for (const { request: witness } of witnessesOf(cell, region)) {
              expect(evaluate(policy, witness).rule).toBe(expected);
            }
            found.add(`${cell.verb} ${cell.kind === "resource" ? cell.subresource : ""} ${expected}`);
          }
          const groups =
            name === "system:anonymous"
              ? ["system:unauthenticated"]
              : ["system:authenticated", ...(isDeveloper ? ["dev"] : [])];
          if (name.startsWith("system:node:")) {
            groups.push("system:nodes");
          }
          if (name.startsWith("system:serviceaccount:")) {
            groups.push("system:serviceaccounts", `system:serviceaccounts:${name.split(":")[2]}`);
          }
          for (const verb of ["get", "list", "create"]) {
            const asked: RequestAttributes = {
              user: { name, groups },
              verb,
              isResourceRequest: true,
              apiGroup: "",
              apiVersion: "v1",
              resource: "pods",
              subresource: "",
              namespace,
              name: verb === "get" ? object : "",
              path: "",
            };
            expect(found).toContain(`${verb}  ${evaluate(policy, asked).rule}`);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("visibilityOf()", () => {
  const request: RequestAttributes = {
    user: undefined,
    verb: "get",
    isResourceRequest: true,
    apiGroup: "",
    apiVersion: "v1",
    resource: "secrets",
    subresource: "",
    namespace: "a",
    name: "b",
    path: "",
  };
  test.each([
    [{ rules: [catchAll("Metadata")] }, need(SECRETS), "seen"],
    [{ rules: [catchAll("Metadata")] }, need(SECRETS, { level: "RequestResponse" }), "without body"],
    [{ rules: [catchAll("None")] }, need(SECRETS), "hidden"],
    [{ rules: [catchAll("Metadata")], omitStages: ["ResponseComplete" as const] }, need(SECRETS), "hidden"],
  ] as const)("%j shows %j: %s", (policy, each, expected) => {
    expect(visibilityOf(policy, each, request)).toBe(expected);
  });
});
