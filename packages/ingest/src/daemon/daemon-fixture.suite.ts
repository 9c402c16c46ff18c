import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect } from "vitest";
import { readConfig } from "../config/config.ts";
import type { IngestConfig, ReadConfig } from "../config/config.ts";
import { createLogger } from "../logger.ts";
import type { Logger } from "../logger.ts";
import { MockElasticsearch } from "../sinks/mock-elasticsearch.suite.ts";

/** What a daemon stands in for one test: a folder and an Elasticsearch of its own, and what it logs. */
export interface DaemonFixture {
  readonly folder: string;
  readonly mock: MockElasticsearch;
  readonly logged: readonly Record<string, unknown>[];
  readonly logger: Logger;
}

/** Makes the fixture anew for each test of the file. */
export function daemonFixture(): DaemonFixture {
  let folder = "";
  let mock: MockElasticsearch | undefined;
  let logged: Record<string, unknown>[] = [];
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "daemon-test-"));
    mock = await MockElasticsearch.start();
    logged = [];
  });
  afterEach(async () => {
    await mock?.stop();
    rmSync(folder, { recursive: true });
  });
  return {
    get folder() {
      return folder;
    },
    get mock() {
      if (!mock) throw new Error("Cannot use the fixture outside of a test");
      return mock;
    },
    get logged() {
      return logged;
    },
    logger: createLogger({
      destination: { write: (text) => void logged.push(JSON.parse(text) as Record<string, unknown>) },
    }),
  };
}

/** The configuration that `text` is; its policy drops what `drops` does. */
export function soundConfig(text: string, drops = "noise"): IngestConfig {
  return readSound(text, drops).config as IngestConfig;
}

/** The same, with the places of what stands in it. */
export function readSound(text: string, drops = "noise"): ReadConfig {
  const read = readConfig(text, {
    env: () => undefined,
    readFile: (path) => readFileSync(path, "utf8"),
    policy: () =>
      `apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: None, users: [${drops}] }, { level: RequestResponse }]`,
    detections: () => [],
  });
  expect(read.problems).toEqual([]);
  return read;
}

/** An event's line. */
export function eventLine(number: number, user: string): string {
  return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"id-${number}","stage":"ResponseComplete","requestURI":"/api/v1/pods","verb":"list","user":{"username":"${user}"},"stageTimestamp":"2026-11-24T00:13:26.471919Z"}\n`;
}

/** Waits for `isDone`, most ten seconds of waiting. */
export async function until(isDone: () => boolean): Promise<void> {
  for (let waited = 0; !isDone(); waited++) {
    expect(waited).toBeLessThan(2000);
    await sleep(5);
  }
}
