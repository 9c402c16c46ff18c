import { isJsonObject, own, readYaml } from "@auditsieve/audit";
import type { JsonObject, JsonValue, Position, Problem, YamlDocument, YamlText } from "@auditsieve/audit";
import type { Expression } from "./condition/expression.ts";
import { SEVERITIES } from "./definition/detection.ts";
import { digest } from "./finding.ts";
import type { Detection, Severity } from "./definition/detection.ts";
import { deriveNeeds } from "./definition/derive-needs.ts";
import type { FirstSeen } from "./definition/first-seen-condition.ts";
import { linkCorrelations } from "./definition/link-correlations.ts";
import type { LinkedCorrelation } from "./definition/link-correlations.ts";
import { checkLogsource, OTHER_LOG } from "./sigma/check-logsource.ts";
import { compileCondition } from "./sigma/compile-condition.ts";
import { applyExceptions } from "./exceptions/apply-exceptions.ts";
import type { DetectionException } from "./definition/detection-exception.ts";
import { readException } from "./exceptions/read-exception.ts";
import { loadExceptions } from "./exceptions/load-exceptions.ts";
import type { Placeholders } from "./sigma/expand-placeholders.ts";
import { fieldPipeline } from "./sigma/field-pipeline.ts";
import type { FieldPipeline } from "./sigma/field-pipeline.ts";
import { LIMITS } from "./sigma/limits.ts";
import { loadPipelines } from "./sigma/load-pipelines.ts";
import type { Pipeline } from "./sigma/pipeline.ts";
import { readCorrelation } from "./sigma/read-correlation.ts";
import { readExtension } from "./sigma/read-extension.ts";
import { problemLog } from "./sigma/problem-log.ts";
import type { Path, ProblemLog } from "./sigma/problem-log.ts";

/** What {@link loadDetections} gives: every sound detection, and every problem with its place. */
export interface LoadedDetections {
  readonly detections: readonly Detection[];
  readonly problems: readonly Problem[];
}

/** What {@link loadDetectionFiles} gives: as {@link LoadedDetections}, each problem with its file. */
export interface LoadedDetectionFiles {
  readonly detections: readonly Detection[];
  readonly problems: readonly (Problem & { readonly file: string })[];
  /** All that is excused, in the order of the files. */
  readonly exceptions: readonly DetectionException[];
  /** Files of folders that are about other logs; no problem is said of them. */
  readonly others: readonly string[];
}

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

/** What a detection may refer to and the loader must be given. */
export interface LoadOptions {
  /** Values of the `%name%` of the modifier `expand`; one that is not here is an error. */
  readonly placeholders?: Placeholders;
  /** Rewrite fields and values before the shipped mapping does; in the order of their priority. */
  readonly pipelines?: readonly Pipeline[];
  /** Whether only the audit format's own spelling of fields is known, without the shipped mapping. */
  readonly rawFieldsOnly?: boolean;
  /** Exceptions files: filters and overrides that tune the detections; see docs/exceptions.md. */
  readonly exceptions?: readonly { readonly file: string; readonly text: string }[];
  /** When exceptions have ended, ms; what has ended is warned of. Default: now. */
  readonly now?: number;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const TECHNIQUE = /^attack\.(t\d{4}(?:\.\d{3})?)$/i;

/**
 * Loads the Sigma documents of one text. Nothing is thrown for bad data: a document with an error is left out, all
 * problems come back together. A field that no audit event has is a warning, because such a detection never fires.
 *
 * @example
 * const { detections, problems } = loadDetections(`
 * title: Nodes deleted
 * id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10
 * level: medium
 * logsource: { product: kubernetes, service: audit }
 * detection:
 *   selection: { verb: delete, objectRef.resource: nodes }
 *   condition: selection
 * `, "nodes-deleted.yml");
 * assert.deepEqual(problems, []);
 * assert.equal(detections[0]?.severity, "medium");
 */
export function loadDetections(text: string, file: string, options: LoadOptions = {}): LoadedDetections {
  const { detections, problems } = loadDetectionFiles([{ file, text }], options);
  return { detections, problems: problems.map(({ file: _file, ...problem }) => problem) };
}

/**
 * Loads many texts together, so that filters of one find the detections of another. A processing pipeline among them rewrites all of them.
 *
 * @example
 * const filter = "{title: Ops may, logsource: {product: kubernetes}, filter: {rules: [nodes], s: {user.name: ops}, condition: not s}}";
 * const rule = "{title: Nodes, id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10, name: nodes, level: low, logsource: {product: kubernetes}, " +
 *   "detection: {s: {verb: delete, objectRef.resource: nodes}, condition: s}}";
 * const { problems, exceptions } = loadDetectionFiles([{ file: "filter.yml", text: filter }, { file: "nodes.yml", text: rule }]);
 * assert.deepEqual(problems, []);
 * assert.deepEqual(exceptions.map(({ title }) => title), ["Ops may"]);
 */
export function loadDetectionFiles(files: readonly DetectionSource[], options: LoadOptions = {}): LoadedDetectionFiles {
  const { now = Date.now() } = options;
  const given = files.filter(isPipeline).map(({ file, text = "" }) => ({ file, ...loadPipelines(text, file) }));
  const pipelines = [...(options.pipelines ?? []), ...given.flatMap((one) => one.pipelines)];
  const fields = fieldPipeline(pipelines, options.placeholders, options.rawFieldsOnly);
  const sources = given.length === 0 ? files : files.filter((each) => !isPipeline(each));
  const loaded = sources.map((each) => ({ file: each.file, ...loadText(each, { file: each.file, fields, now }) }));
  const tuning = loadExceptions(options.exceptions ?? [], fields, now);
  const exceptions = [...loaded.flatMap(({ filters }) => filters), ...tuning.exceptions];
  const filtered = applyExceptions(
    loaded.flatMap(({ detections }) => detections),
    exceptions,
    tuning.overrides,
  );
  // Exceptions change nothing that is remembered.
  const { exceptions: _exceptions, now: _now, ...rest } = options;
  const rewritten = given.length === 0 ? rest : { ...rest, pipelines };
  const rewriting = JSON.stringify(rewritten, (_, value: unknown) =>
    typeof value === "function" ? value.toString() : value,
  );
  const others = sources.flatMap(({ file, isOfFolder }, i) =>
    isOfFolder === true && loaded[i]?.problems.some(({ id }) => id === OTHER_LOG) === true ? [file] : [],
  );
  const problems = [...given, ...loaded]
    .filter(({ file }) => !others.includes(file))
    .flatMap(({ file, problems: own }) => own.map((problem) => ({ ...problem, file })));
  const { correlations } = linkCorrelations(filtered.detections);
  const leaves = leavesOf(correlations);
  return {
    detections: filtered.detections.map((detection) => {
      const restsOn = leaves.get(detection);
      const fingerprint = digest(detection.fingerprint ?? "", rewriting);
      // What the log must hold for a correlation is what the detections need that it rests on.
      return restsOn
        ? { ...detection, fingerprint, restsOn, needs: restsOn.flatMap(({ needs }) => needs) }
        : { ...detection, fingerprint };
    }),
    problems: [...problems, ...tuning.problems, ...filtered.problems],
    exceptions,
    others,
  };
}

/** Whether a text is of processing pipelines, and of nothing else. */
function isPipeline({ text = "" }: DetectionSource): boolean {
  return /^transformations[ \t]*:/m.test(text) && !/^(detection|correlation|filter)[ \t]*:/m.test(text);
}

/** Of each correlation the detections of single events that it rests on. */
export function leavesOf(correlations: readonly LinkedCorrelation[]): ReadonlyMap<Detection, readonly Detection[]> {
  const leaves = new Map<Detection, readonly Detection[]>();
  for (const { detection, rules } of correlations) {
    leaves.set(detection, [...new Set(rules.flatMap((rule) => leaves.get(rule) ?? [rule]))]);
  }
  return leaves;
}

interface LoadedText {
  readonly detections: readonly Detection[];
  readonly filters: readonly DetectionException[];
  readonly problems: readonly Problem[];
}

/** What every document of a text is read with. */
interface TextContext {
  readonly file: string;
  readonly fields: FieldPipeline;
  readonly now: number;
}

function loadText({ text, documents }: DetectionSource, context: TextContext): LoadedText {
  if (documents !== undefined) {
    const loaded = loadDocuments({ documents: documents.map(withoutPlaces), problems: [] }, context);
    if (loaded.problems.length === 0 || text === undefined) {
      return loaded;
    }
  }
  return loadDocuments(readYaml(text ?? ""), context);
}

function withoutPlaces(value: JsonValue): YamlDocument {
  return { value, locate: () => undefined };
}

function loadDocuments({ documents, problems: syntax }: YamlText, context: TextContext): LoadedText {
  const { file } = context;
  const problems: Problem[] = [...syntax];
  const detections: Detection[] = [];
  const filters: DetectionException[] = [];
  if (documents.length > LIMITS.documents) {
    problems.push({
      id: "sigma-too-many",
      severity: "error",
      message: `Cannot load "${file}": it has ${documents.length} documents, at most ${LIMITS.documents} are allowed`,
      hint: "Split the file",
    });
    return { detections, filters, problems };
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
    if (loaded && "rules" in loaded) {
      filters.push(loaded);
    } else if (loaded) {
      detections.push(loaded);
    }
  }
  return { detections, filters, problems };
}

function loadDocument(
  document: YamlDocument,
  problems: Problem[],
  { file, fields, now }: TextContext,
): Detection | DetectionException | undefined {
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
      "A Sigma document has title, id, logsource and detection",
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
  if (Object.hasOwn(value, "correlation")) {
    const head = readHead(value, file, log);
    const correlation = readCorrelation(value, log, fields);
    const fingerprint = fingerprintOf(value);
    if (log.failed || !head || !correlation) {
      return undefined;
    }
    const line = locate(["correlation", "rules"])?.line;
    const placed = { ...correlation, ...(line !== undefined && { line }) };
    return { ...head, fingerprint, needs: [], condition: NEVER, correlation: placed };
  }
  checkLogsource(own(value, "logsource"), log);
  const filter = isFilter
    ? readException(value, shown, { file, log, locate, fields, now, isAccounted: false })
    : undefined;
  if (isFilter) {
    return log.failed ? undefined : filter;
  }
  const head = readHead(value, file, log);
  const condition = compileCondition(own(value, "detection"), log, fields);
  const extension = readExtension(value, log, fields);
  if (log.failed || !condition || !head) {
    return undefined;
  }
  const needs = deriveNeeds(condition, namedFields(extension.firstSeen));
  return { ...head, ...extension, fingerprint: fingerprintOf(value), needs, condition };
}

/** Hash of what decides, without what a document says about itself. */
function fingerprintOf(value: JsonObject): string {
  return digest(
    JSON.stringify(
      ["logsource", "detection", "correlation", "auditsieve", "filter"].map((key) => own(value, key) ?? null),
    ),
  );
}

function namedFields(firstSeen: FirstSeen | undefined): readonly string[] {
  return [...(firstSeen?.fields ?? []), ...(firstSeen?.per ?? [])].flatMap(({ paths }) =>
    paths.map(({ text }) => text),
  );
}

/** A correlation looks at no event itself. */
const NEVER: Expression = { kind: "or", of: [] };

/** What every document says about itself, whatever it detects by. */
function readHead(
  value: JsonObject,
  file: string,
  log: ProblemLog,
): Omit<Detection, "needs" | "condition"> | undefined {
  const id = readId(value, log);
  const title = readTitle(value, log);
  const severity = readSeverity(value, log);
  const tags = texts(value, "tags", log);
  const name = text(value, "name", log);
  const status = text(value, "status", log);
  const description = text(value, "description", log);
  const lists = {
    references: texts(value, "references", log),
    falsePositives: texts(value, "falsepositives", log),
    runbook: texts(value, "runbook", log),
  };
  if (id === undefined || title === undefined) {
    return undefined;
  }
  return {
    id,
    ...(name !== undefined && { name }),
    title,
    severity,
    ...(status !== undefined && { status }),
    ...(description !== undefined && { description }),
    ...lists,
    tags,
    techniques: tags.flatMap((tag) => TECHNIQUE.exec(tag)?.[1]?.toUpperCase() ?? []),
    file,
  };
}

function readId(document: JsonObject, log: ProblemLog): string | undefined {
  const id = own(document, "id");
  if (typeof id !== "string" || id === "") {
    log.error("sigma-id", ["id"], "it has no id, by which its findings are told apart", "Give it a random UUID");
    return undefined;
  }
  if (!UUID.test(id)) {
    log.warning("sigma-id", ["id"], `its id "${id.slice(0, 80)}" is not a UUID`, "Give it a random UUID");
  }
  return id;
}

function readTitle(document: JsonObject, log: ProblemLog): string | undefined {
  const title = text(document, "title", log);
  if (title === undefined || title.trim() === "") {
    log.error("sigma-title", ["title"], "it has no title", "Say in a few words what was done");
  }
  return title;
}

function readSeverity(document: JsonObject, log: ProblemLog): Severity {
  const level = own(document, "level");
  const known = SEVERITIES.find((severity) => severity === level);
  if (known) {
    return known;
  }
  const words = `Use one of ${SEVERITIES.join(", ")}`;
  if (level === undefined || level === null) {
    log.warning("sigma-level", ["level"], 'it has no level; its findings count as "medium"', words);
  } else {
    log.error("sigma-level", ["level"], `its level ${JSON.stringify(level).slice(0, 80)} is not one of Sigma's`, words);
  }
  return "medium";
}

function text(document: JsonObject, key: string, log: ProblemLog): string | undefined {
  const value = own(document, key);
  if (value === undefined || value === null || typeof value === "string") {
    return value ?? undefined;
  }
  log.error("sigma-document", [key], `its ${key} is not a text`, "Write a text");
  return undefined;
}

function texts(document: JsonObject, key: string, log: ProblemLog): readonly string[] {
  const value = own(document, key) ?? [];
  const list: readonly JsonValue[] = Array.isArray(value) ? (value as readonly JsonValue[]) : [value];
  const strings = list.filter((entry) => typeof entry === "string");
  if (strings.length < list.length) {
    log.error("sigma-document", [key], `its ${key} is not a list of texts`, "Write a list of texts");
  }
  return strings;
}
