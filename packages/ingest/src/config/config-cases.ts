import { isJsonObject, own } from "@auditsieve/audit";
import type { JsonObject, JsonValue } from "@auditsieve/audit";
import type { ConfigReader } from "./config-reader.ts";

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
