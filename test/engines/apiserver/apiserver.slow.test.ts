import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, expect, test } from "vitest";
import { buildApiserver, startApiserver } from "./apiserver.ts";

const BUILD_TIMEOUT_MS = 45 * 60_000;
const WEBHOOK_LIMIT_MS = 60_000;
const ALL = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n";

beforeAll(async () => {
  await buildApiserver();
}, BUILD_TIMEOUT_MS);

test("startApiserver() writes the log, posts to the webhook, and leaves no process behind", async () => {
  const bodies: string[] = [];
  const sink = createServer((request, answer) => {
    let body = "";
    request.on("data", (piece) => (body += String(piece)));
    request.on("end", () => {
      bodies.push(body);
      answer.end();
    });
  });
  await new Promise<void>((resolve) => sink.listen(0, "127.0.0.1", resolve));
  const { port } = sink.address() as AddressInfo;
  const server = await startApiserver({ policyText: ALL, webhook: `http://127.0.0.1:${port}/audit` });
  try {
    const headers = { "Audit-ID": "asked-by-the-test" };
    const { status } = await server.client({ user: "admin" }).request("GET", "/api/v1/namespaces", { headers });
    expect(status).toBe(200);
    const limit = Date.now() + WEBHOOK_LIMIT_MS;
    while (!bodies.join("").includes("asked-by-the-test") && Date.now() < limit) {
      await sleep(200);
    }
    expect(bodies.join("")).toContain("asked-by-the-test");
    await server.stop();
    expect(await readFile(server.auditLog, "utf8")).toContain("asked-by-the-test");
    expect(() => process.kill(server.pid, 0)).toThrow("ESRCH");
  } finally {
    await server.remove();
    sink.close();
  }
});

test("startApiserver() says what the apiserver says where it does not start", async () => {
  const start = startApiserver({ policyText: "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: []\n" });
  await expect(start).rejects.toThrow("loaded illegal policy with 0 rules");
});

test("buildApiserver() says what to install where Go is missing", async () => {
  const cacheFolder = await mkdtemp(join(tmpdir(), "no-go-"));
  const path = process.env["PATH"];
  process.env["PATH"] = cacheFolder;
  try {
    await expect(buildApiserver({ cacheFolder })).rejects.toThrow("the command go is not installed. Install Go");
  } finally {
    process.env["PATH"] = path;
    await rm(cacheFolder, { recursive: true });
  }
});
