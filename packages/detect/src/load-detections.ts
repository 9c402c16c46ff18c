import type { Problem } from "@auditsieve/audit";
import type { Detection } from "./definition/detection.ts";
import type { DetectionException } from "./definition/detection-exception.ts";
import { correlationNeeds } from "./definition/correlation-needs.ts";
import { linkCorrelations } from "./definition/link-correlations.ts";
import type { LinkedCorrelation } from "./definition/link-correlations.ts";
import { oneOfEachID } from "./definition/one-of-each-id.ts";
import { applyExceptions } from "./exceptions/apply-exceptions.ts";
import { loadExceptions } from "./exceptions/load-exceptions.ts";
import { digest } from "./finding.ts";
import { loadSources } from "./load-sources.ts";
import type { DetectionSource } from "./load-text.ts";
import type { Placeholders } from "./sigma/expand-placeholders.ts";
import { fieldPipeline } from "./sigma/field-pipeline.ts";
import { loadPipelines } from "./sigma/load-pipelines.ts";
import type { Pipeline } from "./sigma/pipeline.ts";

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
  /** Files of folders of which something is about other logs, or nothing of Sigma: that is left out. */
  readonly others: readonly string[];
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
  const loaded = loadSources(sources, fields, now);
  const tuning = loadExceptions(options.exceptions ?? [], fields, now);
  const exceptions = [...loaded.flatMap(({ filters }) => filters), ...tuning.exceptions];
  const told = oneOfEachID(loaded.flatMap(({ detections }) => detections));
  const overrides = [...loaded.flatMap((one) => one.overrides), ...tuning.overrides];
  const filtered = applyExceptions(told.detections, exceptions, overrides);
  // Exceptions change nothing that is remembered.
  const { exceptions: _exceptions, now: _now, ...rest } = options;
  const rewritten = given.length === 0 ? rest : { ...rest, pipelines };
  const rewriting = JSON.stringify(rewritten, (_, value: unknown) =>
    typeof value === "function" ? value.toString() : value,
  );
  const others = loaded.filter(({ isOther }) => isOther).map(({ file }) => file);
  const problems = [...given, ...loaded].flatMap(({ file, problems: own }) =>
    own.map((problem) => ({ ...problem, file })),
  );
  const { correlations } = linkCorrelations(filtered.detections);
  const leaves = leavesOf(correlations);
  const needs = correlationNeeds(correlations);
  return {
    detections: filtered.detections.map((detection) => {
      const restsOn = leaves.get(detection);
      const fingerprint = digest(detection.fingerprint ?? "", rewriting);
      return restsOn
        ? { ...detection, fingerprint, restsOn, needs: needs.get(detection) ?? [] }
        : { ...detection, fingerprint };
    }),
    problems: [...problems, ...told.problems, ...tuning.problems, ...filtered.problems],
    exceptions,
    others,
  };
}

/** Whether a text is of processing pipelines, and of nothing else. */
function isPipeline({ text = "" }: DetectionSource): boolean {
  // What stands before the first key where editors mark UTF-8.
  return /^\ufeff?transformations[ \t]*:/m.test(text) && !/^\ufeff?(detection|correlation|filter)[ \t]*:/m.test(text);
}

/** Of each correlation the detections of single events that it rests on. */
export function leavesOf(correlations: readonly LinkedCorrelation[]): ReadonlyMap<Detection, readonly Detection[]> {
  const leaves = new Map<Detection, readonly Detection[]>();
  for (const { detection, detections } of correlations) {
    leaves.set(detection, [...new Set(detections.flatMap((one) => leaves.get(one) ?? [one]))]);
  }
  return leaves;
}
