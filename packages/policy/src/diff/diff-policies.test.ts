import * as fc from "fast-check";
import { attributesOf } from "@auditsieve/audit";
import { describe, expect, test } from "vitest";
import { evaluate } from "../evaluate.ts";
import type { Policy, PolicyRule } from "../policy.ts";
import { isSameRecording } from "./decision-change.ts";
import { decideAlike, diffPolicies } from "./diff-policies.ts";
import { randomPolicy, randomRequest } from "./random-policy.suite.ts";
import { runs } from "../../../../test/property-runs.ts";

const policy = (...rules: PolicyRule[]): Policy => ({ rules });
const all: PolicyRule = { level: "Metadata" };
const secrets = [{ group: "", resources: ["secrets"] }];

describe("diffPolicies()", () => {
  test("misses no request and invents none: random policies, random requests", () => {
    fc.assert(
      fc.property(randomPolicy, randomPolicy, fc.array(randomRequest, { maxLength: 60 }), (older, newer, requests) => {
        const { changes, withoutEffect } = diffPolicies(older, newer);
        const classes = [...changes, ...withoutEffect];
        for (const request of requests) {
          const [before, after] = [evaluate(older, request), evaluate(newer, request)];
          const found = classes.filter(
            ({ rules }) => rules.old.includes(before.rule) && rules.new.includes(after.rule),
          );
          expect(found.length > 0, JSON.stringify(request)).toBe(!isSameRecording(before, after));
          for (const { from, to } of found) {
            expect(isSameRecording(from, before) && isSameRecording(to, after)).toBe(true);
          }
        }
        for (const { witness, rules, from, to } of classes) {
          const [before, after] = [evaluate(older, witness.request), evaluate(newer, witness.request)];
          expect([rules.old, rules.new]).toEqual([
            expect.arrayContaining([before.rule]),
            expect.arrayContaining([after.rule]),
          ]);
          expect(before).toMatchObject(from);
          expect(after).toMatchObject(to);
          expect(isSameRecording(before, after)).toBe(false);
        }
        expect(decideAlike(older, newer)).toBe(classes.length === 0);
      }),
      { numRuns: runs(100) },
    );
  });

  test("gives witnesses that the apiserver reads from a request as they stand", () => {
    fc.assert(
      fc.property(randomPolicy, randomPolicy, (older, newer) => {
        for (const { witness } of diffPolicies(older, newer).changes) {
          const { request, http } = witness;
          const read = attributesOf({
            requestURI: http?.uri ?? "",
            verb: request.verb,
            username: undefined,
            groups: [],
          });
          const path = request.isResourceRequest ? read.path : request.path;
          expect({ ...read, user: undefined }).toEqual({
            ...request,
            user: undefined,
            apiVersion: request.isResourceRequest ? "v1" : "",
            path,
          });
        }
      }),
      { numRuns: runs(100) },
    );
  });

  test("finds nothing between policies that say the same in other words", () => {
    const older = policy({ level: "None", verbs: ["get", "list"] }, all);
    const newer = policy({ level: "None", verbs: ["list"] }, { level: "None", verbs: ["get"] }, all, all);
    expect(diffPolicies(older, newer)).toEqual({ changes: [], withoutEffect: [] });
  });

  test("tells a class by its literals and by the earlier rules that it leaves out", () => {
    const older = policy({ level: "None", users: ["ann"], verbs: ["get"] }, all);
    const newer = policy({ level: "Request", resources: secrets }, all);
    const { changes } = diffPolicies(older, newer);
    expect(changes.map(({ from, to, requests, except }) => [from.level, to.level, requests, except])).toEqual([
      ["None", "Request", { users: ["ann"], verbs: ["get"], resources: secrets }, { old: [], new: [] }],
      ["None", "Metadata", { users: ["ann"], verbs: ["get"] }, { old: [], new: [0] }],
      ["Metadata", "Request", { resources: secrets }, { old: [0], new: [] }],
    ]);
  });

  test("merges neighbours that differ in one list", () => {
    const newer = policy(
      { level: "None", verbs: ["list"], resources: secrets },
      { level: "None", verbs: ["watch"], resources: secrets },
      all,
    );
    const { changes } = diffPolicies(policy(all), newer);
    expect(changes.map(({ requests, rules }) => [requests, rules])).toEqual([
      [
        { verbs: ["list", "watch"], resources: secrets },
        { old: [0], new: [0, 1] },
      ],
    ]);
  });

  test("shows the failed login as a class of its own", () => {
    const newer = policy({ level: "Metadata", userGroups: ["system:authenticated", "system:unauthenticated"] });
    const [change] = diffPolicies(policy(all), newer).changes;
    expect(change).toMatchObject({ rules: { old: [0], new: [null] }, to: { level: "None" }, isLessVisible: true });
    expect(change?.witness.request.user).toBeUndefined();
  });

  test("keeps apart what has no effect: None either way, requests that do not exist", () => {
    const quiet = diffPolicies(policy({ level: "None", omitStages: ["Panic"] }), policy({ level: "None" }));
    expect([quiet.changes.length, quiet.withoutEffect.length]).toEqual([0, 1]);
    const unnamed = policy(
      { level: "None", verbs: ["get"], resources: [{ resources: ["pods"], resourceNames: [""] }] },
      all,
    );
    const { changes, withoutEffect } = diffPolicies(policy(all), unnamed);
    expect([changes.length, withoutEffect.length, withoutEffect[0]?.witness.http]).toEqual([0, 1, undefined]);
  });

  test.each<[string, PolicyRule, PolicyRule, boolean]>([
    ["a lower level", all, { level: "None" }, true],
    ["a higher level", all, { level: "Request" }, false],
    ["a lost stage", all, { level: "Metadata", omitStages: ["RequestReceived"] }, true],
    ["a stage more", { level: "Metadata", omitStages: ["RequestReceived"] }, all, false],
    ["a higher level that loses a stage", all, { level: "Request", omitStages: ["ResponseStarted"] }, true],
    ["managed fields", all, { level: "Metadata", omitManagedFields: true }, false],
    ["a stage lost where nothing was written", { level: "None" }, { ...all, omitStages: ["Panic"] }, false],
  ])("takes %s for what it is", (_name, from, to, isLessVisible) => {
    expect(diffPolicies(policy(from), policy(to)).changes.map((change) => change.isLessVisible)).toEqual([
      isLessVisible,
    ]);
  });

  test.each<[string, PolicyRule, PolicyRule, number]>([
    ["every body", all, { level: "RequestResponse" }, 9],
    ["requests only", all, { level: "Request" }, 4],
    ["answers too", { level: "Request" }, { level: "RequestResponse" }, 6],
    ["without the stage that has bodies", all, { level: "RequestResponse", omitStages: ["ResponseComplete"] }, 0],
    ["less than before", { level: "RequestResponse" }, all, 0],
  ])("counts the requests whose secrets come into the log: %s", (_name, from, to, count) => {
    const found = diffPolicies(policy(from), policy(to)).changes.flatMap((change) => change.secrets);
    expect(found).toHaveLength(count);
  });

  test("compares large policies in a bounded time", () => {
    const many = (seed: number): Policy =>
      policy(
        ...Array.from({ length: 60 }, (_, i): PolicyRule => ({
          level: i % 3 === 0 ? "None" : "Metadata",
          ...(i % 2 === seed && { users: Array.from({ length: 8 }, (__, k) => `user-${(i * 7 + k * seed) % 40}`) }),
          ...(i % 3 === seed && { userGroups: [`group-${i}`, "dev"] }),
          verbs: ["get", "list", "watch", "create", "update", "patch", "delete"].filter(
            (__, k) => (i + k) % 3 !== seed,
          ),
          namespaces: Array.from({ length: 6 }, (__, k) => `ns-${(i * 3 + k) % 20}`),
          resources: [
            { group: "", resources: Array.from({ length: 8 }, (__, k) => `res-${(i * 5 + k) % 40}`) },
            { group: "apps", resources: ["*/status", `res-${i}/*`], resourceNames: [`name-${i % 9}`] },
          ],
        })),
        all,
      );
    expect(diffPolicies(many(0), many(1)).changes.length).toBeGreaterThan(10);
  });
});
