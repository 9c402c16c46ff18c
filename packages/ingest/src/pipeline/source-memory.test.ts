import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readConfig } from "../config/config.ts";
import { startDaemon } from "../daemon/daemon.ts";
import { createLogger } from "../logger.ts";

const RULES = `
title: Read
name: read
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e11
level: low
logsource: { product: kubernetes, service: audit }
detection: { s: { verb: get, objectRef.resource: secrets }, condition: s }
---
title: Many reads
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e20
level: high
correlation: { type: event_count, rules: [read], group-by: [user.username], timespan: 5m, condition: { gte: 2 } }
---
title: Into a privileged pod
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e12
level: high
logsource: { product: kubernetes, service: audit }
detection: { s: { objectRef.subresource: exec, auditsieve.pod.privileged: true }, condition: s }
`;

/** A log of one apiserver each: a pod is made at the first and entered at the second, and a user reads a secret at either. */
const LOGS = [
  [
    event(1, "create", "controller", {
      objectRef: { resource: "pods", namespace: "shop", name: "web" },
      ...privileged(),
    }),
    event(2, "get", "eve", { objectRef: { resource: "secrets", namespace: "shop", name: "a" } }),
  ],
  [
    event(3, "get", "eve", { objectRef: { resource: "secrets", namespace: "shop", name: "b" } }),
    event(4, "create", "eve", { objectRef: { resource: "pods", subresource: "exec", namespace: "shop", name: "web" } }),
  ],
];

test.each([
  [
    "two logs of one source are seen together",
    "[{ type: archive, paths: [LOG0, LOG1] }]",
    ["Into a privileged pod", "Many reads"],
  ],
  [
    "two sources know nothing of each other",
    "[{ type: archive, path: LOG0 }, { type: archive, name: other, path: LOG1 }]",
    [],
  ],
])("what detections remember: %s", async (_, sources, expected) => {
  const folder = mkdtempSync(join(tmpdir(), "source-memory-"));
  try {
    LOGS.forEach((lines, i) => writeFileSync(join(folder, `${i}.log`), lines.map((line) => `${line}\n`).join("")));
    const { config, problems } = readConfig(
      `
cluster: test
stateFolder: ${join(folder, "state")}
keys: { redaction: ${"r".repeat(32)}, id: ${"i".repeat(32)} }
sources: ${sources.replace("LOG0", join(folder, "0.log")).replace("LOG1", join(folder, "1.log"))}
sinks: [{ type: file, folder: ${join(folder, "found")}, feed: findings }]
`,
      {
        env: () => undefined,
        readFile: (path) => readFileSync(path, "utf8"),
        policy: () => "",
        detections: () => [{ file: "rules.yml", text: RULES }],
      },
    );
    expect(problems).toEqual([]);
    const logger = createLogger({ destination: { write: () => undefined }, level: "error" });
    await startDaemon(config as NonNullable<typeof config>, { logger, signal: new AbortController().signal });
    const found = readdirSync(join(folder, "found"))
      .flatMap((name) => readFileSync(join(folder, "found", name), "utf8").split("\n"))
      .flatMap((line) => (line.includes('"detection":') ? [JSON.parse(line) as { detection: { title: string } }] : []))
      .map(({ detection }) => detection.title);
    expect(found.filter((title) => title !== "Read").toSorted()).toEqual(expected);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

function event(seconds: number, verb: string, username: string, more: object): string {
  const time = `2026-11-24T00:00:0${seconds}.000000Z`;
  return JSON.stringify({
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "RequestResponse",
    auditID: `id-${seconds}`,
    stage: "ResponseComplete",
    requestURI: "/api/v1/namespaces/shop/x",
    verb,
    user: { username },
    responseStatus: { code: 200 },
    requestReceivedTimestamp: time,
    stageTimestamp: time,
    ...more,
  });
}

function privileged(): object {
  const spec = { containers: [{ name: "c", securityContext: { privileged: true } }] };
  return { requestObject: { metadata: { name: "web" }, spec }, responseObject: { metadata: { name: "web" }, spec } };
}
