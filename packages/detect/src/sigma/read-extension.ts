import { isJsonObject, own } from "@auditsieve/audit";
import type { JsonObject, JsonValue } from "@auditsieve/audit";
import { fieldPath } from "../condition/field-path.ts";
import type { CorrelationField } from "../definition/correlation.ts";
import type { FirstSeen } from "../definition/first-seen-condition.ts";
import type { FieldPipeline } from "./field-pipeline.ts";
import { unknownField } from "./known-fields.ts";
import { LIMITS } from "./limits.ts";
import type { Path, ProblemLog } from "./problem-log.ts";
import { timespanMs } from "./timespan.ts";

const ROOT = "auditsieve";
const MAX_LEARN_DAYS = 90;
const KEYS: ReadonlySet<string> = new Set(["fields", "optional", "per", "learn", "opening"]);

/** Reads the key `auditsieve` of a document, our extension; other programs pass over it. */
export function readExtension(
  document: JsonObject,
  log: ProblemLog,
  fields: FieldPipeline,
): { readonly firstSeen?: FirstSeen } {
  const value = own(document, ROOT);
  if (value === undefined) {
    return {};
  }
  const first = isJsonObject(value) ? own(value, "first-seen") : undefined;
  if (!isJsonObject(value) || !isJsonObject(first) || Object.keys(value).length > 1) {
    log.error(
      "sigma-extension",
      [ROOT],
      'it knows only the map "first-seen"',
      "Write auditsieve: { first-seen: { fields: [userAgent] } }",
    );
    return {};
  }
  const path = [ROOT, "first-seen"];
  const strange = Object.keys(first).find((key) => !KEYS.has(key));
  if (strange !== undefined) {
    log.error(
      "sigma-extension",
      [...path, strange],
      `"${strange.slice(0, 80)}" is no key of first-seen`,
      `Use ${[...KEYS].join(", ")}`,
    );
  }
  const names = readNames(own(first, "fields"), [...path, "fields"], log);
  if (names.length === 0) {
    log.error(
      "sigma-extension",
      [...path, "fields"],
      "it names no field whose values may be new",
      "Write fields: [userAgent]",
    );
  }
  const optional = readNames(own(first, "optional"), [...path, "optional"], log);
  const per = readNames(own(first, "per"), [...path, "per"], log);
  const learn = own(first, "learn");
  const learnMs = learn === undefined || learn === 0 ? 0 : timespanMs(learn, MAX_LEARN_DAYS);
  if (learnMs === undefined) {
    log.error(
      "sigma-extension",
      [...path, "learn"],
      `its learn is no time span of at most ${MAX_LEARN_DAYS} days`,
      "Write learn: 7d",
    );
  }
  const opening = own(first, "opening") ?? "learn";
  if (opening !== "learn" && opening !== "find") {
    log.error(
      "sigma-extension",
      [...path, "opening"],
      "its opening is neither learn nor find",
      "Write opening: find to find the first value of all too",
    );
  }
  return {
    firstSeen: {
      fields: [
        ...names.map((name) => readField(name, [...path, "fields"], log, fields)),
        ...optional.map((name) => ({ ...readField(name, [...path, "optional"], log, fields), isOptional: true })),
      ],
      per: per.map((name) => readField(name, [...path, "per"], log, fields)),
      learnMs: learnMs ?? 0,
      findsOpening: opening === "find",
    },
  };
}

function readNames(value: JsonValue | undefined, path: Path, log: ProblemLog): readonly string[] {
  const list: readonly JsonValue[] =
    value === undefined ? [] : Array.isArray(value) ? (value as readonly JsonValue[]) : [value];
  const names = list.filter((name) => typeof name === "string" && name !== "" && name.length <= LIMITS.fieldLength);
  if (names.length < list.length || names.length > LIMITS.correlationNames) {
    log.error(
      "sigma-extension",
      path,
      `its ${String(path.at(-1))} is not a list of at most ${LIMITS.correlationNames} field names`,
      "Name event fields",
    );
  }
  return names as readonly string[];
}

function readField(name: string, path: Path, log: ProblemLog, fields: FieldPipeline): CorrelationField {
  const items = fields.resolve(name, "*", 0, log, path) ?? [];
  for (const { field } of items) {
    const meant = unknownField(field);
    if (meant !== undefined) {
      log.warning(
        "sigma-unknown-field",
        path,
        `no audit event has a field "${field.slice(0, 120)}": it never has a value`,
        meant === "" ? "See docs/sigma.md for the fields there are" : `Did you mean "${meant}"?`,
      );
    }
  }
  return { name, paths: items.map(({ field }) => fieldPath(field)), perDetection: new Map() };
}
