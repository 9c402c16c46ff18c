import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { zstdDecompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startElasticsearch } from "../../../../test/engines/elasticsearch.ts";
import type { RunningElasticsearch } from "../../../../test/engines/elasticsearch.ts";
import { readConfig } from "../config/config.ts";
import type { IngestConfig } from "../config/config.ts";
import { startDaemon } from "../daemon/daemon.ts";
import { createLogger } from "../logger.ts";
import { reconcile } from "./reconcile.ts";
import type { Discrepancy } from "./reconciliation.ts";

const SAMPLE = fileURLToPath(new URL("../../../../samples/working-day.log.zst", import.meta.url));
const NOISE = readFileSync(new URL("../../../../profiles/noise/control-loops.policy.yaml", import.meta.url), "utf8");
const STREAM = "logs-kubernetes.audit_logs-reconcile";

let engine: RunningElasticsearch;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "reconcile-slow-"));
  engine = await startElasticsearch({ settings: ["indices.id_field_data.enabled: true"] });
}, 400_000);
afterAll(async () => {
  await engine?.stop();
  rmSync(folder, { recursive: true });
});

/** As Elasticsearch holds a document. */
interface Hit {
  readonly _index: string;
  readonly _id: string;
  readonly _seq_no: number;
  readonly _primary_term: number;
  readonly _source: { readonly event: { readonly original: string; readonly kind: string } };
}

describe("reconcile with Elasticsearch", () => {
  test("accounts for every line of a working day over a rollover, and names what was removed, changed and repeated", async () => {
    const lines = zstdDecompressSync(readFileSync(SAMPLE)).toString("utf8").trimEnd().split("\n");
    const half = Math.floor(lines.length / 2);
    const halves = [lines.slice(0, half), lines.slice(half)] as const;
    const logs = halves.map((_, i) => join(folder, `audit-${i}.log`));
    for (const [i, part] of halves.entries()) {
      writeFileSync(logs[i] ?? "", part.map((line) => `${line}\n`).join(""));
      await run();
      if (i === 0) {
        await ask(`${STREAM}/_rollover`, "POST");
      }
    }
    const { sinks, discrepancies, notChecked } = await reconcile(config());
    expect(discrepancies).toEqual([]);
    expect(notChecked).toEqual([]);
    expect(sinks).toMatchObject([{ lines: lines.length, deadLettered: 0, pending: 0, missing: 0, withoutInput: 0 }]);
    expect((sinks[0]?.stored ?? 0) + (sinks[0]?.dropped ?? 0)).toBe(lines.length);
    expect(sinks[0]?.dropped).toBeGreaterThan(100);

    const kept = await keptEvents(new Set(lines));
    const [removed, changed, repeated] = [kept.at(3), kept.at(Math.floor(kept.length / 2)), kept.at(-3)];
    if (removed === undefined || changed === undefined || repeated === undefined) {
      expect.fail("too few events are kept");
    }
    const one = (hit: Hit): string => `${hit._index}/_doc/${hit._id}`;
    const ifUnchanged = `if_seq_no=${changed._seq_no}&if_primary_term=${changed._primary_term}`;
    await ask(one(removed), "DELETE");
    const { event } = changed._source;
    const other = {
      ...changed._source,
      event: { ...event, original: event.original.replace('"verb":"', '"verb":"x') },
    };
    await ask(`${one(changed)}?${ifUnchanged}`, "PUT", other);
    await ask(`${STREAM}/_create/${"0".repeat(32)}`, "PUT", repeated._source);
    const found = (await reconcile(config())).discrepancies;
    expect(found.map(({ kind, severity }) => `${kind} ${severity}`).toSorted()).toEqual([
      "changed error",
      "missing error",
      "repeated error",
    ]);
    const offsets = halves.map(offsetsOf);
    for (const [kind, hit] of [
      ["missing", removed],
      ["changed", changed],
      ["repeated", repeated],
    ] as const) {
      const { file, offset, id, source } = found.find((discrepancy) => discrepancy.kind === kind) as Discrepancy;
      // The sample holds no secret: what is stored is the line itself.
      const { original } = hit._source.event;
      const at = offsets.findIndex((of) => of.has(original));
      expect({ file, offset, id, source }).toEqual({
        file: logs[at],
        offset: offsets[at]?.get(original),
        id: hit._id,
        source: "audit",
      });
    }
  }, 300_000);

  async function keptEvents(lines: ReadonlySet<string>): Promise<readonly Hit[]> {
    await ask(`${STREAM}/_refresh`, "POST");
    const { hits } = (await ask(`${STREAM}/_search`, "POST", {
      size: 5000,
      seq_no_primary_term: true,
      query: { term: { "event.kind": "event" } },
      sort: [{ "@timestamp": "asc" }],
    })) as { readonly hits: { readonly hits: readonly Hit[] } };
    // Only those that were not redacted or stripped.
    return hits.hits.filter(({ _source }) => lines.has(_source.event.original));
  }

  async function ask(path: string, method: string, body?: object): Promise<unknown> {
    const response = await fetch(`${engine.url}/${path}`, {
      method,
      headers: { "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
    expect(response.ok, `${method} ${path}: ${response.status}`).toBe(true);
    return response.json();
  }

  /** The daemon, until it has read and delivered all that is there. */
  async function run(): Promise<void> {
    const logger = createLogger({ destination: { write: () => undefined }, level: "error" });
    const { signal } = new AbortController();
    expect(await startDaemon(config(), { logger, signal })).toMatchObject({ reason: "stopped", unacknowledged: 0 });
  }

  function config(): IngestConfig {
    const read = readConfig(
      `
cluster: reconcile
stateFolder: ${join(folder, "state")}
sources: [{ type: archive, name: audit, path: "${join(folder, "audit-*.log")}" }]
sinks: [{ type: elasticsearch, node: "${engine.url}", namespace: reconcile, feed: kept, policy: noise }]
limits: { maxBatchAgeMs: 50 }
`,
      { env: () => undefined, readFile: () => "", policy: () => NOISE, detections: () => [] },
    );
    expect(read.problems).toEqual([]);
    return read.config ?? expect.fail();
  }
});

function offsetsOf(lines: readonly string[]): ReadonlyMap<string, number> {
  const offsets = new Map<string, number>();
  let offset = 0;
  for (const line of lines) {
    offsets.set(line, offset);
    offset += Buffer.byteLength(line) + 1;
  }
  return offsets;
}
