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
});
