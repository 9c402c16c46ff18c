import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { inProcess } from "../run-in-process.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-explain-"));
afterAll(() => rmSync(folder, { recursive: true }));

const EVENT = {
  kind: "Event",
  apiVersion: "audit.k8s.io/v1",
  level: "RequestResponse",
  auditID: "a-secret",
  stage: "ResponseComplete",
  requestURI: "/api/v1/namespaces/shop/secrets",
  verb: "create",
  user: { username: "jane", groups: ["system:authenticated"] },
  sourceIPs: ["10.0.0.1"],
  userAgent: "kubectl/v1.37",
  objectRef: { resource: "secrets", namespace: "shop", name: "db", apiVersion: "v1" },
  responseStatus: { code: 201 },
  requestObject: { kind: "Secret", data: { password: "aHVudGVyMg==" } },
  requestReceivedTimestamp: "2026-11-24T10:00:00.000001Z",
  stageTimestamp: "2026-11-24T10:00:00.000002Z",
  annotations: { "authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "" },
};
const LEASE = {
  ...EVENT,
  auditID: "a-lease",
  requestURI: "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler",
  verb: "update",
  user: { username: "system:kube-scheduler", groups: ["system:authenticated"] },
  objectRef: {
    resource: "leases",
    namespace: "kube-system",
    name: "kube-scheduler",
    apiGroup: "coordination.k8s.io",
    apiVersion: "v1",
  },
  responseStatus: { code: 200 },
  requestObject: { kind: "Lease" },
};
const log = join(folder, "audit.log");
writeFileSync(log, `${JSON.stringify(EVENT)}\n${JSON.stringify(LEASE)}\n`);

interface Explained {
  readonly offset: number;
  readonly sent: string;
  readonly redacted: readonly string[];
  readonly findings: readonly { readonly title: string }[];
  readonly detections: readonly { readonly title: string; readonly outcome: string }[];
  readonly decision: { readonly action: string; readonly because: string };
  readonly document: Readonly<Record<string, unknown>>;
}

async function explain(auditID: string, ...more: readonly string[]): Promise<readonly Explained[]> {
  const { code, stdout } = await inProcess(["explain", auditID, log, "--output", "json", ...more]);
  expect(code).toBe(0);
  return JSON.parse(stdout) as readonly Explained[];
}

describe("auditsieve explain", () => {
  test("auditsieve explain says of noise in a damaged line that it is not dropped, and where in the line it stands", async () => {
    const torn = JSON.stringify(EVENT).slice(0, 300);
    const damaged = join(folder, "damaged.log");
    writeFileSync(damaged, `${torn}${JSON.stringify(LEASE)}\n`);
    const { code, stdout } = await inProcess(["explain", "a-lease", damaged, "--output", "json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([
      {
        offset: torn.length,
        sent: "whole",
        decision: { action: "keep", because: expect.stringContaining("salvaged") as string },
      },
    ]);
    const [whole] = await explain("a-lease");
    expect(whole).toMatchObject({ sent: "not", decision: { action: "drop" } });
  });

  test("auditsieve explain says that a kept event goes out whole, what is redacted, and what rests on it", async () => {
    const [explained] = await explain("a-secret");
    expect(explained).toMatchObject({ offset: 0, sent: "whole", decision: { action: "keep" } });
    expect(explained?.redacted).toEqual(["requestObject.data.password"]);
    expect(explained?.findings.map(({ title }) => title)).toContain("Secret made, changed or deleted by a person");
    expect(JSON.stringify(explained)).not.toContain("aHVudGVyMg==");
  });

  test("auditsieve explain takes an event however deeply its body is nested", async () => {
    const deep = join(folder, "deep.log");
    const body = `${'{"a":'.repeat(9900)}{"password":"aHVudGVyMg=="}${"}".repeat(9900)}`;
    writeFileSync(deep, `${JSON.stringify({ ...EVENT, requestObject: "BODY" }).replace('"BODY"', body)}\n`);
    const { code, stdout } = await inProcess(["explain", "a-secret", deep, "--output", "json"]);
    expect(code).toBe(0);
    const [explained] = JSON.parse(stdout) as readonly Explained[];
    expect(explained?.redacted).toEqual([`requestObject${".a".repeat(9900)}.password`]);
    expect(stdout).not.toContain("aHVudGVyMg==");
  });

  test("auditsieve explain says which rule drops an event", async () => {
    const [explained] = await explain("a-lease");
    expect(explained).toMatchObject({ sent: "not", decision: { action: "drop" } });
    expect(explained?.decision.because).toMatch(/^rules\[\d+\] is the first that matches: .*leases/);
  });

  test("auditsieve explain says that a policy strips, and that evidence goes out all the same", async () => {
    const policy = join(folder, "strip.yaml");
    writeFileSync(policy, "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: Metadata }]\n");
    expect((await explain("a-lease", "--policy", policy))[0]?.sent).toBe("stripped");
    expect((await explain("a-secret", "--policy", policy))[0]?.sent).toBe("as evidence of a finding");
  });

  test("auditsieve explain for a person names every stage of the way", async () => {
    const { code, stdout } = await inProcess(["explain", "a-secret", folder]);
    expect(code).toBe(0);
    for (const part of [
      "  request    jane: create secrets",
      "  decision   keep",
      "  detection  hits: ",
      "  finding    ",
      "  sent       whole",
      "  redacted   requestObject.data.password",
      "  document, redacted:",
    ]) {
      expect(stdout).toContain(part);
    }
  });

  test("auditsieve explain exits 1 for an event that is not there, 2 for a log that is not", async () => {
    expect((await inProcess(["explain", "a-nothing", log])).code).toBe(1);
    const absent = await inProcess(["explain", "a-secret", join(folder, "absent.log"), log]);
    expect([absent.code, absent.stdout.includes("jane: create secrets")]).toEqual([2, true]);
  });

  test("auditsieve explain says what the authorizer decided, and which detections only count for others", async () => {
    const { stdout } = await inProcess(["explain", "c2e5d87a-d252-444b-a4c8-daa660edb586", "samples/attack.log.zst"]);
    expect(stdout).toContain("  authorizer allow\n");
    expect(stdout).toContain("  detection  hits: cluster-admin bound to a subject\n");
    expect(stdout).toContain("  detection  holds, without a finding: Identity used with a program not seen before\n");
    expect(stdout).toContain("  detection  hits, and counts for others: Change by a member of system:masters\n");
    expect(stdout).toContain(
      "  finding    high: Sensitive object made and removed again: 2 within 15 min for user.username ops-carol",
    );
    const bot = await inProcess(["explain", "86bf7749-a986-420b-92e1-1ca8b60f5c55", "samples/attack.log.zst"]);
    expect(bot.stdout).toContain('  authorizer allow: RBAC: allowed by ClusterRoleBinding "web-cluster-admin" of');
  });

  test("auditsieve explain names the auditIDs that begin as the one that was asked for", async () => {
    const { code, stderr } = await inProcess(["explain", "fa86cb1a", "samples/small.log"]);
    expect(code).toBe(1);
    expect(stderr).toContain("  hint: There are: fa86cb1a-1907-46f7-b3ae-b66154262baa; it is matched as a whole\n");
    expect((await inProcess(["explain", "fa8", "samples/small.log"])).stderr).not.toContain("There are");
  });
});
