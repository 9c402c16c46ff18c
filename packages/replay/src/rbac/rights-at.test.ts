import { describe, expect, test } from "vitest";
import { eventAt, linesOf, logOf, REDACTOR, sample } from "../replay-fixtures.suite.ts";
import { replayLogs } from "../replay-logs.ts";
import { RightsAtVisitor } from "./rights-at.ts";
import type { RightsAt } from "./rights-at.ts";

const API = "rbac.authorization.k8s.io";
const PATH = `/apis/${API}/v1`;
/** A moment so many milliseconds after the first event. */
const at = (ms: number): string => `2026-11-24T10:00:0${(ms / 1000).toFixed(6)}Z`;

async function rightsOf(actor: string, time: string, log: string | Buffer): Promise<RightsAt> {
  const visitor = new RightsAtVisitor({ actor, at: time });
  await replayLogs({ logs: [logOf("log", log)], detections: [], redactor: REDACTOR, visitors: [visitor] });
  return visitor.result();
}

const created = at(0);
const binding = (name: string, role = "edit") => ({
  kind: "ClusterRoleBinding",
  metadata: { name: "b", creationTimestamp: created },
  roleRef: { apiGroup: API, kind: "ClusterRole", name: role },
  subjects: [{ kind: "User", name }],
});
const write = (ms: number, verb: string, more: Readonly<Record<string, unknown>> = {}) =>
  eventAt(ms, {
    verb,
    level: "RequestResponse",
    user: { username: "admin", groups: ["system:masters"] },
    requestURI: `${PATH}/clusterrolebindings/b`,
    objectRef: { resource: "clusterrolebindings", name: "b", apiGroup: API, apiVersion: "v1" },
    responseStatus: { code: verb === "create" ? 201 : 200 },
    ...more,
  });
const create = (ms: number, name: string, more: Readonly<Record<string, unknown>> = {}) =>
  write(ms, "create", { responseObject: binding(name), ...more });
const act = (ms: number, more: Readonly<Record<string, unknown>> = {}) =>
  eventAt(ms, {
    annotations: {
      "authorization.k8s.io/decision": "allow",
      "authorization.k8s.io/reason": 'RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "edit" to User "ann"',
    },
    ...more,
  });
const remove = (ms: number, more: Readonly<Record<string, unknown>> = {}) =>
  write(ms, "delete", { responseObject: { kind: "Status" }, ...more });
const list = (ms: number, items: readonly unknown[]) =>
  write(ms, "list", {
    requestURI: `${PATH}/clusterrolebindings?limit=500`,
    objectRef: { resource: "clusterrolebindings", apiGroup: API, apiVersion: "v1" },
    responseObject: { kind: "ClusterRoleBindingList", metadata: {}, items },
  });

describe("RightsAtVisitor", () => {
  test.each<[string, readonly unknown[], readonly (readonly [string, string])[]]>([
    ["made before", [create(1000, "ann")], [["written", "User ann"]]],
    ["made at that very time", [create(5000, "ann")], [["written", "User ann"]]],
    ["made later", [create(6000, "ann"), act(7000)], []],
    ["made, and deleted before", [create(1000, "ann"), remove(2000)], []],
    ["made, and deleted later", [create(1000, "ann"), remove(6000)], [["written", "User ann"]]],
    ["deleted, and made again", [create(0, "eve"), remove(1000), create(2000, "ann")], [["written", "User ann"]]],
    ["given to somebody else", [create(0, "ann"), write(1000, "update", { responseObject: binding("eve") })], []],
    [
      "given to somebody else later",
      [create(0, "ann"), write(6000, "update", { responseObject: binding("eve") })],
      [["written", "User ann"]],
    ],
    ["shown before", [list(1000, [binding("ann")])], [["shown", "User ann"]]],
    ["shown later, by its own word older", [list(6000, [binding("ann")])], [["shown later", "User ann"]]],
    [
      "shown later, by its own word made in that second",
      [list(6000, [{ ...binding("ann"), metadata: { name: "b", creationTimestamp: "2026-11-24T10:00:05Z" } }])],
      [["shown later", "User ann"]],
    ],
    [
      "shown later, and made a second after",
      [list(6000, [{ ...binding("ann"), metadata: { name: "b", creationTimestamp: "2026-11-24T10:00:06Z" } }])],
      [],
    ],
    [
      "shown later, when it had been written",
      [write(6000, "update", { responseObject: binding("ann") }), list(7000, [binding("ann")])],
      [],
    ],
    ["named by the authorizer before", [act(1000)], [["used", "User ann"]]],
    ["named by the authorizer later", [act(6000)], [["used later", "User ann"]]],
    ["only asked for", [create(1000, "ann", { stage: "RequestReceived", responseStatus: undefined })], []],
    ["refused", [create(1000, "ann", { responseStatus: { code: 403 } })], []],
    ["a trial", [create(1000, "ann", { requestURI: `${PATH}/clusterrolebindings?dryRun=All` })], []],
    [
      "a write that only looks like a trial",
      [create(1000, "ann", { requestURI: `${PATH}/clusterrolebindings?fieldManager=a?dryRun=All` })],
      [["written", "User ann"]],
    ],
    [
      "whose deletion was only asked for",
      [create(0, "ann"), remove(1000, { stage: "RequestReceived", responseStatus: undefined })],
      [["written", "User ann"]],
    ],
    [
      "deleted together with others",
      [create(0, "ann"), write(1000, "deletecollection", { responseObject: { items: [binding("ann")] } })],
      [],
    ],
  ])("RightsAtVisitor tells what stood: a binding %s", async (_name, events, expected) => {
    const { bindings } = await rightsOf("ann", at(5000), linesOf(events));
    expect(bindings.map(({ by, subjects }) => [by, subjects.join(", ")])).toEqual(expected);
  });

  test("RightsAtVisitor says what a binding gives, who made it, and what it let pass", async () => {
    const role = write(0, "create", {
      requestURI: `${PATH}/clusterroles/edit`,
      objectRef: { resource: "clusterroles", name: "edit", apiGroup: API, apiVersion: "v1" },
      responseObject: {
        kind: "ClusterRole",
        metadata: { name: "edit" },
        rules: [
          { apiGroups: ["", "apps"], resources: ["pods", "deployments"], verbs: ["get", "list"] },
          { nonResourceURLs: ["*"], verbs: ["get"] },
        ],
      },
    });
    const watch = { verb: "watch", auditID: "watch" };
    const events = [
      role,
      create(1000, "ann", { auditID: "made" }),
      act(2000),
      act(3000),
      act(4000, { ...watch, stage: "ResponseStarted" }),
      act(4500, watch),
      act(4600, { responseStatus: { code: 403 }, annotations: { "authorization.k8s.io/decision": "forbid" } }),
    ];
    const { bindings, letPassOtherwise } = await rightsOf("ann", at(5000), linesOf(events));
    expect(bindings).toMatchObject([
      {
        binding: "ClusterRoleBinding b",
        role: "ClusterRole edit",
        rules: ["get, list: pods, deployments of apps", "get: every path"],
        made: { time: at(1000), actor: "admin", verb: "create", auditID: "made" },
        rulesOf: { time: at(0), actor: "admin" },
        letPass: [
          { access: "list pods in shop", first: at(2000), last: at(3000), requests: 2, auditID: "id-2000" },
          { access: "watch pods in shop", first: at(4000), requests: 1 },
        ],
      },
    ]);
    expect(letPassOtherwise).toEqual([]);
  });

  test("RightsAtVisitor knows groups as they were, and whom a service account always is", async () => {
    const grouped = (ms: number, name: string, groups: readonly string[]) =>
      eventAt(ms, { user: { username: name, groups } });
    const log = linesOf([
      create(0, "ann", { responseObject: { ...binding(""), subjects: [{ kind: "Group", name: "ops" }] } }),
      grouped(1000, "ann", ["dev"]),
      grouped(6000, "ann", ["ops"]),
      grouped(6000, "bob", ["ops"]),
    ]);
    expect((await rightsOf("ann", at(5000), log)).bindings).toEqual([]);
    expect((await rightsOf("ann", at(7000), log)).bindings).toHaveLength(1);
    // Whoever has no request until then is told by the first one later.
    expect((await rightsOf("bob", at(5000), log)).bindings).toHaveLength(1);
    const account = await rightsOf("system:serviceaccount:shop:web", at(5000), log);
    expect(account.identities).toEqual([
      {
        name: "system:serviceaccount:shop:web",
        groups: ["system:authenticated", "system:serviceaccounts", "system:serviceaccounts:shop"],
        memberships: ["system:authenticated", "system:serviceaccounts", "system:serviceaccounts:shop"].map((group) => ({
          group,
          shown: undefined,
          isLater: false,
          isLeft: false,
        })),
        isSeen: false,
      },
    ]);
    expect(account.isKnown).toBe(false);
  });

  test("RightsAtVisitor says by which request somebody is in a group, and whose word it is", async () => {
    const grouped = (ms: number, groups: readonly string[], more: Readonly<Record<string, unknown>> = {}) =>
      eventAt(ms, { auditID: `a-${ms}`, user: { username: "ann", groups }, ...more });
    const log = linesOf([
      create(0, "eve", { responseObject: { ...binding(""), subjects: [{ kind: "Group", name: "ops" }] } }),
      grouped(1000, ["dev", "old"]),
      grouped(2000, ["dev"]),
      grouped(3000, ["admins"], {
        user: { username: "root", groups: ["admins"] },
        impersonatedUser: { username: "ann", groups: ["dev", "ops"] },
      }),
      grouped(6000, ["dev", "new"]),
    ]);
    const membershipsAt = async (time: string): Promise<readonly unknown[]> =>
      (await rightsOf("ann", time, log)).identities.flatMap(({ memberships }) =>
        memberships.map(({ group, shown, isLater, isLeft }) => [
          group,
          shown?.auditID,
          shown?.impersonator,
          ...(isLater ? ["later"] : []),
          ...(isLeft ? ["left"] : []),
        ]),
      );
    expect(await membershipsAt(at(5000))).toEqual([
      ["dev", "a-2000", undefined],
      ["old", "a-1000", undefined, "left"],
      ["ops", "a-3000", "root"],
      ["system:authenticated", undefined, undefined],
    ]);
    expect(await membershipsAt(at(500))).toEqual([
      ["dev", "a-1000", undefined, "later"],
      ["old", "a-1000", undefined, "later"],
      ["system:authenticated", undefined, undefined],
    ]);
    // What root chose is no right of ann.
    const { bindings, identities } = await rightsOf("ann", at(5000), log);
    expect([bindings, identities[0]?.groups]).toEqual([[], ["dev", "old", "system:authenticated"]]);
  });

  test("RightsAtVisitor names what the log cannot know", async () => {
    const log = linesOf([
      create(1000, "ann"),
      write(2000, "patch", { level: "Metadata" }),
      write(3000, "deletecollection", { level: "Metadata", auditID: "all" }),
      act(4000, { user: { username: "root", groups: ["system:masters"] }, annotations: {} }),
    ]);
    const { unknown } = await rightsOf("*", at(9000), log);
    expect(unknown).toEqual([
      expect.stringMatching(/^The log ends at .*04.000000Z, before that time/),
      expect.stringMatching(/^The log holds no whole list of ClusterRoleBindings and RoleBindings up to then/),
      "Written once more without a body in the log, to what is not known: ClusterRoleBinding b",
      "No body in the log says what these roles allow: ClusterRole edit",
      expect.stringMatching(/^May do everything as a member of system:masters.*: admin, root$/),
      expect.stringMatching(/^\d+ requests were let pass without a reason/),
      "Roles or bindings were deleted together, and no answer says which: auditID all",
    ]);
    const listed = await rightsOf("ann", at(0), linesOf([list(0, [binding("ann")]), act(100)]));
    expect(listed.unknown[0]).toMatch(/no whole list of RoleBindings up/);
  });

  test("RightsAtVisitor tells of the attack log who made the service account an administrator, at Metadata too", async () => {
    const web = "system:serviceaccount:shop:web";
    const log = sample("attack.log.zst");
    const before = await rightsOf(web, "2026-11-24T00:27:26.000000Z", log);
    expect(before.bindings.map(({ role }) => role)).not.toContain("ClusterRole cluster-admin");
    expect(before.letPassOtherwise.map(({ access }) => access)).toContain("get pods/exec db-0 in payments");
    const metadata = log
      .toString()
      .trim()
      .split("\n")
      .map((line) => ({
        ...(JSON.parse(line) as object),
        level: "Metadata",
        requestObject: null,
        responseObject: null,
      }));
    for (const each of [log, linesOf(metadata)]) {
      const [first] = (await rightsOf(web, "2026-11-24T00:27:30.000000Z", each)).bindings;
      expect(first).toMatchObject({
        binding: "ClusterRoleBinding web-cluster-admin",
        role: "ClusterRole cluster-admin",
        subjects: ["ServiceAccount shop/web"],
        made: { actor: "ops-carol", verb: "create", auditID: "c2e5d87a-d252-444b-a4c8-daa660edb586" },
      });
      expect(first?.rules).toEqual(each === log ? ["*: * of *", "*: every path"] : undefined);
    }
  });
});
