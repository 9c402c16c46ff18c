import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { beforeAll, expect, test } from "vitest";
import { buildApiserver, startApiserver } from "../../../../test/engines/apiserver/apiserver.ts";
import { freePort } from "../../../../test/engines/free-port.ts";
import { readConfig } from "../config/config.ts";
import type { IngestConfig } from "../config/config.ts";
import { startDaemon } from "../daemon/daemon.ts";
import { createLogger } from "../logger.ts";
import { makeCertificate } from "./certificate.suite.ts";
import { openStore } from "./store-reader.ts";

const BUILD_TIMEOUT_MS = 45 * 60_000;
const REQUESTS = 600;
const TOKEN = "token-of-the-audit-webhook";
/** What the test does, and nothing that the apiserver does by itself. */
const POLICY = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - { level: RequestResponse, users: [admin], namespaces: [default], resources: [{ group: "", resources: [configmaps] }] }
  - { level: None }
`;

beforeAll(async () => {
  await buildApiserver();
}, BUILD_TIMEOUT_MS);

test("what an apiserver counted arrives, by its log while that rotates and by its webhook", async () => {
  const folder = mkdtempSync(join(tmpdir(), "apiserver-ingest-"));
  const authority = makeCertificate("authority");
  const receiver = makeCertificate("receiver", authority);
  const caller = makeCertificate("kube-apiserver", authority);
  const port = await freePort();
  const server = await startApiserver({
    policyText: POLICY,
    webhook: {
      url: `https://127.0.0.1:${port}/audit`,
      ca: authority.cert,
      cert: caller.cert,
      key: caller.key,
      token: TOKEN,
    },
    flags: ["--audit-log-maxsize=1", "--audit-log-compress=true", "--audit-log-maxbackup=100"],
  });
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const config = configOf(`
cluster: engine
stateFolder: ${join(folder, "state")}
sources:
  - { type: file, path: ${server.auditLog} }
  - type: webhook
    listen: 127.0.0.1:${port}
    path: /audit
    certFile: ${file("cert.pem", receiver.cert)}
    keyFile: ${file("key.pem", receiver.key)}
    clientCaFile: ${file("ca.pem", authority.cert)}
    clientNames: [CN=kube-apiserver]
    token: ${TOKEN}
sinks: [{ type: store, folder: ${join(folder, "store")}, feed: all, maxSegmentBytes: 2000000 }]
limits: { maxBatchAgeMs: 100 }
`);
  const stop = new AbortController();
  const alarms: string[] = [];
  const logger = createLogger({ destination: { write: () => undefined }, level: "error" });
  const start = (signal: AbortSignal): ReturnType<typeof startDaemon> =>
    startDaemon(config, { logger, signal, onAlarm: ({ message }) => alarms.push(message) });
  let running = start(stop.signal);
  try {
    const admin = server.client({ user: "admin" });
    const pad = "x".repeat(8_000);
    let restarted: AbortController | undefined;
    for (let i = 0; i < REQUESTS; i++) {
      const body = { kind: "ConfigMap", apiVersion: "v1", metadata: { name: `map-${i}` }, data: { pad } };
      const { status } = await admin.request("POST", "/api/v1/namespaces/default/configmaps", { body });
      expect(status).toBe(201);
      if (i === REQUESTS / 2) {
        // The webhook drains here so that no post meets a closed port: a refused connection is not tried again.
        await untilStored(folder, i + 1, "webhook");
        stop.abort();
        expect((await running).unacknowledged).toBe(0);
        restarted = new AbortController();
        running = start(restarted.signal);
        await untilListening(port);
      }
    }
    const counted = await eventsCounted(admin);
    expect(counted).toBe(REQUESTS);
    await untilStored(folder, counted, "webhook");
    await untilStored(folder, counted, "log");
    await server.stop();
    restarted?.abort();
    const end = await running;
    expect(end).toMatchObject({ reason: "stopped", unacknowledged: 0 });
    const written = linesOfLog(server.auditLog);
    expect(written).toHaveLength(counted);
    const stored = await storedEvents(folder);
    expect(stored.filter(isOfLog).toSorted()).toEqual(written.toSorted());
    expect(
      stored
        .filter((line) => !isOfLog(line))
        .map(auditIdOf)
        .toSorted(),
    ).toEqual(written.map(auditIdOf).toSorted());
    expect(readdirSync(dirname(server.auditLog)).filter((name) => name.endsWith(".gz")).length).toBeGreaterThan(3);
    // The test itself knocks, to see whether somebody listens.
    expect(alarms.filter((message) => message !== "A request was refused (tls)")).toEqual([]);
  } finally {
    stop.abort();
    await server.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}, 300_000);

function configOf(text: string): IngestConfig {
  const read = readConfig(text, {
    env: () => undefined,
    readFile: (path) => readFileSync(path, "utf8"),
    policy: () => "",
    detections: () => [],
  });
  expect(read.problems).toEqual([]);
  return read.config as IngestConfig;
}

/** An item of an EventList has no kind. */
function isOfLog(line: string): boolean {
  return line.startsWith('{"kind":"Event"');
}

function auditIdOf(line: string): string {
  return (JSON.parse(line) as { readonly auditID: string }).auditID;
}

async function storedEvents(folder: string): Promise<readonly string[]> {
  let text = "";
  for (const log of (await openStore(join(folder, "store"))).logs({ kinds: ["event"] })) {
    for await (const chunk of log.open()) {
      text += chunk.toString("utf8");
    }
  }
  return text.split("\n").filter((line) => line !== "");
}

async function untilStored(folder: string, count: number, by: "log" | "webhook"): Promise<void> {
  for (const limit = Date.now() + 120_000; ; await sleep(200)) {
    const lines = readdirSync(folder).includes("store") ? await storedEvents(folder).catch(() => []) : [];
    const found = lines.filter((line) => isOfLog(line) === (by === "log")).length;
    if (found >= count) {
      return;
    }
    expect(Date.now(), `${found} of ${count} by ${by}`).toBeLessThan(limit);
  }
}

async function untilListening(port: number): Promise<void> {
  const { connect } = await import("node:net");
  for (const limit = Date.now() + 60_000; Date.now() < limit; await sleep(50)) {
    const isUp = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy();
        resolve(true);
      });
      socket.once("error", () => resolve(false));
    });
    if (isUp) {
      return;
    }
  }
  expect.fail("the webhook does not listen");
}

interface Admin {
  request(method: string, path: string): Promise<{ readonly status: number; readonly text: string }>;
}

async function eventsCounted(admin: Admin): Promise<number> {
  const { text } = await admin.request("GET", "/metrics");
  return Number(/^apiserver_audit_event_total (\S+)$/m.exec(text)?.[1] ?? "NaN");
}

/** What the apiserver wrote, byte for byte: its log and everything that it rotated away and compressed. */
function linesOfLog(path: string): readonly string[] {
  return readdirSync(dirname(path))
    .filter((name) => name.startsWith("audit") && /\.log(\.gz)?$/.test(name))
    .filter((name, _, names) => name.endsWith(".gz") || !names.includes(`${name}.gz`))
    .flatMap((name) => {
      const bytes = readFileSync(join(dirname(path), name));
      return (name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8").split("\n");
    })
    .filter((line) => line !== "");
}
