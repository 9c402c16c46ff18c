import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { writeOneDetection } from "./one-detection.suite.ts";
import { auditsieveHere, inProcess } from "./run-in-process.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-prime-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("ingest --prime learns from old logs once, and says what is wrong otherwise", async () => {
  const rule = writeOneDetection(folder);
  const config = join(folder, "auditsieve.yaml");
  writeFileSync(
    config,
    `cluster: test
stateFolder: ${join(folder, "state")}
sources: [{ type: file, path: ${join(folder, "audit.log")} }]
sinks: [{ type: file, folder: ${join(folder, "out")}, feed: findings }]
detections: ["${rule}"]
`,
  );
  const prime = ["ingest", "-c", config, "--prime"];
  expect(await inProcess([...prime, join(folder, "nothing.log")])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("nothing.log") as string,
  });
  expect(await auditsieveHere([...prime, "-"], "no event\n")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("none of 1 line is an audit event") as string,
  });
  expect(await inProcess([...prime, "samples/small.log"])).toMatchObject({
    code: 0,
    stdout: "",
    stderr: expect.stringMatching(/learned from [\d,. ]+ lines; the detections of audit begin with it/) as string,
  });
  expect(await inProcess([...prime, "samples/small.log"])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("remember something already") as string,
  });
}, 60_000);
