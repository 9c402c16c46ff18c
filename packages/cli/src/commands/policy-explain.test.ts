import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { auditsieveHere as auditsieve } from "../run-in-process.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-explain-"));
afterAll(() => rmSync(folder, { recursive: true }));

const policy = join(folder, "policy.yaml");
writeFileSync(
  policy,
  `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: None, users: ["system:kube-proxy"], verbs: [watch]}
- level: RequestResponse
  resources: [{group: "", resources: [secrets, pods/exec]}]
- {level: None, userGroups: [dev], nonResourceURLs: [/healthz*]}
- {level: Metadata, userGroups: ["system:authenticated"]}
`,
);

interface Explained {
  readonly requests: readonly {
    readonly main: boolean;
    readonly request: { readonly user?: string; readonly groups?: readonly string[]; readonly noUser?: boolean };
    readonly level: string;
    readonly rule: number | null;
    readonly stages: readonly string[];
    readonly passed: readonly { readonly rule: number; readonly line: number; readonly field: string }[];
    readonly responseObject: { readonly written: boolean; readonly reason: string };
  }[];
  readonly notes: readonly string[];
}

async function explainJson(...args: readonly string[]): Promise<Explained> {
  const { code, stdout, stderr } = await auditsieve(["policy", "explain", "--output", "json", policy, ...args]);
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(Buffer.from(stdout, "latin1").toString("utf8")) as Explained;
}

describe.concurrent("auditsieve policy explain", () => {
  test("prints who decides, why the others do not, and what is written", async ({ expect }) => {
    const { code, stdout, stderr } = await auditsieve([
      "policy",
      "explain",
      policy,
      "kubectl exec -n prod web --as alice -- sh",
      "--user",
      "ann",
      "--group",
      "dev",
    ]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatchInlineSnapshot(`
      "get pods/exec "web" in prod by ann (dev, system:authenticated): GET /api/v1/namespaces/prod/pods/web/exec
        rules[0] (line 5, None): no: users: wants the user system:kube-proxy; the user is ann
        rules[1] (line 6, RequestResponse): decides
        level:          RequestResponse without RequestReceived
        stages:         ResponseStarted, ResponseComplete
        requestObject:  not written: a session has no bodies; the command of an exec stands in the URL, at every level but None
        responseObject: not written: a session has no bodies; the command of an exec stands in the URL, at every level but None

      kubectl also sends get pods "web" in prod by ann (dev, system:authenticated): GET /api/v1/namespaces/prod/pods/web
        Metadata without RequestReceived, by rules[3]

      note: the policy does not see that alice is impersonated: it sees ann, who has really logged in; the event carries impersonatedUser from the authorization on (not at RequestReceived)
      note: kubectl opens sessions by WebSocket, which is the verb get, since 1.30 (port-forward since 1.31); before that it was create
      "
    `);
  });

  test.each([
    ["quoted", ["kubectl get secrets -n prod"]],
    ["behind --", ["--", "kubectl", "get", "secrets", "-n", "prod"]],
    ["as it is", ["kubectl", "get", "secrets", "-n", "prod"]],
    ["as HTTP", ["GET /api/v1/namespaces/prod/secrets"]],
    ["as HTTP in two words", ["GET", "/api/v1/namespaces/prod/secrets"]],
  ])("takes a request %s", async (_name, words) => {
    const { requests } = await explainJson(...words);
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({
      request: { verb: "list", resource: "secrets", namespace: "prod" },
      level: "RequestResponse",
      rule: 1,
      passed: [{ rule: 0, line: 5, field: "users" }],
      responseObject: { written: true },
    });
  });

  test("keeps what is behind the request's own -- apart", async () => {
    for (const words of [
      ["--", "kubectl", "exec", "web", "--", "sh", "--as", "alice"],
      ["kubectl exec web -- sh --as alice"],
      ["kubectl", "exec", "web", "--", "sh", "--as", "alice"],
    ]) {
      const { requests, notes } = await explainJson(...words);
      expect(requests[0]).toMatchObject({ main: true, level: "RequestResponse", rule: 1 });
      expect(notes.join("\n")).toMatch(/does not see that alice is impersonated[^]*--as stands behind --/);
    }
  });

  test.each([
    [[], { user: "jane", groups: ["system:authenticated"] }, 3],
    [
      ["--user", "system:serviceaccount:prod:robot"],
      { groups: ["system:serviceaccounts", "system:serviceaccounts:prod", "system:authenticated"] },
      3,
    ],
    [["--user", "system:anonymous"], { groups: ["system:unauthenticated"] }, null],
    [["--group", "dev", "--group", "ops"], { groups: ["dev", "ops", "system:authenticated"] }, 2],
    [["--failed-login"], { noUser: true }, null],
  ])("kubectl get --raw /healthz with %j is sent by %j", async (args, who, rule) => {
    const { requests } = await explainJson("kubectl get --raw /healthz", ...args);
    expect(requests[0]).toMatchObject({ request: who, rule });
  });

  test.each<[string, readonly string[], RegExp]>([
    ["no request", [policy], /no request is given/],
    ["what is no request", [policy, "helm install x"], /it begins with "helm"/],
    ["an unknown type", [policy, "kubectl get sekrets"], /kubectl get is understood, but there is no type "sekrets"/],
    ["a flag of unknown meaning", [policy, "kubectl get pods --frob"], /not known what --frob means/],
    ["a user of a failed login", [policy, "GET /x", "--failed-login", "--user", "ann"], /there is no user then/],
    ["a policy that is not there", [join(folder, "absent.yaml"), "GET /x"], /absent.yaml": no such file/],
  ])("refuses %s with a hint and 2", async (_name, args, said) => {
    const { code, stdout, stderr } = await auditsieve(["policy", "explain", ...args]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(said);
    expect(stderr).toContain("hint:");
  });

  test("shows options and examples by --help", async () => {
    const { code, stdout } = await auditsieve(["policy", "explain", "--help"]);
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/--failed-login[^]*Examples:[^]*policy explain policy.yaml -- kubectl/),
    ]);
  });
});
