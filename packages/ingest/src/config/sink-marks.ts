import { createHash } from "node:crypto";
import { isJsonObject, own } from "@auditsieve/audit";
import type { JsonObject, JsonValue } from "@auditsieve/audit";
import type { SinkConfig } from "./config-sinks.ts";
import { Checkpoint } from "../state/checkpoint.ts";

/** From where on a sink has got what its configuration of now says, of one source. */
export type SinkMark =
  /** Since the source is read. */
  | { readonly kind: "beginning" }
  /** Since the source stood where this checkpoint says, or a partition at these bytes. */
  | { readonly kind: "position"; readonly checkpoint: Checkpoint; readonly partitions: ReadonlyMap<string, number> }
  /** It has got nothing of what is acknowledged yet. */
  | { readonly kind: "never" }
  /** It was written down by a version that noted none, and its counters do not tell. */
  | { readonly kind: "unknown" };

const NOTHING: JsonObject = {};

/**
 * Notes of each source from where on each sink gets it: what came before, nobody can ask a sink for. To be called at the start, before
 * anything is read; it becomes durable with the next save of the checkpoint, so before anything else is acknowledged. A sink that is named
 * anew, was taken away in between, or gets another feed, policy or place begins anew.
 *
 * @example
 * markSinks(checkpoint, config);
 * sinkMark(checkpoint, "audit", config.sinks[0]); // { kind: "beginning" }
 */
export function markSinks(
  checkpoint: Checkpoint,
  { sources, sinks }: { readonly sources: readonly { readonly name: string }[]; readonly sinks: readonly SinkConfig[] },
): void {
  for (const { name } of sources) {
    const marks = sinks.map((sink): readonly [string, JsonValue] => {
      const known = noted(checkpoint, name, sink);
      if (known !== undefined) {
        return [sink.name, known];
      }
      const what = whatOf(sink);
      switch (isMarked(checkpoint, name) ? "added" : countedFrom(checkpoint, name, sink.name)) {
        case "beginning":
          return [sink.name, { what, from: null }];
        case "added":
          return [sink.name, { what, from: checkpoint.under(`source/${name}`) }];
        case "unknown":
        default:
          return [sink.name, { what }];
      }
    });
    checkpoint.put(sectionOf(name), Object.fromEntries(marks));
  }
}

/** A partition is read here for the first time since sinks were added: of it they get what stands behind `bytes`. */
export function markPartition(checkpoint: Checkpoint, source: string, input: string, bytes: number): void {
  const marks = checkpoint.get(sectionOf(source));
  for (const [sink, mark] of isJsonObject(marks) ? Object.entries(marks) : []) {
    const partitions = isJsonObject(mark) && isJsonObject(mark["from"]) ? (mark["partitions"] ?? NOTHING) : undefined;
    if (isJsonObject(partitions) && own(partitions, input) === undefined) {
      const current = checkpoint.get(sectionOf(source)) as JsonObject;
      const marked = { ...(mark as JsonObject), partitions: { ...partitions, [input]: bytes } };
      checkpoint.put(sectionOf(source), { ...current, [sink]: marked });
    }
  }
}

/** What is noted of a sink. */
export function sinkMark(checkpoint: Checkpoint, source: string, sink: SinkConfig): SinkMark {
  const mark = noted(checkpoint, source, sink);
  if (mark === undefined) {
    const from = isMarked(checkpoint, source) ? "added" : countedFrom(checkpoint, source, sink.name);
    return { kind: from === "added" ? "never" : from };
  }
  const from = own(mark, "from");
  if (!isJsonObject(from)) {
    return { kind: from === null ? "beginning" : "unknown" };
  }
  const partitions = own(mark, "partitions");
  const bytes = Object.entries(isJsonObject(partitions) ? partitions : NOTHING);
  return {
    kind: "position",
    checkpoint: new Checkpoint("", new Map(Object.entries(from))),
    partitions: new Map(bytes.filter((entry): entry is [string, number] => typeof entry[1] === "number")),
  };
}

function noted(checkpoint: Checkpoint, source: string, sink: SinkConfig): JsonObject | undefined {
  const marks = checkpoint.get(sectionOf(source));
  const mark = isJsonObject(marks) ? own(marks, sink.name) : undefined;
  return isJsonObject(mark) && mark["what"] === whatOf(sink) ? mark : undefined;
}

function isMarked(checkpoint: Checkpoint, source: string): boolean {
  return isJsonObject(checkpoint.get(sectionOf(source)));
}

/** What the counters of a checkpoint without marks tell: a sink with no line of many was just added, one with all was there always. */
function countedFrom(checkpoint: Checkpoint, source: string, sink: string): "beginning" | "added" | "unknown" {
  const saved = checkpoint.get(`pipeline/${source}`);
  const counters = isJsonObject(saved) ? saved["counters"] : undefined;
  const counted = (column: string): number => Number((isJsonObject(counters) && own(counters, column)) || 0);
  const lines = counted(`${sink}/lines`);
  return lines === counted("lines") ? "beginning" : lines === 0 ? "added" : "unknown";
}

/** What a sink is told by: where it is, and what it gets. How it is reached may change. */
function whatOf(sink: SinkConfig): string {
  const { type, feed, policy } = sink;
  const place =
    type === "file" || type === "store"
      ? sink.folder
      : type === "kafka"
        ? sink.topic
        : type === "elasticsearch"
          ? sink.namespace
          : "";
  const text = JSON.stringify([type, place, feed, policy?.rules ?? null]);
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

function sectionOf(source: string): string {
  return `sinks/${source}`;
}
