import { createRedactor } from "@auditsieve/audit";
import { openCanonicalLog, openCanonicalLogAt } from "@auditsieve/ingest";
import { writeFileSync } from "node:fs";
import { shippedDetections } from "../replay-fixtures.suite.ts";
import { hashFile } from "../evidence/hash-file.ts";
import { replayLogs } from "../replay-logs.ts";
import { makeReport } from "../report/make-report.ts";
import { FactGatherer } from "../facts/gather-facts.ts";
import { ReplayState } from "./replay-state.ts";

/** Replays the logs that are named, with a state that is saved all the time, and writes findings and report: to be killed. */
const [folder = "", output = "", runBytes = "", ...paths] = process.argv.slice(2);
const logs = paths.map((path) => ({
  name: path,
  open: () => openCanonicalLog(path),
  openAt: (offset: number) => openCanonicalLogAt(path, offset),
  digest: async () => (await hashFile(path)).sha256,
}));
const redactor = createRedactor({ key: Buffer.alloc(32, 5) });
const state = await ReplayState.open(folder, [["logs", paths.join("\n")]]);
if (state.savedAt !== undefined) {
  process.stdout.write("resumed\n");
}
const gatherer = new FactGatherer();
const detections = shippedDetections();
const { findings, summary } = await replayLogs({
  logs,
  detections,
  redactor,
  state,
  saveEveryMs: 50,
  findings: { heldBytes: 500_000 },
  sort: { runBytes: Number(runBytes), maxFanIn: 6 },
  visitors: [gatherer],
});
const madeAt = new Date("2026-11-26T00:00:00Z");
const html = await makeReport({ facts: gatherer.facts(), findings, summary, redactor, logs, tool: "test", madeAt });
const lines = [...findings].map((finding) => `${JSON.stringify(finding)}\n`);
writeFileSync(output, `${lines.join("")}${JSON.stringify(summary)}\n${html.toString()}`);
await state.remove();
