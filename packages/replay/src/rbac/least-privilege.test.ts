import * as fc from "fast-check";
import { readYaml } from "@auditsieve/audit";
import { describe, expect, test } from "vitest";
import { eventAt, linesOf, logOf, REDACTOR, sample } from "../replay-fixtures.suite.ts";
import { replayLogs } from "../replay-logs.ts";
import type { Access } from "./access.ts";
import { GrantedAccessVisitor } from "./granted-access.ts";
import { boundRules, leastRoles, MAX_RESOURCE_NAMES } from "./least-roles.ts";
import { leastPrivilege } from "./least-privilege.ts";
import type { LeastPrivilege } from "./least-privilege.ts";
import { boundRuleAllows, ruleAllows } from "./rbac-rule.ts";
import { UsedAccessVisitor } from "./used-access.ts";
import { writeManifests } from "./write-manifests.ts";

const POD: Access = { verb: "get", group: "", resource: "pods", namespace: "shop", name: "web", path: "" };

async function leastOf(actor: string, log: string | Buffer): Promise<LeastPrivilege> {
  const used = new UsedAccessVisitor(actor);
  const granted = new GrantedAccessVisitor();
  await replayLogs({ logs: [logOf("log", log)], detections: [], redactor: REDACTOR, visitors: [used, granted] });
  return leastPrivilege(used.result(), granted);
}

describe("ruleAllows", () => {
  test.each<[string, Parameters<typeof ruleAllows>[0], Partial<Access>, boolean]>([
    ["every verb", { apiGroups: [""], resources: ["pods"], verbs: ["*"] }, { verb: "odd" }, true],
    ["every group", { apiGroups: ["*"], resources: ["pods"], verbs: ["get"] }, { group: "x.io" }, true],
    ["core group only", { apiGroups: [""], resources: ["pods"], verbs: ["get"] }, { group: "x.io" }, false],
    [
      "no subresource by its parent",
      { apiGroups: [""], resources: ["pods"], verbs: ["get"] },
      { resource: "pods/log" },
      false,
    ],
    [
      "any resource's subresource",
      { apiGroups: [""], resources: ["*/log"], verbs: ["get"] },
      { resource: "pods/log" },
      true,
    ],
    ["no parent by */sub", { apiGroups: [""], resources: ["*/log"], verbs: ["get"] }, {}, false],
    ["a name", { apiGroups: [""], resources: ["pods"], resourceNames: ["web"], verbs: ["get"] }, {}, true],
    [
      "no list by names",
      { apiGroups: [""], resources: ["pods"], resourceNames: ["web"], verbs: ["list"] },
      { verb: "list", name: "" },
      false,
    ],
    ["a path", { nonResourceURLs: ["/healthz"], verbs: ["get"] }, { resource: "", path: "/healthz" }, true],
    ["paths below", { nonResourceURLs: ["/healthz/*"], verbs: ["get"] }, { resource: "", path: "/healthz/etcd" }, true],
    [
      "no path by a resource",
      { apiGroups: ["*"], resources: ["*"], verbs: ["*"] },
      { resource: "", path: "/healthz" },
      false,
    ],
  ])("ruleAllows decides as upstream: %s", (_name, rule, access, allowed) => {
    expect(ruleAllows(rule, { ...POD, ...access })).toBe(allowed);
  });
});

describe("leastRoles", () => {
  const accesses = fc.uniqueArray(
    fc.record({
      verb: fc.constantFrom("get", "list", "create", "delete", "patch"),
      group: fc.constantFrom("", "apps"),
      resource: fc.constantFrom("pods", "pods/log", "deployments"),
      namespace: fc.constantFrom("", "shop", "pay"),
      name: fc.constantFrom("a", "b", "c"),
      path: fc.constant(""),
    }),
    { selector: (access) => JSON.stringify(access), maxLength: 40 },
  );
  const nameless = new Set(["list", "create"]);

  test("leastRoles allows all that was used, and nothing else but what RBAC cannot tell apart", () => {
    fc.assert(
      fc.property(accesses, (drawn) => {
        const used = drawn.map((access) => (nameless.has(access.verb) ? { ...access, name: "" } : access));
        const rules = boundRules(leastRoles("jane", used));
        const allows = (access: Access): boolean => rules.some((rule) => boundRuleAllows(rule, access));
        expect(used.filter((access) => !allows(access))).toEqual([]);
        for (const verb of ["get", "list", "create", "delete", "patch", "watch"]) {
          for (const group of ["", "apps", "batch"]) {
            for (const resource of ["pods", "pods/log", "deployments", "secrets"]) {
              for (const namespace of ["", "shop", "pay", "other"]) {
                for (const name of nameless.has(verb) ? [""] : ["a", "b", "c", "d"]) {
                  const asked = { verb, group, resource, namespace, name, path: "" };
                  // Bound for the whole cluster it holds in each namespace: RBAC has no other way.
                  const wasUsed = used.some(
                    (each) =>
                      JSON.stringify(each) === JSON.stringify(asked) ||
                      JSON.stringify(each) === JSON.stringify({ ...asked, namespace: "" }),
                  );
                  expect([asked, allows(asked)]).toEqual([asked, wasUsed]);
                }
              }
            }
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  test("leastRoles lists names up to the bound, and says where it does not", () => {
    const names = (count: number): Access[] => Array.from({ length: count }, (_, i) => ({ ...POD, name: `web-${i}` }));
    const few = leastRoles("jane", names(MAX_RESOURCE_NAMES));
    expect([few.roles[0]?.rules[0]?.resourceNames?.length, few.cannotNarrow]).toEqual([MAX_RESOURCE_NAMES, []]);
    const many = leastRoles("jane", names(MAX_RESOURCE_NAMES + 1));
    expect(many.roles[0]?.rules).toEqual([{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }]);
    expect(many.cannotNarrow[0]).toMatch(/21 names were used, more than 20/);
  });

  test("leastRoles says what no rule can grant", () => {
    const { roles, cannotNarrow } = leastRoles("jane", [
      { ...POD, namespace: "No Such" },
      { ...POD, verb: "" },
      { ...POD, resource: "", namespace: "", name: "", path: "/x*" },
    ]);
    expect([roles, cannotNarrow.length]).toEqual([[], 3]);
    expect(cannotNarrow[1]).toMatch(/^"" \(no verb\) pods.*: RBAC has no such verb$/);
  });
});

describe("leastPrivilege", () => {
  test("leastPrivilege of the ci bot of the attack log is what the bot did, and names what the attacker tried", async () => {
    const least = await leastOf("system:serviceaccount:ci:ci-bot", sample("attack.log.zst"));
    expect(least.notAllowed).toEqual([]);
    expect(least.refused).toEqual(["create rolebindings.rbac.authorization.k8s.io in shop"]);
    expect(least.roles.map(({ namespace }) => namespace)).toEqual([undefined, "shop"]);
    expect(least.roles[1]?.rules).toContainEqual({
      apiGroups: ["apps"],
      resources: ["deployments"],
      resourceNames: ["web"],
      verbs: ["get", "patch", "watch"],
    });
    const edit = least.neverUsed.find(({ binding }) => binding === "RoleBinding shop/ci-bot-edit");
    expect(edit?.unused).toContain("get secrets");
    expect(edit?.unused).toContain("create deployments.apps/scale");
    expect(edit?.unused).not.toContain("patch deployments.apps");
  });

  test("leastPrivilege of an administrator says which wildcards allow more than was used", async () => {
    const { neverUsed } = await leastOf("kubernetes-admin", sample("attack.log.zst"));
    const admin = neverUsed.find(({ role }) => role === "ClusterRole cluster-admin");
    expect(admin?.wildcards).toContain("* *.*");
  });

  test("leastPrivilege knows a right as granted whose deletion was only asked for, or was a trial", async () => {
    const api = { apiGroup: "rbac.authorization.k8s.io", apiVersion: "v1" };
    const made = (resource: string, kind: string, name: string, body: object) =>
      eventAt(0, {
        verb: "create",
        level: "RequestResponse",
        objectRef: { resource, name, ...api },
        responseObject: { kind, metadata: { name }, ...body },
      });
    const gone = (more: object) => eventAt(1, { verb: "delete", level: "Request", ...more });
    const objectRef = { resource: "clusterrolebindings", name: "b", ...api };
    const log = linesOf([
      made("clusterroles", "ClusterRole", "r", { rules: [{ apiGroups: [""], resources: ["nodes"], verbs: ["get"] }] }),
      made("clusterrolebindings", "ClusterRoleBinding", "b", {
        roleRef: { kind: "ClusterRole", name: "r" },
        subjects: [{ kind: "User", name: "ann" }],
      }),
      gone({ objectRef, stage: "RequestReceived", responseStatus: undefined }),
      gone({ objectRef, requestObject: { kind: "DeleteOptions", dryRun: ["All"] } }),
    ]);
    expect((await leastOf("ann", log)).neverUsed.map(({ binding }) => binding)).toEqual(["ClusterRoleBinding b"]);
  });

  test("leastPrivilege counts impersonation for both: the right to impersonate, and the rights used", async () => {
    const log = linesOf([
      eventAt(0, {
        user: { username: "ann", groups: ["system:authenticated"] },
        impersonatedUser: { username: "system:serviceaccount:shop:web", groups: ["system:serviceaccounts", "ops"] },
      }),
    ]);
    const [ann, web] = await Promise.all([leastOf("ann", log), leastOf("system:serviceaccount:shop:web", log)]);
    expect(ann.bindings.flatMap(({ role }) => role.rules)).toEqual([
      { apiGroups: [""], resources: ["groups"], resourceNames: ["ops"], verbs: ["impersonate"] },
      { apiGroups: [""], resources: ["serviceaccounts"], resourceNames: ["web"], verbs: ["impersonate"] },
    ]);
    expect(web.roles[0]?.rules).toEqual([{ apiGroups: [""], resources: ["pods"], verbs: ["list"] }]);
  });

  test("leastPrivilege says which lists were only asked for with a selector, by which RBAC does not narrow", async () => {
    const list = (ms: number, rest: string): object =>
      eventAt(ms, { requestURI: `/api/v1/namespaces/shop/${rest}`, objectRef: undefined });
    const { cannotNarrow } = await leastOf(
      "ann",
      linesOf([
        list(0, "pods?labelSelector=app%3Dweb"),
        list(1, "pods?limit=500&fieldSelector=status.phase%3DRunning"),
        list(2, "services?labelSelector=app%3Dweb"),
        list(3, "services?labelSelector=&limit=500"),
        list(4, "secrets?fieldSelector=metadata.name%3Dtls"),
      ]),
    );
    expect(cannotNarrow).toEqual([
      "list pods in shop: only ever with a selector of labels or fields, which no rule can ask for",
    ]);
  });

  test("leastPrivilege grants create to who created by patch, and to who opened an exec by GET", async () => {
    const patch = eventAt(0, {
      verb: "patch",
      requestURI: "/api/v1/namespaces/shop/configmaps/a?fieldManager=kubectl",
      responseStatus: { code: 201 },
    });
    const exec = eventAt(1, {
      stage: "ResponseStarted",
      verb: "get",
      requestURI: "/api/v1/namespaces/shop/pods/web/exec?command=sh",
      responseStatus: { code: 101 },
    });
    const { roles } = await leastOf("ann", linesOf([patch, exec]));
    expect(roles[0]?.rules).toEqual([
      { apiGroups: [""], resources: ["configmaps"], resourceNames: ["a"], verbs: ["create", "patch"] },
      { apiGroups: [""], resources: ["pods/exec"], resourceNames: ["web"], verbs: ["create", "get"] },
    ]);
  });

  test("leastPrivilege leaves out what was refused, by the decision or by the code", async () => {
    const refused = [
      eventAt(0, { annotations: { "authorization.k8s.io/decision": "forbid" }, responseStatus: { code: 403 } }),
      eventAt(1, { annotations: {}, responseStatus: { code: 403 }, requestURI: "/api/v1/namespaces/shop/secrets" }),
    ];
    // Admission refused it, after the authorizer had allowed it.
    const late = eventAt(2, { responseStatus: { code: 403 }, requestURI: "/api/v1/nodes", verb: "list" });
    const { roles, refused: listed } = await leastOf("ann", linesOf([...refused, late]));
    expect(roles.flatMap(({ rules }) => rules)).toEqual([{ apiGroups: [""], resources: ["nodes"], verbs: ["list"] }]);
    expect(listed).toEqual(["list pods in shop", "list secrets in shop"]);
  });

  test("writeManifests writes YAML in which hostile names stay values and comments stay comments", async () => {
    const actor = 'eve\n---\nkind: "x"\u2028\u202e\uffff\u{e0041}\u{1f600}';
    const name = 'a"\n- b: "*"';
    const log = linesOf([
      eventAt(0, {
        user: { username: actor },
        verb: "get",
        requestURI: `/api/v1/namespaces/shop/pods/${encodeURIComponent(name)}`,
      }),
    ]);
    const text = writeManifests(await leastOf(actor, log));
    expect(text).not.toMatch(/[\u2028\u202e\uffff\u{e0041}]/u);
    const { documents, problems } = readYaml(text);
    expect([problems, documents.length]).toEqual([[], 2]);
    expect(documents[0]?.value).toMatchObject({ kind: "Role", rules: [{ resourceNames: [name], verbs: ["get"] }] });
    expect(documents[1]?.value).toMatchObject({ kind: "RoleBinding", subjects: [{ kind: "User", name: actor }] });
  });
});
