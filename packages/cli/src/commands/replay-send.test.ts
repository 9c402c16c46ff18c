import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MockElasticsearch } from "../../../ingest/src/sinks/mock-elasticsearch.suite.ts";
import { inProcess } from "../run-in-process.suite.ts";
import { ROOT } from "../run-command.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-send-"));
const config = join(folder, "auditsieve.yaml");
const detections = join(folder, "lists.yml");
let server: MockElasticsearch;
let refusing: MockElasticsearch;

beforeAll(async () => {
  server = await MockElasticsearch.start();
  refusing = await MockElasticsearch.start();
  refusing.behave = () => ({ everyThird: 400 });
  writeFileSync(
    config,
    `cluster: test
stateFolder: ${folder}
sources: [{ type: file, path: ${join(folder, "audit.log")} }]
sinks:
  - { type: elasticsearch, name: one, node: "${server.url}" }
  - { type: elasticsearch, name: two, node: "${refusing.url}" }
`,
  );
  writeFileSync(
    detections,
    `title: Secrets listed
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10
level: high
logsource: { product: kubernetes, service: audit }
detection: { s: { verb: list, objectRef.resource: secrets }, condition: s }
`,
  );
});
afterAll(async () => {
  await Promise.all([server.stop(), refusing.stop()]);
  rmSync(folder, { recursive: true });
});

const SEND = [
  "replay",
  join(ROOT, "samples/small.log"),
  "--output",
  "elasticsearch",
  "--config",
  config,
  "--detections",
  detections,
];

describe("auditsieve replay --output elasticsearch", () => {
  test("replay sends findings to the sink of the configuration, each once however often it runs", async () => {
    const first = await inProcess([...SEND, "--sink", "one"]);
    expect([first.code, first.stdout, first.stderr]).toEqual([0, "", 'auditsieve: 4 findings are in sink "one"\n']);
    const stored = [...server.documents.keys()];
    expect(stored.length).toBe(4);
    const second = await inProcess([...SEND, "--sink", "one"]);
    expect([second.code, [...server.documents.keys()], server.duplicates]).toEqual([0, stored, 0]);
  });

  test("replay exits 3 and names what a sink refuses", async () => {
    const { code, stderr } = await inProcess([...SEND, "--sink", "two"]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/Cannot store finding [0-9a-f]{32}: /);
  });

  test("replay says which sink to name, before it reads a log", async () => {
    const { code, stderr } = await inProcess(SEND);
    expect([code, stderr]).toEqual([2, expect.stringContaining("2 of type elasticsearch")]);
    expect(stderr).toContain("Name one with --sink: one, two");
    const absent = await inProcess([...SEND, "--sink", "three"]);
    expect([absent.code, absent.stderr]).toEqual([2, expect.stringContaining('called "three"')]);
  });

  test("replay says that Elasticsearch is not reached, before it reads a log", async () => {
    const away = join(folder, "away.yaml");
    writeFileSync(away, readFileSync(config, "utf8").replace(server.url, "http://127.0.0.1:9"));
    const damaged = join(folder, "damaged.log");
    writeFileSync(damaged, "no log\n");
    const options = SEND.slice(2).filter((option) => option !== "--config" && option !== config);
    const { code, stderr } = await inProcess(["replay", damaged, ...options, "--config", away, "--sink", "one"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("Cannot reach Elasticsearch at http://127.0.0.1:9")]);
    expect(stderr).not.toContain("damaged.log");
  });
});
