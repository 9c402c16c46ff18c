import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { isJsonObject } from "@auditsieve/audit";
import type { KafkaSinkConfig, SinkConfig } from "../config/config-sinks.ts";
import { fileError, systemCode } from "../errors.ts";
import type { NoiseReceipt } from "../receipts/receipt-book.ts";
import { contentOf } from "../sinks/document-content.ts";
import { likenessOf } from "./sink-expectation.ts";
import type { Delivery } from "../sink.ts";
import { openLog } from "../logs/log-file.ts";
import { openStore } from "../sources/store-reader.ts";

/** One document as a sink holds it. */
export interface Found {
  /** Undefined where the sink keeps none. */
  readonly id: string | undefined;
  readonly content: string;
  readonly likeness: string;
}

/** All documents of a sink that belong to lines, and its receipts. */
export interface SinkContent {
  readonly documents: readonly Found[];
  readonly receipts: readonly NoiseReceipt[];
  /** Likeness of the events that its findings rest on. */
  readonly rested: ReadonlySet<string>;
  /** Lines of its files that are no document. */
  readonly damaged: readonly { readonly file: string; readonly offset: number }[];
  /** What of it could not be read, and why. */
  readonly notChecked: readonly string[];
}

const KINDS: readonly Delivery["kind"][] = ["event", "finding", "undecidable", "receipt"];
const FILE_OF_KIND = /^(event|finding|undecidable|receipt)s?(?:-.+)?\.ndjson(?:\.zst|\.gz)?$/;

/** Reads a sink back; undefined when it is of a type that cannot be read. */
export async function readSinkBack(config: SinkConfig, cluster: string): Promise<SinkContent | undefined> {
  const gathered = new Gathered();
  if (config.type === "file") {
    for (const name of await namesIn(config.folder)) {
      const kind = FILE_OF_KIND.exec(name)?.[1] as Delivery["kind"] | undefined;
      if (kind !== undefined) {
        await gathered.file(kind, join(config.folder, name));
      }
    }
    return gathered;
  }
  if (config.type === "store") {
    for (const { kind, path } of (await openStore(config.folder)).select({ kinds: KINDS })) {
      await gathered.file(kind as Delivery["kind"], path);
    }
    return gathered;
  }
  if (config.type === "elasticsearch") {
    const { readStream } = await import("./elasticsearch-read.ts");
    for await (const { id, kind, document } of readStream(config, cluster)) {
      gathered.add(id, kind, Buffer.from(document));
    }
    return gathered;
  }
  if (config.type === "kafka") {
    await readTopicBack(config, gathered);
    return gathered;
  }
  return undefined;
}

/** Every record that the topic has now; those of other writers say no kind. */
async function readTopicBack(config: KafkaSinkConfig, gathered: Gathered): Promise<void> {
  const { connection, topic, name } = config;
  const { kafkajsPartitions, readKafkajs } = await import("../kafka/kafkajs-read.ts");
  const { partitions } = await kafkajsPartitions(connection, topic);
  const unread = await readKafkajs(
    { connection, topic, groupPrefix: "auditsieve-reconcile-" },
    partitions.map(({ partition, earliest, end }) => ({ partition, from: earliest, to: end })),
    (partition, records) => {
      for (const { offset, value, headers } of records) {
        const { "auditsieve-id": id, "auditsieve-kind": kind } = headers;
        const known = KINDS.find((one) => one === kind);
        if (known === undefined || id === undefined || value === undefined) {
          continue;
        }
        if (isDocument(value)) {
          gathered.add(id, known, value);
        } else {
          gathered.damaged.push({ file: `${topic}/${partition}`, offset: Number(offset) });
        }
      }
    },
  );
  for (const { partition, earliest } of partitions.filter((one) => one.earliest > 0n)) {
    gathered.notChecked.push(
      `Records before ${earliest} of ${topic}/${partition} (sink "${name}") are gone: lines whose documents stood there count as missing; leave them out with --since`,
    );
  }
  for (const { partition, from } of unread) {
    gathered.notChecked.push(
      `Records from ${from} on of ${topic}/${partition} (sink "${name}") could not be read: the broker has shown nothing of them for half a minute`,
    );
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (systemCode(error) === "ENOENT") {
      return [];
    }
    throw fileError("read the folder of a sink", folder, error);
  }
}

class Gathered implements SinkContent {
  readonly documents: Found[] = [];
  readonly receipts: NoiseReceipt[] = [];
  readonly rested = new Set<string>();
  readonly damaged: { readonly file: string; readonly offset: number }[] = [];
  readonly notChecked: string[] = [];

  async file(kind: Delivery["kind"], path: string): Promise<void> {
    for await (const { line, offset } of linesOf(path)) {
      if (isDocument(line)) {
        this.add(undefined, kind, line);
      } else {
        this.damaged.push({ file: path, offset });
      }
    }
  }

  add(id: string | undefined, kind: Delivery["kind"], document: Buffer): void {
    if (kind === "receipt") {
      this.receipts.push(JSON.parse(document.toString("utf8")) as NoiseReceipt);
    } else if (kind === "finding") {
      const { events } = JSON.parse(document.toString("utf8")) as { readonly events?: unknown };
      for (const event of Array.isArray(events) ? (events as readonly unknown[]) : []) {
        this.rested.add(likenessOf("event", Buffer.from(JSON.stringify(event))));
      }
    } else {
      this.documents.push({ id, content: contentOf(kind, document), likeness: likenessOf(kind, document) });
    }
  }
}

/** The whole lines of a file, and what stands behind the last one. */
export async function* linesOf(path: string): AsyncGenerator<{ readonly line: Buffer; readonly offset: number }> {
  let carry: Buffer = Buffer.alloc(0);
  let offset = 0;
  for await (const chunk of openLog(path)) {
    const bytes = carry.length === 0 ? chunk : Buffer.concat([carry, chunk]);
    let start = 0;
    for (let newline = bytes.indexOf(10); newline !== -1; newline = bytes.indexOf(10, start)) {
      yield { line: Buffer.from(bytes.subarray(start, newline)), offset: offset + start };
      start = newline + 1;
    }
    offset += start;
    carry = Buffer.from(bytes.subarray(start));
  }
  if (carry.length > 0) {
    yield { line: carry, offset };
  }
}

function isDocument(line: Buffer): boolean {
  try {
    return isJsonObject(JSON.parse(line.toString("utf8")));
  } catch {
    return false;
  }
}
