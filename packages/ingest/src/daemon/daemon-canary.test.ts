import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { zstdDecompressSync } from "node:zlib";
import type { JsonValue } from "@auditsieve/audit";
import { loadDetections } from "@auditsieve/detect";
import { expect, test } from "vitest";
import { expectNoCanary, findCanary } from "../../../audit/src/redact/canary.suite.ts";
import { CANARY, PLACES } from "../../../audit/src/redact/planted-events.suite.ts";
import { freePort } from "../../../../test/engines/free-port.ts";
import { readConfig } from "../config/config.ts";
import { startDaemon } from "./daemon.ts";
import { openDetectionState } from "../state/detection-state.ts";
import { createLogger } from "../logger.ts";
import { MockElasticsearch } from "../sinks/mock-elasticsearch.suite.ts";

const DETECTION = `
title: Anything by alice
name: alice
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10
level: high
logsource: { product: kubernetes, service: audit }
detection: { selection: { user.username: alice }, condition: selection }
---
title: Much by alice
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e11
level: high
correlation: { type: event_count, rules: [alice], group-by: [user.name], timespan: 1d, condition: { gte: 1000 }, generate: true }
---
title: New secret of alice
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e12
level: high
logsource: { product: kubernetes, service: audit }
detection: { selection: { user.username: alice }, condition: selection }
auditsieve: { first-seen: { fields: [requestObject.data.password, requestObject.data.token], per: [user.username] } }
`;

test("planted secrets are nowhere: sinks, findings, receipts, dead letters, quarantine, checkpoint, what detections remember, logs, metrics", async () => {
  const folder = mkdtempSync(join(tmpdir(), "canary-"));
  const mock = await MockElasticsearch.start();
  mock.behave = () => ({ everyThird: 400 });
  mock.quotesDocuments = true;
  const logged: string[] = [];
  try {
    const planted = Object.values(PLACES).map((event, i) => JSON.stringify({ ...event, auditID: `planted-${i}` }));
    const dropped = planted.map((line) => line.replace('"username":"alice"', '"username":"noise"'));
    const long = `${(planted[0] ?? "").slice(0, -1)},"pad":"${CANARY.repeat(10_000)}"}`;
    const lines = [...planted, ...dropped, `torn ${CANARY} {`, long];
    expect(lines.filter((line) => findCanary(line, CANARY).length > 0).length).toBeGreaterThan(50);
    writeFileSync(join(folder, "audit.log"), `${lines.join("\n")}\n`);
    const port = await freePort();
    const recipient = generateKeyPairSync("x25519").publicKey.export({ type: "spki", format: "pem" }).toString();
    const { config, problems } = readConfig(
      `
cluster: test
stateFolder: ${join(folder, "state")}
sources: [{ type: file, path: ${join(folder, "audit.log")}, pollIntervalMs: 5 }]
sinks:
  - { type: elasticsearch, node: "${mock.url}", feed: all }
  - { type: file, folder: ${join(folder, "files")}, feed: kept }
  - { type: store, folder: ${join(folder, "store")}, feed: findings }
limits: { maxBatchAgeMs: 5, maxLineBytes: 100000 }
quarantine: { publicKey: "file:public.pem" }
metrics: { listen: "127.0.0.1:${port}" }
`,
      {
        env: () => undefined,
        readFile: () => recipient,
        policy: () =>
          "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: None, users: [noise] }, { level: RequestResponse }]",
        detections: () => [{ file: "d.yml", text: DETECTION }],
      },
    );
    expect(problems).toEqual([]);
    expect(loadDetections(DETECTION, "d.yml").problems).toEqual([]);
    const stop = new AbortController();
    const running = startDaemon(config ?? expect.fail(), {
      logger: createLogger({ destination: { write: (line) => logged.push(line) }, level: "debug" }),
      signal: stop.signal,
    });
    const letters = join(folder, "state", "dead-letter.ndjson");
    for (let waited = 0; mock.documents.size < lines.length / 2; waited++) {
      expect(waited).toBeLessThan(2000);
      await sleep(5);
    }
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    stop.abort();
    const { tallies } = await running;
    expect(tallies[0]).toMatchObject({ lines: lines.length, reduced: 1, undecidable: 1, unacknowledged: 0 });
    expect(tallies[0]?.findings).toBeGreaterThan(20);
    expectNoCanary(JSON.stringify([...mock.documents]), CANARY);
    expectNoCanary(readFileSync(letters), CANARY);
    expectNoCanary(metrics, CANARY);
    expectNoCanary(logged.join(""), CANARY);
    let remembered = "";
    for (const file of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (file.isFile() && file.name !== "audit.log") {
        const bytes = readFileSync(join(file.parentPath, file.name));
        expectNoCanary(bytes, CANARY);
        if (file.name.startsWith("detections-audit")) {
          remembered += zstdDecompressSync(bytes).toString("utf8");
        }
      }
    }
    const { sections } = JSON.parse(readFileSync(join(folder, "state", "checkpoint.json"), "utf8")) as {
      readonly sections: { readonly "pipeline/audit": { readonly detections: JsonValue } };
    };
    const { detections } = sections["pipeline/audit"];
    const loaded = (await openDetectionState(join(folder, "state"), "audit", detections)).take();
    remembered += [...(loaded?.documents?.values() ?? [])].join("\n");
    expect(readdirSync(join(folder, "state", "quarantine"))).toHaveLength(1);
    expectNoCanary(remembered, CANARY);
    expect(remembered).toContain("planted-1");
  } finally {
    await mock.stop();
    rmSync(folder, { recursive: true });
  }
});
