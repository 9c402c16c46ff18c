import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENVIRONMENT, MAIN, ROOT } from "../run-command.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-hostile-"));
const log = join(folder, "hostile.log");
afterAll(() => rmSync(folder, { recursive: true }));

/** Each does three things that are findings, all of them with names that nobody had before. */
const IDENTITIES = 4_000;
/** Some write names of so many letters. */
const LONG = 100_000;
const START = Date.UTC(2026, 10, 24);

/** Of identity `i`: a read of a secret, a binding that is made, and a command in a pod that is refused. */
function* eventsOf(i: number): Generator<object, void> {
  const namespace = `ns-${i % 500}`;
  const name = i % 400 === 0 ? `o-${i}-${"x".repeat(LONG)}` : `o-${i}`;
  const username = `system:serviceaccount:${namespace}:sa-${i}`;
  const extra = { "authentication.kubernetes.io/credential-id": [`JTI=${i}`] };
  const base = {
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "RequestResponse",
    stage: "ResponseComplete",
    user: { username, groups: ["system:serviceaccounts", "system:authenticated"], extra },
    sourceIPs: [`10.${i >> 8}.${i & 255}.1`],
    userAgent: `agent-${i}/1.0`,
    annotations: { "authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "" },
  };
  const core = { namespace, name, apiVersion: "v1" };
  const metadata = { name: `b-${name}` };
  const body = { kind: "ClusterRoleBinding", metadata, roleRef: { kind: "ClusterRole", name: "cluster-admin" } };
  yield {
    ...base,
    verb: "get",
    requestURI: `/api/v1/namespaces/${namespace}/secrets/${name}`,
    objectRef: { resource: "secrets", ...core },
    responseStatus: { code: 200 },
  };
  yield {
    ...base,
    verb: "create",
    requestURI: "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    objectRef: {
      resource: "clusterrolebindings",
      apiGroup: "rbac.authorization.k8s.io",
      apiVersion: "v1",
      ...metadata,
    },
    responseStatus: { code: 201 },
    requestObject: { ...body, subjects: [{ kind: "User", name: username }] },
  };
  yield {
    ...base,
    verb: "create",
    requestURI: `/api/v1/namespaces/${namespace}/pods/${name}/exec?command=sh`,
    objectRef: { resource: "pods", subresource: "exec", ...core },
    responseStatus: { code: 403 },
  };
}

beforeAll(async () => {
  const out = createWriteStream(log);
  let number = 0;
  for (let i = 0; i < IDENTITIES; i++) {
    for (const event of eventsOf(i)) {
      const time = new Date(START + 5 * number).toISOString().replace("Z", "000Z");
      const times = { requestReceivedTimestamp: time, stageTimestamp: time };
      if (!out.write(`${JSON.stringify({ ...event, auditID: `audit-${number++}`, ...times })}\n`)) {
        await once(out, "drain");
      }
    }
  }
  out.end();
  await finished(out);
}, 180_000);

/** Runs the command in a process whose heap may have so many megabytes: V8 ends one that needs more. */
function within(
  megabytes: number,
  args: readonly string[],
): Promise<{ readonly code: number | null; readonly stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [`--max-old-space-size=${megabytes}`, MAIN, ...args], {
      cwd: ROOT,
      env: ENVIRONMENT,
      stdio: ["ignore", "ignore", "pipe"],
    });
    const err: Buffer[] = [];
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stderr: Buffer.concat(err).toString("utf8").slice(-2_000) }));
  });
}

const TIMEOUT_MS = 600_000;

describe("a log in which everything is new", () => {
  test.each(["1", "2"])(
    "auditsieve replay --threads %s with a report needs no more than 320 MB of heap",
    async (threads) => {
      const html = join(folder, `r${threads}.html`);
      const args = ["replay", "--threads", threads, "--html", html, "--output", "ndjson", log];
      const { code, stderr } = await within(320, args);
      expect({ code, stderr }).toMatchObject({ code: 0 });
      expect(statSync(html).size).toBeGreaterThan(1_000_000);
    },
    TIMEOUT_MS,
  );

  test(
    "auditsieve filter --findings needs no more than 320 MB of heap",
    async () => {
      const findings = join(folder, "findings.ndjson");
      const { code, stderr } = await within(320, ["filter", "--findings", findings, log]);
      expect({ code, stderr }).toMatchObject({ code: 0 });
      expect(statSync(findings).size).toBeGreaterThan(3 * IDENTITIES * 1_000);
    },
    TIMEOUT_MS,
  );
});
