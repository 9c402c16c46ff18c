/** A daemon in a process of its own, to be killed: `node daemon-child.suite.ts <node url> <folder>`. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadDetections } from "@auditsieve/detect";
import { readConfig } from "./config.ts";
import { startDaemon } from "./daemon.ts";
import { createLogger } from "./logger.ts";

const [node = "", folder = ""] = process.argv.slice(2);
const { config, problems } = readConfig(
  `
cluster: test
stateFolder: ${join(folder, "state")}
sources: [{ type: file, path: ${join(folder, "audit.log")}, pollIntervalMs: 5 }]
sinks: [{ type: elasticsearch, node: "${node}", feed: kept, requestTimeoutMs: 2000 }]
limits: { maxBatchItems: 50, maxBatchAgeMs: 5, drainMs: 5000 }
`,
  {
    env: () => undefined,
    readFile: (path) => readFileSync(path, "utf8"),
    policy: () =>
      "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: None, users: [noise] }, { level: RequestResponse }]",
    detections: () =>
      [{ file: "none.yml", text: "" }].filter(({ text }) => loadDetections(text, "none.yml").detections.length > 0),
  },
);
if (config === undefined) {
  throw new Error(JSON.stringify(problems));
}
const stop = new AbortController();
process.on("SIGTERM", () => stop.abort());
process.stdout.write("started\n");
const end = await startDaemon(config, {
  logger: createLogger({ destination: process.stderr, level: "warn" }),
  signal: stop.signal,
  backoff: {
    firstMs: 5,
    mostMs: 50,
    random: Math.random,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  },
});
process.exitCode = end.reason === "failed" || end.unacknowledged > 0 ? 3 : 0;
