import { isJsonObject, own, readYaml } from "@auditsieve/audit";
import type { JsonObject, JsonValue, Position, Problem, YamlDocument, YamlText } from "@auditsieve/audit";
import type { Expression } from "./condition/expression.ts";
import type { Detection } from "./definition/detection.ts";
import type { DetectionException } from "./definition/detection-exception.ts";
import { deriveNeeds } from "./definition/derive-needs.ts";
import { namedFields } from "./definition/first-seen-condition.ts";
import { isExceptionDocument, isOverride, readException, readOverride } from "./exceptions/read-exception.ts";
import type { DetectionOverride } from "./exceptions/read-exception.ts";
import { digest } from "./finding.ts";
import { aboutOtherLogs, checkLogsource } from "./sigma/check-logsource.ts";
import { compileCondition } from "./sigma/compile-condition.ts";
import type { FieldPipeline } from "./sigma/field-pipeline.ts";
import { LIMITS } from "./sigma/limits.ts";
import { problemLog } from "./sigma/problem-log.ts";
import type { Path } from "./sigma/problem-log.ts";
import { readCorrelation } from "./sigma/read-correlation.ts";
import { readExtension } from "./sigma/read-extension.ts";
import { readMetadata } from "./sigma/read-metadata.ts";

/** A text of Sigma documents, or what is in it. */
export interface DetectionSource {
  /** Its name, as problems say it. */
  readonly file: string;
  /** May be left out where `documents` are given: problems then have no place. */
  readonly text?: string;
  /** The documents of the text, where somebody has read them already; the text is then read only to say where a problem is. */
  readonly documents?: readonly JsonValue[] | undefined;
  /** Whether its folder was named, not the file: such a folder may hold rules for other logs too. */
  readonly isOfFolder?: boolean;
}

/** What is in one text. */
export interface LoadedText {
  readonly detections: readonly Detection[];
  readonly filters: readonly DetectionException[];
  readonly overrides: readonly DetectionOverride[];
  readonly problems: readonly Problem[];
  /** Whether something of it was left out because it is about another log. */
  readonly isOther: boolean;
}

/** What every document of a text is read with. */
export interface TextContext {
  readonly file: string;
  readonly fields: FieldPipeline;
  readonly now: number;
}

/** A correlation looks at no event itself. */
const NEVER: Expression = { kind: "or", of: [] };

/** A text that is read as YAML, with those of its documents that are to be left out. */
export interface ReadSource extends YamlText {
  readonly others: ReadonlySet<YamlDocument>;
}

/** Loads documents that are given; undefined where they are not, or where only their text says what is wrong with them and where. */
export function loadGiven({ text, documents }: DetectionSource, context: TextContext): LoadedText | undefined {
  if (documents === undefined) {
    return undefined;
  }
  const loaded = loadDocuments({ documents: documents.map(withoutPlaces), problems: [] }, context);
  return loaded.problems.length === 0 || text === undefined ? loaded : undefined;
}

/** Reads a text; of a folder what is about other logs is to be left out. */
export function readSource({ text = "", isOfFolder }: DetectionSource): ReadSource {
  const read = readYaml(text);
  return { ...read, others: isOfFolder === true ? aboutOtherLogs(read.documents) : new Set() };
}

/** Loads the documents of a text without those that are left out; nothing is thrown for bad data. */
export function loadRead({ others, ...read }: ReadSource, context: TextContext): LoadedText {
  if (others.size === 0) {
    return loadDocuments(read, context);
  }
  const rest = read.documents.filter((one) => !others.has(one) && one.value !== null);
  // What its YAML is like matters to nobody where nothing of it is read.
  return rest.length === 0
    ? { detections: [], filters: [], overrides: [], problems: [], isOther: true }
    : { ...loadDocuments({ ...read, documents: rest }, context), isOther: true };
}

function withoutPlaces(value: JsonValue): YamlDocument {
  return { value, locate: () => undefined };
}

function loadDocuments({ documents, problems: syntax }: YamlText, context: TextContext): LoadedText {
  const { file } = context;
  const problems: Problem[] = [...syntax];
  const detections: Detection[] = [];
  const filters: DetectionException[] = [];
  const overrides: DetectionOverride[] = [];
  if (documents.length > LIMITS.documents) {
    problems.push({
      id: "sigma-too-many",
      severity: "error",
      message: `Cannot load "${file}": it has ${documents.length} documents, at most ${LIMITS.documents} are allowed`,
      hint: "Split the file",
    });
    return { detections, filters, overrides, problems, isOther: false };
  }
  if (documents.every(({ value }) => value === null) && syntax.length === 0) {
    problems.push({
      id: "sigma-empty",
      severity: "error",
      message: `Cannot load "${file}": it holds no detection`,
      hint: "Write a Sigma document, or remove the file",
    });
  }
  for (const document of documents.filter(({ value }) => value !== null)) {
    const loaded = loadDocument(document, problems, context);
    if (loaded && !("rules" in loaded)) {
      detections.push(loaded);
    } else if (loaded && "condition" in loaded) {
      filters.push(loaded);
    } else if (loaded) {
      overrides.push(loaded);
    }
  }
  return { detections, filters, overrides, problems, isOther: false };
}

function loadDocument(
  document: YamlDocument,
  problems: Problem[],
  { file, fields, now }: TextContext,
): Detection | DetectionException | DetectionOverride | undefined {
  const { value } = document;
  const locate = (path: Path): Position | undefined => document.locate(path);
  const title = isJsonObject(value) ? own(value, "title") : undefined;
  const shown = typeof title === "string" && title !== "" ? title.slice(0, 120) : file;
  const isFilter = isJsonObject(value) && Object.hasOwn(value, "filter");
  const subject = `${isFilter ? "filter" : "detection"} ${JSON.stringify(shown)}`;
  const log = problemLog(problems, subject, locate);
  if (!isJsonObject(value)) {
    log.error(
      "sigma-document",
      [],
      "the document is not a map",
      isOfFalco(value)
        ? "These are rules of Falco, not of Sigma: docs/peers.md names the shipped detections that look for the same"
        : "A Sigma document has title, id, logsource and detection",
    );
    return undefined;
  }
  if (Object.hasOwn(value, "action")) {
    log.error(
      "sigma-document",
      ["action"],
      'documents with "action" are not supported',
      "Write each detection out, with its own title and id",
    );
    return undefined;
  }
  if (isOverride(value)) {
    const override = isExceptionDocument(value, log) ? readOverride(value, shown, { file, log, locate }) : undefined;
    return log.failed ? undefined : override;
  }
  const line = locate(["id"])?.line;
  const idLine = line === undefined ? {} : { line };
  if (Object.hasOwn(value, "correlation")) {
    const metadata = readMetadata(value, file, log);
    const correlation = readCorrelation(value, log, fields);
    const fingerprint = fingerprintOf(value);
    if (log.failed || !metadata || !correlation) {
      return undefined;
    }
    const rulesLine = locate(["correlation", "rules"])?.line;
    const placed = { ...correlation, ...(rulesLine !== undefined && { line: rulesLine }) };
    return { ...metadata, ...idLine, fingerprint, needs: [], condition: NEVER, correlation: placed };
  }
  checkLogsource(own(value, "logsource"), log);
  const filter = isFilter
    ? readException(value, shown, { file, log, locate, fields, now, isAccounted: false })
    : undefined;
  if (isFilter) {
    return log.failed ? undefined : filter;
  }
  const metadata = readMetadata(value, file, log);
  const compiled = compileCondition(own(value, "detection"), log, fields);
  const extension = readExtension(value, log, fields);
  if (log.failed || !compiled || !metadata) {
    return undefined;
  }
  const needs = deriveNeeds(compiled.condition, namedFields(extension.firstSeen));
  return { ...metadata, ...idLine, ...extension, fingerprint: fingerprintOf(value), needs, ...compiled };
}

function isOfFalco(value: JsonValue): boolean {
  return (
    Array.isArray(value) &&
    (value as readonly JsonValue[]).some(
      (one) => isJsonObject(one) && Object.hasOwn(one, "rule") && Object.hasOwn(one, "condition"),
    )
  );
}

/** Hash of what decides, without what a document says about itself. */
function fingerprintOf(value: JsonObject): string {
  return digest(
    JSON.stringify(
      ["logsource", "detection", "correlation", "auditsieve", "filter"].map((key) => own(value, key) ?? null),
    ),
  );
}
