import { Client, errors } from "@elastic/elasticsearch";
import type { ElasticsearchSinkConfig } from "../config/config-elasticsearch.ts";
import { IngestError, reasonOf } from "../errors.ts";
import type { Delivery } from "../sink.ts";
import { DATASET } from "../sinks/ecs-document.ts";
import { clientOptions } from "../sinks/elasticsearch.ts";
import { hintOfConnection, isUnreachable } from "../sinks/elasticsearch-faults.ts";

/** A document as it is stored. */
export interface StoredDocument {
  readonly id: string;
  readonly kind: Delivery["kind"];
  /** What the sink was given: `event.original`. */
  readonly document: string;
}

const PAGE = 2000;
const KEEP_ALIVE = "2m";
const KINDS: Readonly<Record<string, Delivery["kind"]>> = {
  event: "event",
  pipeline_error: "undecidable",
  metric: "receipt",
  signal: "finding",
};

interface Source {
  readonly event?: { readonly kind?: string; readonly original?: string };
}

/** Every document of the sink's data stream, of this cluster, as of one moment; one that is there twice comes twice. */
export async function* readStream(config: ElasticsearchSinkConfig, cluster: string): AsyncGenerator<StoredDocument> {
  const client = new Client(clientOptions(config));
  const index = `logs-${DATASET}-${config.namespace ?? "default"}`;
  try {
    // Without the right to refresh, what was stored within the refresh interval is not seen yet.
    await client.indices.refresh({ index }).catch(() => undefined);
    const { id: pit } = await client.openPointInTime({ index, keep_alive: KEEP_ALIVE });
    try {
      let after: unknown[] | undefined;
      for (;;) {
        const answer = await client.search<Source>({
          pit: { id: pit, keep_alive: KEEP_ALIVE },
          size: PAGE,
          _source: ["event.kind", "event.original"],
          track_total_hits: false,
          query: { term: { "orchestrator.cluster.name": cluster } },
          sort: [{ _shard_doc: "asc" }],
          ...(after !== undefined && { search_after: after as string[] }),
        });
        const { hits } = answer.hits;
        if (hits.length === 0) {
          return;
        }
        for (const { _id, _source } of hits) {
          const kind = KINDS[_source?.event?.kind ?? ""];
          if (kind !== undefined) {
            yield { id: _id ?? "", kind, document: _source?.event?.original ?? "" };
          }
        }
        after = hits.at(-1)?.sort;
      }
    } finally {
      await client.closePointInTime({ id: pit }).catch(() => undefined);
    }
  } catch (error) {
    if (error instanceof errors.ResponseError && error.statusCode === 404) {
      return;
    }
    throw new IngestError(
      "sink-refuses",
      `Cannot read "${index}" at ${config.node} back: ${reasonOf(error).slice(0, 300)}`,
      {
        cause: error,
        hint: isUnreachable(error)
          ? hintOfConnection(error)
          : `The user needs read on ${index}, and maintenance to see the last seconds`,
      },
    );
  } finally {
    await client.close();
  }
}
