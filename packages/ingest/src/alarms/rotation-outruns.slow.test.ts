import { appendFileSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { freePort } from "../../../../test/engines/free-port.ts";
import { readConfig } from "../config/config.ts";
import type { IngestConfig } from "../config/config.ts";
import { eventsOf } from "../daemon/daemon-chaos.suite.ts";
import { startDaemon } from "../daemon/daemon.ts";
import { createLogger } from "../logger.ts";
import { reconcile } from "../reconcile/reconcile.ts";
import { MockElasticsearch } from "../sinks/mock-elasticsearch.suite.ts";

const KEPT = 3;

test("a rotation that outruns the reading is told before, and what it took is counted to the byte", async () => {
  const folder = mkdtempSync(join(tmpdir(), "rotation-outruns-"));
  const log = join(folder, "audit.log");
  const mock = await MockElasticsearch.start();
  const port = await freePort();
  const told: string[] = [];
  const logger = createLogger({
    destination: { write: (line) => void told.push((JSON.parse(line) as { readonly alarm?: string }).alarm ?? "") },
  });
  const lines: string[] = [];
  const append = (count: number): void => {
    const fresh = Array.from({ length: count }, (_, i) => lineOf(lines.length + i));
    lines.push(...fresh);
    appendFileSync(log, fresh.map((line) => `${line}\n`).join(""));
  };
  const config = configOf(folder, mock.url, port);
  const stop = new AbortController();
  append(10);
  const running = startDaemon(config, { logger, signal: stop.signal });
  try {
    await until(() => eventsOf(mock).length === 10);
    mock.behave = () => "hang";
    const rotated = (): readonly string[] => readdirSync(folder).filter((name) => name.startsWith("audit-"));
    // Never more is deleted than what the daemon has seen, so that it can know all sizes.
    for (let rotation = 0; (await metric(port, "lost_files_total")) < 2; rotation++) {
      append(100);
      await sleep(300);
      renameSync(log, join(folder, `audit-2026-11-24T00-00-00.${String(rotation).padStart(3, "0")}.log`));
      append(1);
      // The oldest may be read to its end already.
      await until(async () => (await metric(port, "unread_rotated_files")) >= rotated().length - 1);
      if (rotation === KEPT) {
        // It is told with the next look, of which there is one a second.
        await until(() => told.includes("outrun"));
      }
      for (const name of rotated().toSorted().slice(0, -KEPT)) {
        rmSync(join(folder, name));
      }
      if (rotation === KEPT) {
        expect(told).not.toContain("gap");
        expect(await metric(port, "rotation_deadline_seconds")).toBeGreaterThanOrEqual(0);
      }
    }
    expect(told.indexOf("gap")).toBeGreaterThan(told.indexOf("outrun"));
    mock.behave = () => "ok";
    append(1);
    await until(() => eventsOf(mock).includes(lines.at(-1) ?? ""));
    const arrived = new Set(eventsOf(mock));
    const lost = lines.filter((line) => !arrived.has(line));
    const bytes = lost.reduce((sum, line) => sum + line.length + 1, 0);
    expect(lost.length).toBeGreaterThan(150);
    // One that was deleted last is counted with the next look.
    await until(async () => (await metric(port, "lost_bytes_total")) === bytes);
    stop.abort();
    expect(await running).toMatchObject({ reason: "stopped", unacknowledged: 0 });
    expect(eventsOf(mock).length).toBe(arrived.size);
    const { discrepancies } = await reconcile({ ...config, sinks: config.sinks.filter(({ type }) => type === "file") });
    expect(discrepancies).toMatchObject([
      {
        kind: "lost",
        source: "audit",
        file: log,
        message: expect.stringContaining(`${bytes} bytes are lost`) as string,
      },
    ]);
    expect(mock.duplicates).toBe(0);
  } finally {
    stop.abort();
    await running;
    await mock.stop();
    rmSync(folder, { recursive: true });
  }
});

function configOf(folder: string, node: string, port: number): IngestConfig {
  const { config, problems } = readConfig(
    `
cluster: test
stateFolder: ${folder}/state
sources: [{ type: file, path: ${folder}/audit.log, pollIntervalMs: 5, maxBackups: ${KEPT} }]
sinks:
  - { type: elasticsearch, node: "${node}", feed: all, requestTimeoutMs: 500 }
  - { type: file, name: archive, folder: ${folder}/archive, feed: all }
limits: { maxBatchItems: 10, maxBatchAgeMs: 5, maxInFlightBytes: 4000, drainMs: 20000 }
metrics: { listen: "127.0.0.1:${port}" }
`,
    { env: () => undefined, readFile: () => "", policy: () => "", detections: () => [] },
  );
  expect(problems).toEqual([]);
  return config as IngestConfig;
}

function lineOf(number: number): string {
  return JSON.stringify({
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "Metadata",
    auditID: `id-${number}`,
    stage: "ResponseComplete",
    requestURI: "/api/v1/pods",
    verb: "list",
    user: { username: "jane" },
    stageTimestamp: new Date(Date.UTC(2026, 10, 24) + 300 * number).toISOString(),
  });
}

async function metric(port: number, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const value = new RegExp(`^auditsieve_${name}\\{[^}]*\\} (.+)$`, "m").exec(text)?.[1];
  return value === undefined ? -1 : Number(value);
}

async function until(isDone: () => boolean | Promise<boolean>): Promise<void> {
  for (const limit = performance.now() + 120_000; !(await isDone()); await sleep(20)) {
    expect(performance.now()).toBeLessThan(limit);
  }
}
