import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { auditsieveHere as auditsieve } from "../run-in-process.suite.ts";

const BOT = "system:serviceaccount:ci:ci-bot";

describe.concurrent("auditsieve rbac", () => {
  test("auditsieve rbac prints manifests, and what a reader must know before them", async () => {
    const { code, stdout, stderr } = await auditsieve(["rbac", BOT, "samples/attack.log.zst"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^# Least privilege of system:serviceaccount:ci:ci-bot: 20 accesses in 82 answered events/);
    expect(stdout).toContain("#   create rolebindings.rbac.authorization.k8s.io in shop\n");
    expect(stdout.slice(stdout.indexOf("kind: Role\n"))).toMatchInlineSnapshot(`
      "kind: Role
      metadata:
        name: "auditsieve-ci-ci-bot-e1573b"
        namespace: "shop"
      rules:
        - apiGroups: [""]
          resources: ["configmaps"]
          resourceNames: ["app-config", "build-1", "build-2", "build-3", "build-4"]
          verbs: ["get"]
        - apiGroups: [""]
          resources: ["configmaps"]
          resourceNames: ["app-config"]
          verbs: ["patch"]
        - apiGroups: [""]
          resources: ["configmaps"]
          resourceNames: ["build-1", "build-2", "build-3", "build-4"]
          verbs: ["delete"]
        - apiGroups: [""]
          resources: ["configmaps"]
          verbs: ["create"]
        - apiGroups: ["apps"]
          resources: ["deployments"]
          resourceNames: ["web"]
          verbs: ["get", "patch", "watch"]
        - apiGroups: ["batch"]
          resources: ["jobs"]
          resourceNames: ["build-1", "build-2", "build-3", "build-4"]
          verbs: ["delete"]
        - apiGroups: ["batch"]
          resources: ["jobs"]
          verbs: ["create"]
      ---
      apiVersion: rbac.authorization.k8s.io/v1
      kind: ClusterRoleBinding
      metadata:
        name: "auditsieve-ci-ci-bot-e1573b"
      roleRef:
        apiGroup: rbac.authorization.k8s.io
        kind: ClusterRole
        name: "auditsieve-ci-ci-bot-e1573b"
      subjects:
        - kind: ServiceAccount
          name: "ci-bot"
          namespace: "ci"
      ---
      apiVersion: rbac.authorization.k8s.io/v1
      kind: RoleBinding
      metadata:
        name: "auditsieve-ci-ci-bot-e1573b"
        namespace: "shop"
      roleRef:
        apiGroup: rbac.authorization.k8s.io
        kind: Role
        name: "auditsieve-ci-ci-bot-e1573b"
      subjects:
        - kind: ServiceAccount
          name: "ci-bot"
          namespace: "ci"
      "
    `);
  });

  test("auditsieve rbac exits 1 for an actor that was allowed nothing, 2 for an unreadable log, and reads the rest", async () => {
    const nobody = await auditsieve(["rbac", "no\u001b[2Jbody", "samples/small.log"]);
    expect([nobody.code, nobody.stdout]).toEqual([1, ""]);
    expect(nobody.stderr).toContain('"no\\u001b[2Jbody" was allowed');
    const absent = await auditsieve(["rbac", BOT, "absent.log", "samples/attack.log.zst", "--output", "json"]);
    expect(absent.code).toBe(2);
    expect(absent.stderr).toContain('Cannot read log "absent.log"');
    expect((JSON.parse(absent.stdout) as { accesses: number }).accesses).toBe(20);
    expect((await auditsieve(["rbac"])).code).toBe(2);
  });

  test("auditsieve rbac names who is near to an actor that is not in the log", async () => {
    const short = await auditsieve(["rbac", "ci:ci-bott", "samples/attack.log.zst"]);
    expect([short.code, short.stdout]).toEqual([1, ""]);
    expect(short.stderr).toContain('Cannot find anything that "ci:ci-bott" was allowed');
    const near = await auditsieve(["rbac", "mallori", "samples/attack.log.zst", "--at", "2026-11-24T00:27:30Z"]);
    expect([near.code, near.stdout]).toEqual([1, ""]);
    expect(near.stderr).toBe(
      'auditsieve: Nobody in these logs is "mallori"\n  hint: There are: mallory; it is compared as a whole, with its case\n',
    );
  });
});

describe.concurrent("auditsieve rbac --at", () => {
  const WEB = "system:serviceaccount:shop:web";
  const LOG = "samples/attack.log.zst";

  test("auditsieve rbac --at tells what an actor could do then, by which binding, who made it, and what it did by it", async () => {
    const { code, stdout, stderr } = await auditsieve(["rbac", WEB, LOG, "--at", "2026-11-24T00:27:30Z"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout.slice(0, stdout.indexOf("\n\nClusterRoleBinding system:"))).toMatchInlineSnapshot(`
      "RBAC of system:serviceaccount:shop:web at 2026-11-24T00:27:30.000000Z
      groups   system:authenticated, system:serviceaccounts, system:serviceaccounts:shop (by its request at 2026-11-24T00:27:29.892380Z, auditID 86bf7749-a986-420b-92e1-1ca8b60f5c55)

      ClusterRoleBinding web-cluster-admin gives ClusterRole cluster-admin everywhere
        to       ServiceAccount shop/web
        made     2026-11-24T00:27:26.749159Z by ops-carol (create, auditID c2e5d87a-d252-444b-a4c8-daa660edb586)
        allows   *: * of *
                 *: every path
                 as the role was made 2026-11-24T00:26:31.955124Z by system:apiserver (create, auditID d6ba5417-afc3-4774-ad1d-15c704301fb5)
        let pass
          first                        requests  what                            auditID
          2026-11-24T00:27:29.892380Z         1  get /openapi/v3                 86bf7749-a986-420b-92e1-1ca8b60f5c55
          2026-11-24T00:27:30.077516Z         1  create pods in shop             2080bb66-0f35-4501-9d68-3d4b6856c64c
          2026-11-24T00:27:31.239149Z         1  create pods in kube-system      ce1454c6-fe22-46f5-b8fa-dba9f878dfc4
          2026-11-24T00:27:38.203823Z         1  get pods db-0 in payments       7a5f371a-c82d-4bb4-ad70-215bd78da030
          2026-11-24T00:27:38.239119Z         1  get pods/exec db-0 in payments  489b94e9-6c63-4060-b4b6-9f073b58b9e6"
    `);
    expect(stdout).toContain("\nWhat the log cannot know\n  The log holds no whole list of RoleBindings up to then");
  });

  test("auditsieve rbac --at tells of all bindings in a row each, and of what let somebody pass at another time", async () => {
    const { code, stdout } = await auditsieve([
      "rbac",
      "*",
      LOG,
      "--at",
      "2026-11-24 01:27",
      "--zone",
      "Europe/Zurich",
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^RBAC of \* at 2026-11-24T00:27:00.000000Z\n67 bindings that the log shows\n/);
    expect(stdout).toMatch(
      /RoleBinding shop\/ci-bot-edit +ClusterRole edit +ServiceAccount ci\/ci-bot +kubernetes-admin +\d/,
    );
    expect(stdout).toMatch(/get \/openapi\/v3 and 4 more .*"web-cluster-admin" of ClusterRole "cluster-admin"/);
  });

  test("auditsieve rbac --at gives programs the same as one document, or a binding a line", async () => {
    const asked = ["rbac", WEB, LOG, "--at", "2026-11-24T00:27:30Z", "--output"];
    const [json, ndjson] = await Promise.all([auditsieve([...asked, "json"]), auditsieve([...asked, "ndjson"])]);
    const { bindings, unknown } = JSON.parse(json.stdout) as { bindings: unknown[]; unknown: string[] };
    expect(unknown).toHaveLength(1);
    const lines = ndjson.stdout.trim().split("\n");
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(
      bindings.map((binding) => ({ at: "2026-11-24T00:27:30.000000Z", ...(binding as object) })),
    );
  });

  test.each([
    [["--at", "25 o'clock"], /"25 o'clock".*\(--at\)/],
    [["--at", "1h", "--output", "yaml"], /Cannot print RBAC at a time as yaml/],
    [["--output", "table"], /Cannot print the least privilege as table[^]*--at TIME/],
    [["--zone", "Mars"], /--zone/],
  ])("auditsieve rbac refuses what it cannot tell: %j", async (options, message) => {
    const { code, stdout, stderr } = await auditsieve(["rbac", WEB, LOG, ...options]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
  });

  test("auditsieve rbac --at exits 1, with the reasons, if no binding is known", async () => {
    const { code, stdout, stderr } = await auditsieve(["rbac", WEB, LOG, "--at", "2020-01-01"]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/shows no binding that gave "system:serviceaccount:shop:web" anything at 2020-01-01T/);
    expect(stderr).toMatch(/The log begins at 2026-11-24T00:26:31.084447Z, after that time/);
  });

  test("auditsieve rbac --at makes names of a log harmless, and lets go of what is too long", async () => {
    const folder = mkdtempSync(join(tmpdir(), "auditsieve-rbac-"));
    const log = join(folder, "audit.log");
    const binding = (name: string) => ({
      kind: "Event",
      apiVersion: "audit.k8s.io/v1",
      level: "RequestResponse",
      auditID: `id\u001b[31m`,
      stage: "ResponseComplete",
      requestURI: "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
      verb: "create",
      user: { username: "eve\u001b[2J", groups: ["system:authenticated"] },
      objectRef: { resource: "clusterrolebindings", name, apiGroup: "rbac.authorization.k8s.io", apiVersion: "v1" },
      responseStatus: { code: 201 },
      responseObject: {
        kind: "ClusterRoleBinding",
        metadata: { name },
        roleRef: { kind: "ClusterRole", name: "r\u001b[1m" },
        subjects: [{ kind: "User", name: "ann" }],
      },
      requestReceivedTimestamp: "2026-11-24T10:00:00.000000Z",
      stageTimestamp: "2026-11-24T10:00:00.000000Z",
    });
    const lines = ["b\u001b[2J", "x".repeat(1_000_000)].map((name) => JSON.stringify(binding(name)));
    writeFileSync(log, `${lines.join("\n")}\n`);
    for (const actor of ["ann", "*"]) {
      const { code, stdout, stderr } = await auditsieve(["rbac", actor, log, "--at", "2026-11-24T11:00:00Z"]);
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).toContain("ClusterRoleBinding b\\u001b[2J");
      expect(stdout).not.toContain("\u001b[2J");
      expect(stdout.length).toBeLessThan(5_000);
      expect(stdout).toContain("There was no room for 1 roles, bindings or bodies of them");
    }
    rmSync(folder, { recursive: true });
  });
});
