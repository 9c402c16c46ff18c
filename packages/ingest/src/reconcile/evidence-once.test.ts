import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { readConfig } from "../config/config.ts";
import type { IngestConfig } from "../config/config.ts";
import { startDaemon } from "../daemon/daemon.ts";
import { createLogger } from "../logger.ts";
import { reconcile } from "./reconcile.ts";

/** Each count gives a finding of its own, minutes after the other, that rests on the first reads again. */
const RULES = `
title: Read
name: read
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e11
level: low
logsource: { product: kubernetes, service: audit }
detection: { s: { verb: get, objectRef.resource: secrets }, condition: s }
${[2, 3, 4]
  .map(
    (count) => `---
title: ${count} reads
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e2${count}
level: high
correlation: { type: event_count, rules: [read], group-by: [user.username], timespan: 1h, condition: { gte: ${count} } }
`,
  )
  .join("")}`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "evidence-once-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("files hold an event once, however many findings rest on it, and once more after a restart; reconcile tells only that", async () => {
  await ingest([0, 2, 4].map(read), 1);
  expect(eventsIn("all")).toEqual(["id-0", "id-2", "id-4"]);
  expect(eventsIn("findings")).toEqual(["id-0", "id-2"]);
  expect(findingsIn("findings")).toEqual(["2 reads"]);
  expect((await reconcile(config())).discrepancies).toEqual([]);

  await ingest([0, 2, 4, 6, 8].map(read), 3);
  expect(findingsIn("findings")).toEqual(["2 reads", "3 reads", "4 reads"]);
  expect(eventsIn("all")).toEqual(["id-0", "id-0", "id-2", "id-2", "id-4", "id-4", "id-6", "id-8"]);
  expect(eventsIn("findings")).toEqual(["id-0", "id-0", "id-2", "id-2", "id-4", "id-6"]);
  const { discrepancies, sinks } = await reconcile(config());
  expect(discrepancies.map(({ kind, severity, sink, offset }) => [sink, kind, severity, offset])).toEqual(
    [0, 2, 4].map((minute) => ["all", "repeated", "warning", offsetOf(minute)]),
  );
  expect(sinks).toMatchObject([
    { sink: "all", stored: 5, missing: 0 },
    { sink: "findings", missing: 0 },
  ]);
});

/** Follows the log until its last line has completed the last of so many findings. */
async function ingest(lines: readonly string[], findings: number): Promise<void> {
  writeFileSync(join(folder, "audit.log"), lines.join(""));
  const stop = new AbortController();
  const logger = createLogger({ destination: { write: () => undefined } });
  const running = startDaemon(config(), { logger, signal: stop.signal });
  await vi.waitFor(() => expect(findingsIn("all")).toHaveLength(findings), { timeout: 60_000 });
  stop.abort();
  expect((await running).unacknowledged).toBe(0);
}

function eventsIn(sink: string): readonly string[] {
  return documentsIn(sink, "events")
    .map(({ auditID }) => String(auditID))
    .toSorted();
}

function findingsIn(sink: string): readonly string[] {
  return documentsIn(sink, "findings")
    .map(({ detection }) => (detection as { title: string }).title)
    .toSorted();
}

function documentsIn(sink: string, kind: string): readonly Record<string, unknown>[] {
  const path = join(folder, sink, `${kind}.ndjson`);
  return (existsSync(path) ? readFileSync(path, "utf8") : "")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

function config(): IngestConfig {
  const sinkOf = (feed: string): string =>
    `{ type: file, name: ${feed}, folder: ${join(folder, feed)}, feed: ${feed} }`;
  const read = readConfig(
    `
cluster: test
stateFolder: ${join(folder, "state")}
sources: [{ type: file, name: audit, path: ${join(folder, "audit.log")}, pollIntervalMs: 5 }]
sinks: [${sinkOf("all")}, ${sinkOf("findings")}]
limits: { maxBatchAgeMs: 50 }
`,
    {
      env: () => undefined,
      readFile: () => "",
      policy: () => "",
      detections: () => [{ file: "rules.yml", text: RULES }],
    },
  );
  expect(read.problems).toEqual([]);
  return read.config ?? expect.fail();
}

function read(minute: number): string {
  const time = `2026-11-24T00:0${minute}:00.000000Z`;
  return `${JSON.stringify({
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "Metadata",
    auditID: `id-${minute}`,
    stage: "ResponseComplete",
    requestURI: "/api/v1/namespaces/shop/secrets/a",
    verb: "get",
    user: { username: "eve" },
    objectRef: { resource: "secrets", namespace: "shop", name: "a", apiVersion: "v1" },
    responseStatus: { code: 200 },
    requestReceivedTimestamp: time,
    stageTimestamp: time,
  })}\n`;
}

function offsetOf(minute: number): number {
  return (minute / 2) * read(0).length;
}
