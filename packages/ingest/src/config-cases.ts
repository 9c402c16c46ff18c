import { createRedactor, isJsonObject, own } from "@auditsieve/audit";
import type { JsonObject, JsonValue } from "@auditsieve/audit";
import { AckWindow } from "./ack-window.ts";
import type { ConfigReader } from "./config-reader.ts";
import type { IngestConfig } from "./config.ts";
import { LineHandler } from "./line-handler.ts";
import type { Delivery } from "./sink.ts";
import { Ledger } from "./tally-ledger.ts";
import { SinkCounter } from "./tally.ts";

const OUTCOMES = ["delivered", "stripped", "dropped"] as const;
type CaseOutcome = (typeof OUTCOMES)[number];

/** A case of a configuration: a line, and what is to become of it. */
export interface IngestCase {
  readonly name: string;
  readonly line: string;
  /** What each named sink is to get. */
  readonly expect: Readonly<Record<string, CaseOutcome>>;
  /** Ids of the detections that are to find something; undefined: whatever. */
  readonly findings?: readonly string[];
}

/** A case that did not come out as it says. */
export interface CaseResult {
  readonly name: string;
  /** Empty: as expected. */
  readonly differences: readonly string[];
}

/** What an event of a case has when the case does not say. */
const DEFAULTS: JsonObject = {
  kind: "Event",
  apiVersion: "audit.k8s.io/v1",
  level: "Metadata",
  auditID: "00000000-0000-0000-0000-000000000000",
  stage: "ResponseComplete",
  requestReceivedTimestamp: "2026-01-01T00:00:00.000000Z",
  stageTimestamp: "2026-01-01T00:00:00.001000Z",
};

/** Reads `tests` of a configuration. */
export function readCases(
  reader: ConfigReader,
  root: JsonObject,
  sinks: readonly { readonly name: string }[],
): readonly IngestCase[] {
  return own(root, "tests") === undefined
    ? []
    : reader.list(root, "tests", []).flatMap((one, i) => readCase(reader, one, i, sinks) ?? []);
}

function readCase(
  reader: ConfigReader,
  value: JsonValue,
  index: number,
  sinks: readonly { readonly name: string }[],
): IngestCase | undefined {
  const at = ["tests", index];
  const given = reader.object(value, at, ["name", "event", "line", "expect", "findings"]);
  const name = given && reader.text(given, "name", at);
  if (given === undefined || name === undefined) {
    return undefined;
  }
  const event = own(given, "event");
  const line = isJsonObject(event) ? JSON.stringify({ ...DEFAULTS, ...event }) : reader.optional(given, "line", at);
  if (line === undefined) {
    return reader.problem(at, "a test needs an event or a line", 'Write "event:" and below it the fields that matter');
  }
  const names = sinks.map((sink) => sink.name);
  const wanted =
    own(given, "expect") === undefined ? {} : reader.object(own(given, "expect"), [...at, "expect"], names);
  const expect = Object.keys(wanted ?? {}).flatMap((sink) => {
    const outcome = wanted && reader.choice(wanted, sink, [...at, "expect"], OUTCOMES);
    return outcome === undefined ? [] : [[sink, outcome] as const];
  });
  const findings = own(given, "findings");
  if (findings !== undefined && !isTexts(findings)) {
    return reader.problem([...at, "findings"], "findings must be a list of ids of detections", "Write [] for none");
  }
  return { name, line, expect: Object.fromEntries(expect), ...(findings !== undefined && { findings }) };
}

function isTexts(value: JsonValue): value is readonly string[] {
  return Array.isArray(value) && (value as readonly JsonValue[]).every((one) => typeof one === "string");
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
  handler.line(bytes, 0, bytes.length - 1, 0, true);
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
