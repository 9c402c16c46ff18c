import { createRedactor, EventScan } from "@auditsieve/audit";
import { DetectionEngine, FindingStream, loadDetections } from "@auditsieve/detect";
import { loadStreamPolicy, StreamPolicy } from "@auditsieve/policy";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { createServer, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll } from "vitest";
import { gzipSync } from "node:zlib";
import { testExamples } from "../../../test/doc-examples.ts";
import * as ingest from "./index.ts";
import { readConfig } from "./config/config.ts";
import { createLogger } from "./logger.ts";
import { sampleDelivery } from "./sink.suite.ts";
import { MockElasticsearch } from "./sinks/mock-elasticsearch.suite.ts";
import { createStdoutSink } from "./sinks/stdout.ts";
import { FakeKafka } from "./kafka/kafka-fake.suite.ts";
import { archiveSource } from "./sources/archive.ts";
import { makeCertificate } from "./sources/certificate.suite.ts";
import { StateSeal } from "./sources/state-seal.ts";
import { FakeStateTopic } from "./kafka/state-topic-fake.suite.ts";
import { openCheckpoint } from "./state/checkpoint.ts";

const LINE = `${JSON.stringify({
  kind: "Event",
  apiVersion: "audit.k8s.io/v1",
  level: "Metadata",
  auditID: "a",
  stage: "ResponseComplete",
  requestURI: "/api/v1/nodes/n",
  verb: "delete",
  user: { username: "eve" },
  objectRef: { resource: "nodes", name: "n" },
  responseStatus: { code: 200 },
  requestReceivedTimestamp: "2026-11-24T00:13:26.471919Z",
  stageTimestamp: "2026-11-24T00:13:26.481919Z",
})}\n`;
const DETECTION = `title: Nodes deleted
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10
level: medium
logsource: { product: kubernetes, service: audit }
detection: { selection: { verb: delete, objectRef.resource: nodes }, condition: selection }
`;
const POLICY = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: Metadata }]\n";
const REFERENCES = {
  env: () => undefined,
  readFile: () => "k".repeat(64),
  policy: () => POLICY,
  detections: () => [{ file: "nodes.yml", text: DETECTION }],
};

// The examples name their files as a reader would, relative to where they run.
const before = process.cwd();
const folder = mkdtempSync(join(tmpdir(), "auditsieve-examples-"));
let elasticsearch: MockElasticsearch;
beforeAll(async () => {
  elasticsearch = await MockElasticsearch.start();
});
afterAll(async () => {
  await elasticsearch.stop();
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

testExamples(import.meta.dirname, ingest, 40, async () => {
  const own = mkdtempSync(join(folder, "example-"));
  process.chdir(own);
  writeFileSync("audit.log", LINE);
  ["audit-2026-11-01.log.gz", "audit-2026-11-02.log.gz", "audit-2026-11-23.log.gz"].forEach((file) =>
    writeFileSync(file, gzipSync(LINE)),
  );
  mkdirSync("state");
  const noise = loadStreamPolicy(POLICY);
  const { config } = readConfig(
    `cluster: prod
stateFolder: ${own}/state
keys: { redaction: "file:redaction.key", id: "file:id.key" }
sources: [{ type: file, path: ${own}/audit.log }]
sinks: [{ type: file, folder: ${own}/store }]
`,
    REFERENCES,
  );
  const { detections } = loadDetections(DETECTION, "nodes.yml");
  const engine = new DetectionEngine(detections);
  const redactor = createRedactor({ key: Buffer.alloc(32, 7) });
  const line = Buffer.from(LINE);
  const scan = new EventScan();
  scan.scan(line, 0, line.length - 1);
  const kafka = new FakeKafka();
  const idKey = Buffer.alloc(32, 1);
  const checkpoint = await openCheckpoint(join(own, "checkpoint.json"));
  const { signal } = new AbortController();
  const onRefused = (): void => undefined;
  return {
    config,
    references: REFERENCES,
    detections,
    engine,
    redactor,
    line,
    scan,
    idKey,
    checkpoint,
    signal,
    onRefused,
    loadStreamPolicy,
    StreamPolicy,
    DetectionEngine,
    FindingStream,
    Readable,
    gzipSync,
    join,
    closeSync,
    openSync,
    writeFileSync,
    delivery: sampleDelivery(1),
    batch: [sampleDelivery(1)],
    folder: join(own, "store"),
    printed: [],
    logger: createLogger({ destination: { write: () => undefined } }),
    seal: new StateSeal(idKey),
    source: archiveSource({ logs: ["audit.log"] }),
    sink: createStdoutSink({ name: "stdout", write: () => Promise.resolve() }),
    rules: noise.outcome === "refused" ? undefined : noise.rules,
    node: elasticsearch.url,
    tls: makeCertificate("webhook"),
    token: "t",
    spoolFolder: "spool",
    server: createServer(),
    request: { socket: new Socket() },
    sideLogs: {
      deadLetter: () => Promise.resolve(),
      quarantine: () => Promise.resolve(),
      close: () => Promise.resolve(),
    },
    remembered: {},
    packed: Buffer.from("remembered"),
    bytes: line,
    log: "audit.log",
    path: "audit.log",
    load: () => Promise.resolve(config),
    topic: new FakeStateTopic().of(() => undefined),
    createProducer: () => Promise.resolve(kafka.producer()),
    createConsumer: () => Promise.resolve(kafka.consumer()),
  };
});
