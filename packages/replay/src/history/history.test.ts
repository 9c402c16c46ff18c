import type { JsonObject } from "@auditsieve/audit";
import { assert, constantFrom, dictionary, jsonValue, property } from "fast-check";
import { describe, expect, test } from "vitest";
import { FactGatherer } from "../facts/gather-facts.ts";
import { eventAt, logOf, REDACTOR } from "../replay-fixtures.suite.ts";
import { replayLogs } from "../replay-logs.ts";
import { investigate, linesOf } from "../report/investigate.suite.ts";
import { diffBodies, withoutBookkeeping } from "./diff-bodies.ts";
import { objectHistories } from "./object-histories.ts";
import { rbacAt } from "./rbac-at.ts";
import type { RbacChange } from "./rbac-at.ts";
import { readReason } from "../facts/rights.ts";

const BINDING = "clusterrolebindings.rbac.authorization.k8s.io";

describe("diffBodies", () => {
  test.each([
    ["a changed field", { spec: { replicas: 1 } }, { spec: { replicas: 3 } }, ["spec.replicas: 1 -> 3"]],
    ["a new field", { spec: {} }, { spec: { hostPID: true } }, ["spec.hostPID: undefined -> true"]],
    ["a field that is gone", { a: { b: "x" } }, { a: {} }, ["a.b: x -> undefined"]],
    ["an entry of a list", { c: [{ image: "a" }] }, { c: [{ image: "b" }] }, ["c[0].image: a -> b"]],
    ["keys with dots", { a: { "x.y/z": "1" } }, { a: { "x.y/z": "2" } }, ['a["x.y/z"]: 1 -> 2']],
    [
      "bookkeeping",
      { metadata: { resourceVersion: "1" }, status: { a: 1 } },
      { metadata: { resourceVersion: "2" } },
      [],
    ],
  ])("diffBodies tells %s", (_, before, after, expected) => {
    expect(diffBodies(before, after).map((change) => `${change.path}: ${change.before} -> ${change.after}`)).toEqual(
      expected,
    );
  });

  test("diffBodies compares what is nested very deeply as a whole, in whatever order its keys stand", () => {
    const nested = (levels: number, text: string): JsonObject =>
      JSON.parse(`${'{"a":'.repeat(levels)}${text}${"}".repeat(levels)}`) as JsonObject;
    const changes = diffBodies(nested(9900, "1"), nested(9900, "2"));
    expect(changes.map(({ before, after }) => [before, after])).toEqual([
      ["(nested too deeply to be shown)", "(nested too deeply to be shown)"],
    ]);
    expect(diffBodies(nested(9900, "1"), nested(9900, "1"))).toEqual([]);
    expect(diffBodies(nested(300, '{"b":1,"c":[2]}'), nested(300, '{"c":[2],"b":1}'))).toEqual([]);
    const others = ['{"b":1,"c":[3]}', '{"b":1,"d":[2]}', '{"b":1}', '{"b":1,"c":{"0":2}}', '{"b":null,"c":[2]}'];
    for (const other of others) {
      expect(diffBodies(nested(300, '{"b":1,"c":[2]}'), nested(300, other))).toHaveLength(1);
    }
    expect(Object.keys(withoutBookkeeping(nested(9900, "1")))).toEqual(["a"]);
  });

  test("diffBodies is empty exactly for bodies that are the same", () => {
    const body = dictionary(constantFrom("spec", "data", "type"), jsonValue(), { noNullPrototype: true });
    assert(
      property(body, body, (a, b) => {
        const [one, other] = [JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b))];
        expect(diffBodies(one, one)).toEqual([]);
        const isSame = JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
        expect(diffBodies(one, other).length === 0).toBe(isSame);
      }),
    );
  });
});

describe("object histories", () => {
  const write = (ms: number, verb: string, level: string, more: Readonly<Record<string, unknown>>): unknown =>
    eventAt(ms, {
      verb,
      level,
      requestURI: "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/everyone",
      objectRef: {
        resource: "clusterrolebindings",
        name: "everyone",
        apiGroup: "rbac.authorization.k8s.io",
        apiVersion: "v1",
      },
      ...more,
    });
  const body = (name: string): unknown => ({
    kind: "ClusterRoleBinding",
    apiVersion: "rbac.authorization.k8s.io/v1",
    metadata: { name: "everyone" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
    subjects: [{ kind: "User", name }],
  });

  test("each revision has its author and its changes, and says where bodies are missing", async () => {
    const log = linesOf([
      write(0, "create", "RequestResponse", { requestObject: body("ann"), responseObject: body("ann") }),
      write(1_000, "update", "RequestResponse", {
        user: { username: "mallory" },
        requestObject: body("eve"),
        responseObject: body("eve"),
      }),
      write(2_000, "patch", "Metadata", {}),
      write(3_000, "patch", "Request", { requestObject: { subjects: null } }),
      write(4_000, "delete", "Metadata", {}),
    ]);
    const { data } = await investigate([logOf("a.log", log)]);
    const object = data.objects.find(({ key }) => key === `${BINDING} everyone`);
    expect(object?.revisions.map(({ verb, actorName, note }) => [verb, actorName, note])).toEqual([
      ["create", "ann", "Created"],
      ["update", "mallory", ""],
      ["patch", "ann", "No bodies at level Metadata: what changed is not known"],
      ["patch", "ann", "The log holds the patch, not what came of it"],
      ["delete", "ann", "Deleted"],
    ]);
    expect(object?.revisions[1]?.changes).toEqual([{ path: "subjects[0].name", before: "ann", after: "eve" }]);
    expect(data.rbac.map(({ verb, subjects }) => [verb, subjects])).toContainEqual(["update", ["User eve"]]);
    const standing = rbacAt(data.rbac, "2026-11-24T10:00:01.500000Z");
    expect(standing.map(({ change }) => [change.role, change.subjects])).toEqual([
      ["ClusterRole cluster-admin", ["User eve"]],
    ]);
    expect(rbacAt(data.rbac, "2026-11-24T10:00:09.000000Z")).toEqual([]);
  });
});

describe("objectHistories", () => {
  const made = (resource: string, name: string, more: object) =>
    eventAt(0, { auditID: `${resource}-${name}`, verb: "create", objectRef: { resource, name, ...more } });
  const log = linesOf([
    made("deployments", "web", { apiGroup: "apps", namespace: "shop" }),
    made("deployments", "web", { apiGroup: "apps", namespace: "pay" }),
    made("deployments", "api", { apiGroup: "apps", namespace: "shop" }),
    made("clusterroles", "web", { apiGroup: "rbac.authorization.k8s.io" }),
  ]);

  test.each([
    ["deployments.apps shop/web", ["shop/web"]],
    ["deployments shop/web", ["shop/web"]],
    ["deployments/shop/web", ["shop/web"]],
    ["deployments/web", ["pay/web", "shop/web"]],
    ["deployments.apps/web", ["pay/web", "shop/web"]],
    ["deployments", ["pay/web", "shop/api", "shop/web"]],
    ["clusterroles", ["web"]],
    ["clusterroles/web", ["web"]],
    ["* */api", ["shop/api"]],
    ["deployments web", []],
    ["deployment", []],
    ["web", []],
  ])("objectHistories finds an object as people name it: %s", async (object, expected) => {
    const gatherer = new FactGatherer();
    const logs = [logOf("a.log", log)];
    await replayLogs({ logs, detections: [], redactor: REDACTOR, visitors: [gatherer] });
    const { histories } = await objectHistories({ object }, { facts: gatherer.facts(), logs, redactor: REDACTOR });
    expect(histories.map((history) => history.object.key.split(" ")[1])).toEqual(expected);
  });
});

describe("objectHistories of many objects", () => {
  const binding = (ms: number, name: string) =>
    eventAt(ms, {
      auditID: name,
      verb: "create",
      objectRef: { resource: "clusterrolebindings", name, apiGroup: "rbac.authorization.k8s.io" },
    });
  const log = linesOf([...Array.from({ length: 60 }, (_, i) => binding(i, `at-start-${i}`)), binding(9_000, "z-last")]);

  test.each([
    ["those that were written last", {}, 50, 11, 0],
    ["those of the time that is asked for", { since: "2026-11-24T10:00:05.000000Z" }, 1, 0, 60],
    ["none where none was written", { since: "2026-11-24T11:00:00.000000Z" }, 0, 0, 61],
  ])("objectHistories tells of %s", async (_name, times, told, leftOut, atOtherTimes) => {
    const gatherer = new FactGatherer();
    const logs = [logOf("a.log", log)];
    await replayLogs({ logs, detections: [], redactor: REDACTOR, visitors: [gatherer] });
    const question = { object: "clusterrolebindings", ...times };
    const answer = await objectHistories(question, { facts: gatherer.facts(), logs, redactor: REDACTOR });
    expect([answer.histories.length, answer.leftOut, answer.atOtherTimes, answer.near]).toEqual([
      told,
      leftOut,
      atOtherTimes,
      [],
    ]);
    expect(answer.histories.map(({ object }) => object.name).includes("z-last")).toBe(told > 0);
  });
});

describe("trials", () => {
  test("a trial is no revision, and nobody's doing; what only looks like one is", async () => {
    const made = (name: string, query: string) =>
      eventAt(0, {
        auditID: name,
        verb: "create",
        level: "RequestResponse",
        requestURI: `/api/v1/namespaces/shop/pods${query}`,
        objectRef: { resource: "pods", namespace: "shop", name, apiVersion: "v1" },
        responseStatus: { code: 201 },
        responseObject: { kind: "Pod", metadata: { name, namespace: "shop", uid: name } },
      });
    const gatherer = new FactGatherer();
    const log = linesOf([made("dry", "?dryRun=All"), made("wet", "?fieldManager=a?dryRun=All")]);
    await replayLogs({ logs: [logOf("a.log", log)], detections: [], redactor: REDACTOR, visitors: [gatherer] });
    const { revisions, lineage } = gatherer.facts();
    expect(revisions.objects().map(({ name }) => name)).toEqual(["wet"]);
    expect(lineage.objects().map(({ name }) => name)).toEqual(["wet"]);
  });

  test("a command in a pod is no trial, whatever its URI says", async () => {
    const objectRef = { resource: "pods", subresource: "exec", namespace: "shop", name: "web", apiVersion: "v1" };
    const requestURI = "/api/v1/namespaces/shop/pods/web/exec?command=sh&dryRun=All";
    const gatherer = new FactGatherer();
    const log = linesOf([eventAt(0, { verb: "get", objectRef, requestURI, responseStatus: { code: 101 } })]);
    await replayLogs({ logs: [logOf("a.log", log)], detections: [], redactor: REDACTOR, visitors: [gatherer] });
    expect(gatherer.facts().lineage.reachesInto("shop", "web")).toHaveLength(1);
  });
});

describe("rbacAt", () => {
  const change = (time: string, verb: string, hasBody = true): RbacChange => ({
    time,
    verb,
    key: "b",
    actor: time,
    role: hasBody ? `role of ${time}` : "",
    subjects: [],
    rules: [],
    hasBody,
  });
  test.each([
    ["before the first", [change("2", "create")], "1", []],
    ["after it", [change("2", "create")], "2", ["role of 2"]],
    [
      "a change without a body keeps what is known",
      [change("2", "create"), change("3", "patch", false)],
      "4",
      ["role of 2"],
    ],
    ["deleted", [change("2", "create"), change("3", "delete")], "4", []],
    ["made again", [change("2", "create"), change("3", "delete"), change("4", "create")], "4", ["role of 4"]],
  ])("rbacAt %s", (_, changes, time, roles) => {
    expect(rbacAt(changes, time).map((standing) => standing.change.role)).toEqual(roles);
  });

  test("rbacAt says what is older than the log", () => {
    expect(rbacAt([change("2", "update")], "3")[0]?.isOlder).toBe(true);
  });
});

describe("readReason", () => {
  test("readReason reads what RBAC writes, with quotes in it", () => {
    expect(
      readReason('RBAC: allowed by RoleBinding "ci-bot-edit/shop" of ClusterRole "edit" to ServiceAccount "ci-bot/ci"'),
    ).toEqual({
      kind: "RoleBinding",
      binding: "ci-bot-edit/shop",
      roleKind: "ClusterRole",
      role: "edit",
      subject: 'ServiceAccount "ci-bot/ci"',
    });
  });
  test.each(["", "allowed by webhook", "RBAC: allowed by Something else"])(
    "readReason knows nothing of %o",
    (reason) => {
      expect(readReason(reason)).toBeUndefined();
    },
  );
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(sorted);
  }
  return typeof value === "object" && value !== null
    ? Object.fromEntries(
        Object.entries(value)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, inner]) => [key, sorted(inner)]),
      )
    : value;
}
