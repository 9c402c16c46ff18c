import { isJsonObject, own } from "@auditsieve/audit";
import type { JsonObject, JsonValue } from "@auditsieve/audit";
import { fieldsRead } from "./definition/fields-read.ts";
import type { Expression } from "./condition/expression.ts";
import type { Detection } from "./definition/detection.ts";
import { leavesOf, loadDetectionFiles } from "./load-detections.ts";
import type { DetectionSource } from "./load-text.ts";
import { linkCorrelations } from "./definition/link-correlations.ts";
import { compileCondition } from "./sigma/compile-condition.ts";
import { fieldPipeline } from "./sigma/field-pipeline.ts";
import type { FieldPipeline } from "./sigma/field-pipeline.ts";
import { problemLog } from "./sigma/problem-log.ts";
import type { ProblemLog } from "./sigma/problem-log.ts";
import { readCorrelation } from "./sigma/read-correlation.ts";
import { readExtension } from "./sigma/read-extension.ts";

/** What loading a document gave, as JSON, and of its condition what is asked before any event. */
export interface PreparedDetection {
  readonly head: Omit<
    Detection,
    "condition" | "selections" | "firstSeen" | "correlation" | "restsOn" | "exceptions" | "reads"
  >;
  readonly reads: readonly string[];
  /** The document's `detection` as text: most are not needed; undefined of a correlation. */
  readonly detection?: string;
  /** Its other parts that must be read. */
  readonly parts: JsonObject;
}

/**
 * Loads sound documents for {@link revivedDetections}: what of loading can be done once for all is done. Throws an Error where any of them
 * has a problem, or is a filter.
 *
 * @example
 * const document = {
 *   title: "Nodes",
 *   id: "5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10",
 *   level: "low",
 *   logsource: { product: "kubernetes" },
 *   detection: { s: { verb: "delete", "objectRef.resource": "nodes" }, condition: "s" },
 * };
 * const [nodes] = revivedDetections(prepareDetections([{ file: "nodes.yml", documents: [document] }]));
 * assert.equal(nodes?.title, "Nodes");
 * assert.equal(nodes.condition.kind, "and"); // Compiled only now.
 */
export function prepareDetections(files: readonly DetectionSource[]): readonly PreparedDetection[] {
  const { detections, problems, exceptions } = loadDetectionFiles(files);
  const [problem] = problems;
  if (problem !== undefined || exceptions.length > 0) {
    throw new Error(`Cannot prepare detections: ${problem?.message ?? "a filter is among them"}`);
  }
  const documents = new Map(
    files.flatMap(({ documents: all = [] }) => all.filter(isJsonObject)).map((each) => [own(each, "id"), each]),
  );
  return detections.map(
    ({ condition, selections: _named, firstSeen: _first, correlation, restsOn: _rests, ...head }) => {
      const document = documents.get(head.id) ?? {};
      const parts = ["auditsieve", "correlation", "generate"].filter((key) => Object.hasOwn(document, key));
      return {
        head,
        reads: [...fieldsRead(condition)],
        ...(correlation === undefined && { detection: JSON.stringify(own(document, "detection")) }),
        parts: Object.fromEntries(parts.map((key) => [key, own(document, key) as JsonValue])),
      };
    },
  );
}

/**
 * The detections that {@link prepareDetections} was given, as loading them gives them. A condition is compiled when it is first looked at:
 * of the shipped ones a log needs a part, and compiling all takes as long as filtering 500 MB. Looking at one that was not prepared so
 * throws an Error. There is an example at {@link prepareDetections}.
 */
export function revivedDetections(prepared: readonly PreparedDetection[]): readonly Detection[] {
  const fields = { ...fieldPipeline(), prepared: new Map() };
  const detections = prepared.map((each) => revived(each, fields));
  const leaves = leavesOf(linkCorrelations(detections).correlations);
  return detections.map((detection) => {
    const restsOn = leaves.get(detection);
    return restsOn ? { ...detection, restsOn } : detection;
  });
}

function revived({ head, reads, detection: text, parts }: PreparedDetection, fields: FieldPipeline): Detection {
  const log = problemLog([], "", nowhere);
  const correlation = Object.hasOwn(parts, "correlation") ? readCorrelation(parts, log, fields) : undefined;
  const sound = {
    ...head,
    ...readExtension(parts, log, fields),
    reads: new Set(reads),
    ...(correlation !== undefined && { correlation }),
  };
  return text === undefined
    ? { ...sound, condition: NEVER }
    : withLazyCondition(sound, () => compiled(JSON.parse(text) as JsonValue, log, fields));
}

function compiled(detection: JsonValue, log: ProblemLog, fields: FieldPipeline): Expression {
  const condition = compileCondition(detection, log, fields)?.condition;
  if (condition === undefined) {
    throw new Error("Cannot compile a prepared detection: it is not what was prepared");
  }
  return condition;
}

/** Its own property, so that it is copied where the detection is. */
function withLazyCondition(detection: Omit<Detection, "condition">, compile: () => Expression): Detection {
  const whole = { ...detection, condition: NEVER };
  Object.defineProperty(whole, "condition", {
    enumerable: true,
    configurable: true,
    get() {
      const value = compile();
      Object.defineProperty(whole, "condition", { enumerable: true, configurable: true, value });
      return value;
    },
  });
  return whole;
}

function nowhere(): undefined {
  return undefined;
}

/** A correlation looks at no event itself. */
const NEVER: Expression = { kind: "or", of: [] };
