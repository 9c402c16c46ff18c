import type { RequestAttributes } from "@auditsieve/audit";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { ruleMatches } from "../evaluate.ts";
import type { PolicyRule } from "../policy.ts";
import { ruleContains } from "./rule-contains.ts";
import { runs } from "../../../../test/property-runs.ts";

const names = {
  users: ["ann", "bob"],
  userGroups: ["g1", "g2"],
  verbs: ["get", "list"],
  namespaces: ["", "a", "b"],
} as const;
const groups = ["", "apps", "*"];
const patterns = ["pods", "pods/exec", "pods/*", "*/exec", "*", "jobs", "*/*"];
const urls = ["*", "/a", "/a*", "/ab*", "/b", "/*"];

const some = (values: readonly string[]): fc.Arbitrary<string[] | undefined> =>
  fc.option(fc.subarray([...values], { minLength: 0 }), { nil: undefined });

const who = fc.record(
  { users: some(names.users), userGroups: some(names.userGroups), verbs: some(names.verbs) },
  { requiredKeys: [] },
);
const entry = fc.record({
  group: fc.constantFrom(...groups),
  resources: some(patterns),
  resourceNames: some(["x", ""]),
});
const objects = fc.oneof(
  fc.record({ namespaces: some(names.namespaces), resources: fc.array(entry, { maxLength: 2 }) }),
  fc.record({ nonResourceURLs: some(urls) }),
);
const rule = fc.tuple(who, objects).map(([a, b]) => withoutUndefined({ level: "None", ...a, ...b }));

/** An absent field is absent, as in a loaded policy. */
function withoutUndefined(rule: object): PolicyRule {
  return JSON.parse(JSON.stringify(rule)) as PolicyRule;
}

const request: fc.Arbitrary<RequestAttributes> = fc
  .record({
    user: fc.option(
      fc.record({ name: fc.constantFrom(...names.users, "eve"), groups: fc.subarray([...names.userGroups]) }),
      { nil: undefined },
    ),
    verb: fc.constantFrom(...names.verbs, "create"),
    isResourceRequest: fc.boolean(),
    apiGroup: fc.constantFrom("", "apps", "batch"),
    resource: fc.constantFrom("pods", "jobs"),
    subresource: fc.constantFrom("", "exec", "log"),
    namespace: fc.constantFrom(...names.namespaces, "c"),
    name: fc.constantFrom("", "x", "y"),
    path: fc.constantFrom("/a", "/ab", "/abc", "/b", "/"),
  })
  .map((fields) => ({ apiVersion: "v1", ...fields }));

test("ruleContains() never says yes where a request matches the inner rule only", () => {
  let contained = 0;
  fc.assert(
    fc.property(rule, rule, fc.array(request, { minLength: 30, maxLength: 30 }), (outer, inner, requests) => {
      if (!ruleContains(outer, inner)) {
        return;
      }
      contained += 1;
      for (const one of requests) {
        expect(ruleMatches(inner, one) && !ruleMatches(outer, one)).toBe(false);
      }
    }),
    { numRuns: runs(1800), seed: 7 },
  );
  expect(contained).toBeGreaterThan(100);
});
