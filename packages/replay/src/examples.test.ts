import { createRedactor } from "@auditsieve/audit";
import { loadDetectionFiles, loadDetections } from "@auditsieve/detect";
import { openCanonicalLog } from "@auditsieve/ingest";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { testExamples } from "../../../test/doc-examples.ts";
import { eventAt, linesOf } from "./replay-fixtures.suite.ts";
import * as replay from "./index.ts";

const TEXT = `title: Pods listed
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10
level: medium
logsource: { product: kubernetes, service: audit }
detection: { selection: { verb: list, objectRef.resource: pods }, condition: selection }
`;

// The examples name their files as a reader would, relative to where they run.
const before = process.cwd();
const folder = mkdtempSync(join(tmpdir(), "auditsieve-examples-"));
afterAll(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

testExamples(import.meta.dirname, replay, 19, async () => {
  process.chdir(mkdtempSync(join(folder, "example-")));
  mkdirSync("logs");
  ["audit.log", "logs/audit.log"].forEach((file) => writeFileSync(file, linesOf([eventAt(0), eventAt(1000)])));
  const { detections } = loadDetections(TEXT, "pods.yml");
  const key = Buffer.alloc(32, 7);
  const redactor = createRedactor({ key });
  const logs = [{ name: "audit.log", open: () => openCanonicalLog("audit.log") }];
  const gatherer = new replay.FactGatherer();
  const { findings } = await replay.replayLogs({ logs, detections, redactor, visitors: [gatherer] });
  const [finding] = findings;
  const sealed: replay.SealedReplay = {
    tool: { name: "auditsieve", version: "0.1.0" },
    time: "2026-11-24T12:00:00Z",
    options: {},
    detections: [],
    inputs: [{ name: "audit.log", ...(await replay.hashFile("audit.log")) }],
    outputs: [],
    summary: {},
  };
  await replay.sealReplay("case-17.manifest", sealed);
  return {
    replay: sealed,
    detections,
    key,
    redactor,
    logs,
    gatherer,
    findings,
    finding,
    text: TEXT,
    createRedactor,
    loadDetectionFiles,
    openCanonicalLog,
    readFile,
    read: () => Promise.resolve(),
    write: () => Promise.resolve(),
  };
});
