import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startElasticsearch } from "../../../../test/engines/elasticsearch.ts";
import type { RunningElasticsearch } from "../../../../test/engines/elasticsearch.ts";
import { inProcess } from "../run-in-process.suite.ts";
import { ROOT } from "../run-command.suite.ts";

const LOG = join(ROOT, "samples/attack.log.zst");
const folder = mkdtempSync(join(tmpdir(), "auditsieve-send-slow-"));
let engine: RunningElasticsearch;
beforeAll(async () => {
  engine = await startElasticsearch({ settings: ["indices.id_field_data.enabled: true"] });
}, 900_000);
afterAll(async () => {
  await engine?.stop();
  rmSync(folder, { recursive: true });
});

interface Stored {
  readonly _id: string;
  readonly _source: { readonly event: { readonly original: string } };
}

async function stored(): Promise<readonly Stored[]> {
  const stream = `${engine.url}/logs-kubernetes.audit_logs-replayed`;
  await fetch(`${stream}/_refresh`, { method: "POST" });
  const response = await fetch(`${stream}/_search`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ size: 5_000, _source: ["event.original"] }),
  });
  const text = await response.text();
  expect(response.status, text.slice(0, 500)).toBe(200);
  return (JSON.parse(text) as { readonly hits: { readonly hits: readonly Stored[] } }).hits.hits;
}

describe("auditsieve replay --output elasticsearch", () => {
  test("replay stores each finding of the attack once in a real Elasticsearch, however often it is sent", async () => {
    const config = join(folder, "auditsieve.yaml");
    writeFileSync(
      config,
      `cluster: test
stateFolder: ${folder}
sources: [{ type: file, path: ${join(folder, "audit.log")} }]
sinks: [{ type: elasticsearch, name: real, node: "${engine.url}", namespace: replayed }]
`,
    );
    const listed = await inProcess(["replay", LOG, "--output", "ndjson"]);
    const ids = listed.stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { readonly id: string }).id);
    expect(ids.length).toBeGreaterThan(300);
    for (const _turn of [1, 2]) {
      const { code, stderr } = await inProcess(["replay", LOG, "--output", "elasticsearch", "--config", config]);
      expect([code, stderr]).toEqual([0, expect.stringContaining(`${ids.length} findings are in sink "real"`)]);
      const documents = await stored();
      expect(documents.map(({ _id }) => _id).sort()).toEqual(ids.toSorted());
    }
    const [one] = await stored();
    expect(one?._source.event.original).toContain('"detection":');
  }, 600_000);
});
