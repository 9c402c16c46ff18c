import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readConfig } from "./config.ts";
import { startDaemon } from "../daemon/daemon.ts";
import { createLogger } from "../logger.ts";
import { openStore } from "../sources/store-reader.ts";

const POLICIES: Readonly<Record<string, string>> = {
  "control-loops": "[{ level: None, users: [noise] }, { level: RequestResponse }]",
  "no-lists": "[{ level: None, verbs: [list] }, { level: RequestResponse }]",
};
const DETECTION = `
title: Secrets read
id: 6a4c4b9e-0000-4000-8000-000000000001
logsource: { product: kubernetes, service: audit }
detection: { selection: { objectRef.resource: secrets }, condition: selection }
level: high
`;

test("several sinks at once: a feed of findings, an archive of everything, and two policies", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sinks-"));
  const log = join(folder, "audit.log");
  const lines = [
    event(1, "noise", "get", "pods"),
    event(2, "jane", "list", "pods"),
    event(3, "jane", "get", "pods"),
    event(4, "noise", "list", "secrets"),
  ];
  writeFileSync(log, lines.map((line) => `${line}\n`).join(""));
  const at = (name: string): string => join(folder, name);
  const { config, problems } = readConfig(
    `
cluster: c
stateFolder: ${at("state")}
sources: [{ type: archive, path: ${log} }]
sinks:
  - { type: stdout }
  - { type: file, name: everything, folder: ${at("everything")}, feed: all }
  - { type: file, name: no-lists, folder: ${at("no-lists")}, policy: no-lists }
  - { type: store, folder: ${at("store")} }
`,
    {
      env: () => undefined,
      readFile: () => "",
      policy: (name) => `apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: ${POLICIES[name]}`,
      detections: () => [{ file: "x.yml", text: DETECTION }],
    },
  );
  expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
  const printed: string[] = [];
  const end =
    config &&
    (await startDaemon(config, {
      logger: createLogger({ destination: { write: () => undefined }, level: "error" }),
      signal: new AbortController().signal,
      writeOutput: async (bytes) => void printed.push(...bytes.toString().trim().split("\n")),
    }));
  expect(end).toMatchObject({ reason: "stopped", unacknowledged: 0 });
  // The event that a finding rests on goes everywhere, though a policy drops it.
  const kinds = printed.map((line) => ("detection" in (JSON.parse(line) as object) ? "finding" : "event"));
  expect(kinds.filter((kind) => kind === "finding")).toHaveLength(1);
  expect(printed).toContain(lines[3]);
  expect(printed).not.toContain(lines[2]);
  expect(linesOf(at("everything/events.ndjson"))).toEqual(lines);
  expect(linesOf(at("no-lists/events.ndjson"))).toEqual([lines[0], lines[2], lines[3]]);
  const store = await openStore(at("store"));
  expect(store.segments.filter(({ kind }) => kind === "event").flatMap(({ path }) => linesOf(path))).toEqual(
    lines.slice(1),
  );
  for (const tally of end?.tallies[0]?.sinks ?? []) {
    expect(tally.lines).toBe(tally.delivered + tally.dropped + tally.deadLettered + tally.pending);
  }
  rmSync(folder, { recursive: true });
});

function linesOf(path: string): readonly string[] {
  return readFileSync(path, "utf8").trim().split("\n");
}

function event(number: number, user: string, verb: string, resource: string): string {
  return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"id-${number}","stage":"ResponseComplete","requestURI":"/api/v1/${resource}","verb":"${verb}","user":{"username":"${user}"},"objectRef":{"resource":"${resource}","apiVersion":"v1"},"stageTimestamp":"2026-11-24T00:13:26.471919Z"}`;
}
