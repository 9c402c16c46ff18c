import { createRedactor } from "@auditsieve/audit";
import { AckWindow } from "../lines/ack-window.ts";
import type { IngestCase } from "./config-cases.ts";
import type { IngestConfig } from "./config.ts";
import { LineHandler } from "../pipeline/line-handler.ts";
import type { Delivery } from "../sink.ts";
import { Ledger } from "../lines/tally-ledger.ts";
import { SinkCounter } from "../lines/tally.ts";

/** A case that did not come out as it says. */
export interface CaseResult {
  readonly name: string;
  /** Empty: as expected. */
  readonly differences: readonly string[];
}

/**
 * Runs the cases of a configuration through the pipeline's own decisions; nothing is sent anywhere.
 *
 * @example
 * const failed = runCases(config).filter(({ differences }) => differences.length > 0);
 */
export function runCases(config: IngestConfig): readonly CaseResult[] {
  return (config.tests ?? []).map((one) => ({ name: one.name, differences: runCase(config, one) }));
}

function runCase(config: IngestConfig, { line, expect, findings }: IngestCase): readonly string[] {
  const ledger = new Ledger();
  const found = new Set<string>();
  const outlets = config.sinks.map(({ name, feed, policy }) => ({
    to: { sink: { name, write: async () => [], close: async () => undefined }, feed, ...(policy && { policy }) },
    counter: new SinkCounter(name, ledger),
    add: ({ delivery }: { readonly delivery: Delivery }) => {
      if (delivery.kind === "finding") {
        found.add((JSON.parse(delivery.document.toString("utf8")) as { detection: { id: string } }).detection.id);
      }
    },
  }));
  const handler = new LineHandler({
    source: "test",
    outlets,
    window: new AckWindow(),
    ledger,
    quarantine: () => undefined,
    cluster: config.cluster,
    idKey: Buffer.alloc(32),
    redactor: createRedactor({ key: Buffer.alloc(32) }),
    detections: config.detections,
  });
  const bytes = Buffer.from(`${line}\n`);
  handler.begin("test", 0);
  handler.read("test", 0).take(bytes, 0, bytes.length - 1, 0, true, false);
  handler.end();
  const differences = outlets.flatMap(({ counter }) => {
    const { sink, dropped, stripped, droppedByRule } = counter.tally(1);
    const wanted = expect[sink];
    const outcome = dropped > 0 ? "dropped" : stripped > 0 ? "stripped" : "delivered";
    const [by] = droppedByRule;
    const why =
      by === undefined ? "" : by.rule === "feed" ? " (its feed has only findings)" : ` (rule ${by.rule ?? "none"})`;
    return wanted === undefined || wanted === outcome ? [] : [`${sink}: expected ${wanted}, it is ${outcome}${why}`];
  });
  return findings === undefined ? differences : [...differences, ...compareFindings(findings, found)];
}

function compareFindings(wanted: readonly string[], found: ReadonlySet<string>): readonly string[] {
  return [
    ...wanted.filter((id) => !found.has(id)).map((id) => `expected a finding of ${id}, there is none`),
    ...[...found].filter((id) => !wanted.includes(id)).map((id) => `expected no finding of ${id}, there is one`),
  ];
}
