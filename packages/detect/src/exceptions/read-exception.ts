import { isJsonObject, own } from "@auditsieve/audit";
import type { JsonObject, JsonValue, Position } from "@auditsieve/audit";
import { SEVERITIES } from "../definition/detection.ts";
import type { Severity } from "../definition/detection.ts";
import { compileCondition } from "../sigma/compile-condition.ts";
import type { FieldPipeline } from "../sigma/field-pipeline.ts";
import { LIMITS } from "../sigma/limits.ts";
import type { Path, ProblemLog } from "../sigma/problem-log.ts";
import { endOf } from "../definition/detection-exception.ts";
import type { DetectionException } from "../definition/detection-exception.ts";

/** Sigma's words for how far a detection can be trusted, most first. Sigma's key for it is `status`. */
const MATURITIES = ["stable", "test", "experimental", "deprecated", "unsupported"] as const;
/** How far a detection can be trusted. */
export type Maturity = (typeof MATURITIES)[number];

/** Another severity or maturity for detections: ours, in an exceptions file. */
export interface DetectionOverride {
  readonly title: string;
  readonly rules: readonly string[] | "any";
  readonly severity?: Severity;
  readonly status?: Maturity;
  readonly file: string;
  /** Where the detections are named. */
  readonly line?: number;
}

/** What a document of an exceptions file is read with. */
export interface ExceptionContext {
  readonly file: string;
  readonly log: ProblemLog;
  readonly locate: (path: Path) => Position | undefined;
  readonly fields: FieldPipeline;
  /** For what has ended already, ms. */
  readonly now: number;
  /** Whether reason, owner and end must be given: in an exceptions file, not in a filter among Sigma rules. */
  readonly isAccounted: boolean;
}

const ROOT = "auditsieve";
const KINDS: ReadonlySet<string> = new Set(["expires", "override"]);
const TOP: ReadonlySet<string> = new Set([
  "title",
  "id",
  "description",
  "author",
  "date",
  "modified",
  "references",
  "related",
  "status",
  "tags",
  "taxonomy",
  "logsource",
  "filter",
  ROOT,
]);

/** Reads a document with `filter`; undefined when it has errors, which are reported. */
export function readException(
  document: JsonObject,
  title: string,
  { file, log, locate, fields, now, isAccounted }: ExceptionContext,
): DetectionException | undefined {
  const filter = own(document, "filter");
  const { rules, wrong } = readRules(isJsonObject(filter) ? own(filter, "rules") : undefined);
  if (wrong !== undefined) {
    log.error(
      "sigma-filter",
      ["filter", "rules"],
      `the filter ${wrong}`,
      'Give rules: a list of ids, names or file names, or "any"',
    );
  }
  if (rules === "any" && isAccounted) {
    log.warning(
      "sigma-filter",
      ["filter", "rules"],
      "it excuses from every detection: whoever takes this identity over is not seen any more",
      "Name the detections that it is about",
    );
  }
  const compiled = compileCondition(filter, log, fields, "filter");
  const id = own(document, "id");
  const facts = isAccounted ? readAccount(document, log) : {};
  const expires = readExpiry(document, log, now, isAccounted);
  if (!rules || !compiled) {
    return undefined;
  }
  return {
    id: typeof id === "string" && id !== "" ? id : title,
    title,
    ...facts,
    ...(expires !== undefined && { expires }),
    rules,
    condition: compiled.condition,
    file,
    ...lineOf(locate(["filter", "rules"])),
  };
}

/** Whether a document has `auditsieve: { override }`. */
export function isOverride(document: JsonObject): boolean {
  const extension = own(document, ROOT);
  return isJsonObject(extension) && Object.hasOwn(extension, "override");
}

/** Reads a document with `auditsieve: { override }`; undefined when it has errors, which are reported. */
export function readOverride(
  document: JsonObject,
  title: string,
  { file, log, locate }: Pick<ExceptionContext, "file" | "log" | "locate">,
): DetectionOverride | undefined {
  readAccount(document, log);
  const extension = own(document, ROOT);
  const override = isJsonObject(extension) ? own(extension, "override") : undefined;
  const path = [ROOT, "override"];
  if (isJsonObject(extension) && Object.hasOwn(extension, "expires")) {
    log.error(
      "exception-key",
      [ROOT, "expires"],
      "an override has no end: it hides nothing",
      "Remove it, or write a filter",
    );
  }
  if (!isJsonObject(override)) {
    log.error("exception-override", path, "its override is not a map", "Write override: { rules: [name], level: low }");
    return undefined;
  }
  refuseStrange(override, new Set(["rules", "level", "status"]), path, log);
  const { rules, wrong = rules === "any" ? "is for all detections" : undefined } = readRules(own(override, "rules"));
  if (wrong !== undefined) {
    log.error(
      "exception-override",
      [...path, "rules"],
      `the override ${wrong}`,
      "Give rules: a list of ids, names or file names",
    );
  }
  const [level, status] = [own(override, "level"), own(override, "status")];
  const severity = SEVERITIES.find((known) => known === level);
  const maturity = MATURITIES.find((known) => known === status);
  if (level !== undefined && severity === undefined) {
    wrongWord(log, [...path, "level"], level, SEVERITIES);
  }
  if (status !== undefined && maturity === undefined) {
    wrongWord(log, [...path, "status"], status, MATURITIES);
  }
  if (level === undefined && status === undefined) {
    log.error("exception-override", path, "it changes nothing", "Give a level, a status or both");
  }
  if (!rules) {
    return undefined;
  }
  return {
    title,
    rules,
    ...(severity && { severity }),
    ...(maturity && { status: maturity }),
    file,
    ...lineOf(locate([...path, "rules"])),
  };
}

/** Refuses what only an exceptions file may not hold; false for a document of another kind. */
export function isExceptionDocument(document: JsonObject, log: ProblemLog): boolean {
  const overrides = isOverride(document);
  if (Object.hasOwn(document, "filter") === overrides) {
    log.error(
      "exception-document",
      [],
      overrides ? "it is a filter and an override at once" : "it is neither a filter nor an override",
      "An exceptions file holds Sigma filters and overrides, a document each; see docs/exceptions.md",
    );
    return false;
  }
  refuseStrange(document, TOP, [], log);
  return true;
}

/** Why, and who answers for it: without both nobody can take an exception back. */
function readAccount(document: JsonObject, log: ProblemLog): { readonly reason?: string; readonly owner?: string } {
  const say = (key: string, what: string, hint: string): string | undefined => {
    const value = own(document, key);
    if (typeof value === "string" && value.trim() !== "") {
      return value.trim();
    }
    log.error("exception-account", [key], `it has no ${key}: ${what}`, hint);
    return undefined;
  };
  say("id", "by which what it excuses is counted", "Give it a random UUID");
  const reason = say("description", "why it is there", "Say why this is expected, and where that was decided");
  const owner = say("author", "who answers for it", "Name a team or a person");
  return { ...(reason !== undefined && { reason }), ...(owner !== undefined && { owner }) };
}

function readExpiry(document: JsonObject, log: ProblemLog, now: number, isRequired: boolean): string | undefined {
  const extension = own(document, ROOT);
  if (extension !== undefined && !isJsonObject(extension)) {
    log.error("exception-expires", [ROOT], "it is not a map", "Write auditsieve: { expires: 2027-03-31 }");
    return undefined;
  }
  refuseStrange(extension ?? {}, KINDS, [ROOT], log);
  const value = extension && own(extension, "expires");
  const path = [ROOT, "expires"];
  if (value === undefined) {
    if (isRequired) {
      log.error(
        "exception-expires",
        extension === undefined ? [] : [ROOT],
        "it has no end",
        "Write auditsieve: { expires: 2027-03-31 }, the last day of events that it excuses, or never",
      );
    }
    return undefined;
  }
  if (value === "never") {
    return undefined;
  }
  const isDay = typeof value === "string" && /^\d{4}-\d{2}-\d{2}$/.test(value);
  const end = isDay ? endOf({ expires: value }) : NaN;
  if (!isDay || new Date(end - 1).toISOString().slice(0, 10) !== value) {
    log.error("exception-expires", path, "its expires is no day", "Write a day: 2027-03-31, or never");
    return undefined;
  }
  if (end <= now) {
    log.warning(
      "exception-expired",
      path,
      `it has ended on ${value}: later events are found again`,
      "Remove it, or decide anew until when it holds",
    );
  }
  return value;
}

function lineOf(place: Position | undefined): { readonly line?: number } {
  return place ? { line: place.line } : {};
}

function refuseStrange(map: JsonObject, known: ReadonlySet<string>, path: Path, log: ProblemLog): void {
  for (const key of Object.keys(map)) {
    if (!known.has(key)) {
      log.error(
        "exception-key",
        [...path, key],
        `"${key.slice(0, 80)}" is no key that is known here`,
        `Use ${[...known].join(", ")}`,
      );
    }
  }
}

function wrongWord(log: ProblemLog, path: Path, value: JsonValue, known: readonly string[]): void {
  log.error(
    "exception-override",
    path,
    `its ${String(path.at(-1))} ${JSON.stringify(value).slice(0, 80)} is not one of Sigma's`,
    `Use one of ${known.join(", ")}`,
  );
}

/** The detections that are named, or why that cannot be: what stands behind "the filter". */
function readRules(rules: JsonValue | undefined): {
  readonly rules?: readonly string[] | "any";
  readonly wrong?: string;
} {
  if (rules === "any") {
    return { rules };
  }
  const list = Array.isArray(rules) ? (rules as readonly JsonValue[]) : rules === undefined ? [] : [rules];
  const texts = list.filter((rule): rule is string => typeof rule === "string" && rule !== "");
  if (list.length === 0) {
    return { wrong: "names no detections" };
  }
  if (texts.length < list.length) {
    return { wrong: "has rules that are not texts, or empty ones" };
  }
  return list.length > LIMITS.values
    ? { wrong: `names ${list.length} detections, at most ${LIMITS.values} are allowed` }
    : { rules: texts };
}
