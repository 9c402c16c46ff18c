import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENVIRONMENT, MAIN, ROOT } from "../../packages/cli/src/run-command.suite.ts";
import { startElasticsearch } from "../engines/elasticsearch.ts";
import type { RunningElasticsearch } from "../engines/elasticsearch.ts";
import { loadKql } from "../engines/kql/kql.ts";
import type { Kql } from "../engines/kql/kql.ts";

interface SavedObject {
  readonly type: string;
  readonly id: string;
  readonly attributes: {
    readonly title: string;
    readonly visState?: string;
    readonly kibanaSavedObjectMeta?: { readonly searchSourceJSON: string };
  };
}

interface Aggregation {
  readonly type: string;
  readonly params: { readonly field?: string };
}

interface Answer {
  readonly hits: { readonly total: { readonly value: number } };
  readonly aggregations?: Readonly<Record<string, { readonly buckets?: readonly object[]; readonly value?: number }>>;
}

const STREAM = "logs-kubernetes.audit_logs-kibana";
const objects = readFileSync(join(ROOT, "deploy/kibana/auditsieve.ndjson"), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as SavedObject);
const asked = objects.flatMap(({ id, attributes: { visState, kibanaSavedObjectMeta: meta } }) => {
  const { query } = JSON.parse(meta?.searchSourceJSON ?? "{}") as {
    readonly query?: { readonly language: string; readonly query: string };
  };
  const { aggs = [] } = JSON.parse(visState ?? "{}") as { readonly aggs?: readonly Aggregation[] };
  return query === undefined ? [] : [{ id, ...query, aggregations: aggs.filter(({ params }) => params.field) }];
});

const folder = mkdtempSync(join(tmpdir(), "auditsieve-kibana-"));
let kql: Kql;
let engine: RunningElasticsearch;
beforeAll(async () => {
  kql = await loadKql();
  engine = await startElasticsearch({ settings: ["indices.id_field_data.enabled: true"] });
  writeFileSync(join(folder, "torn.log"), '{"kind":"Event","half\n');
  writeFileSync(
    join(folder, "auditsieve.yaml"),
    `cluster: c
stateFolder: ${join(folder, "state")}
sources: [{ type: archive, paths: ["${join(ROOT, "samples/attack.log.zst")}", "${join(folder, "torn.log")}"] }]
sinks: [{ type: elasticsearch, node: "${engine.url}", namespace: kibana, feed: kept, policy: control-loops }]
`,
  );
  const args = [MAIN, "ingest", "-c", join(folder, "auditsieve.yaml"), "--log-level", "error"];
  await promisify(execFile)(process.execPath, args, { cwd: ROOT, env: ENVIRONMENT });
  await fetch(`${engine.url}/${STREAM}/_refresh`, { method: "POST" });
}, 900_000);
afterAll(async () => {
  await engine?.stop();
  rmSync(folder, { recursive: true });
});

describe("the saved objects of Kibana", () => {
  test("have queries that its own parser takes, each of which asks for fields", () => {
    expect(asked.length).toBeGreaterThan(8);
    expect(new Set(asked.map(({ language }) => language))).toEqual(new Set(["kuery"]));
    const anywhere = asked.filter(({ query }) => query !== "" && kql.fieldsOf(query).includes(null));
    expect(anywhere.map(({ id }) => id)).toEqual([]);
    // It takes nearly everything: what is no query is looked for as words in any field.
    expect(kql.fieldsOf("event.kind = signal")).toEqual([null]);
    expect(() => kql.toQuery("event.kind : (signal or")).toThrow(/Expected/);
  });

  test.each(asked)("find something of what the daemon has sent: $id", async ({ query, aggregations }) => {
    const aggs = Object.fromEntries(
      aggregations.map(({ type, params: { field } }, i) => [
        `${i} ${type} of ${field}`,
        { [type]: type === "date_histogram" ? { field, fixed_interval: "1h" } : { field } },
      ]),
    );
    const response = await fetch(`${engine.url}/${STREAM}/_search`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ size: 0, query: kql.toQuery(query), aggs }),
    });
    const text = await response.text();
    expect(response.status, text.slice(0, 500)).toBe(200);
    const answer = JSON.parse(text) as Answer;
    expect(answer.hits.total.value).toBeGreaterThan(0);
    const empty = Object.entries(answer.aggregations ?? {}).filter(
      ([, { buckets, value }]) => (buckets?.length ?? value ?? 0) === 0,
    );
    expect(empty.map(([name]) => name)).toEqual([]);
    expect(Object.keys(answer.aggregations ?? {})).toHaveLength(aggregations.length);
  });
});
