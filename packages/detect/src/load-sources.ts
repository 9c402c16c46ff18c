import { isJsonObject, own } from "@auditsieve/audit";
import type { JsonObject, JsonValue } from "@auditsieve/audit";
import { MAX_CHAIN } from "./definition/link-correlations.ts";
import { loadGiven, loadRead, readSource } from "./load-text.ts";
import type { DetectionSource, LoadedText, ReadSource } from "./load-text.ts";
import type { FieldPipeline } from "./sigma/field-pipeline.ts";

type LoadedSource = LoadedText & { readonly file: string };

/** What must be known of a document before it is known which correlations are about other logs. */
interface Outline {
  /** Its id and its name. */
  readonly names: readonly string[];
  /** What a correlation is about. */
  readonly rules: readonly string[];
  isLeft: boolean;
}

/**
 * Loads texts, in their order. A correlation says not what log it is about: of a folder it is left out where all that it names is, in whatever
 * files that stands.
 */
export function loadSources(
  sources: readonly DetectionSource[],
  fields: FieldPipeline,
  now: number,
): readonly LoadedSource[] {
  const contextOf = ({ file }: DetectionSource): Parameters<typeof loadRead>[1] => ({ file, fields, now });
  const outlines: (readonly Outline[])[] = [];
  const loaded = sources.map((source): LoadedText | readonly Outline[] => {
    const given = loadGiven(source, contextOf(source));
    if (given !== undefined) {
      outlines.push(given.detections.map(({ id, name = id }) => ({ names: [id, name], rules: [], isLeft: false })));
      return given;
    }
    const read = readSource(source);
    const outline = outlineOf(read);
    outlines.push(outline);
    // What is read of it is not kept: there may be very many files, and each takes far more room read than as text.
    const mayBeOther = source.isOfFolder === true && outline.some(({ rules, isLeft }) => rules.length > 0 && !isLeft);
    return mayBeOther ? outline : loadRead(read, contextOf(source));
  });
  leaveOut(outlines.flat());
  return sources.map((source, index) => {
    const one = loaded[index] as LoadedText | readonly Outline[];
    return { file: source.file, ...(isOutline(one) ? loadWithout(source, one, contextOf(source)) : one) };
  });
}

function isOutline(one: LoadedText | readonly Outline[]): one is readonly Outline[] {
  return Array.isArray(one);
}

function loadWithout(
  source: DetectionSource,
  outline: readonly Outline[],
  context: Parameters<typeof loadRead>[1],
): LoadedText {
  const read = readSource(source);
  return loadRead({ ...read, others: new Set(read.documents.filter((_, index) => outline[index]?.isLeft)) }, context);
}

function outlineOf({ documents, others }: ReadSource): readonly Outline[] {
  return documents.map((document) => {
    const { value } = document;
    const correlation = isJsonObject(value) ? own(value, "correlation") : undefined;
    return {
      names: isRule(value) ? texts([own(value, "id") ?? null, own(value, "name") ?? null]) : [],
      rules: isJsonObject(correlation) ? texts([own(correlation, "rules") ?? null].flat()) : [],
      isLeft: others.has(document),
    };
  });
}

/** Nothing is about a workflow, which has a name too. */
function isRule(value: JsonValue): value is JsonObject {
  return isJsonObject(value) && (Object.hasOwn(value, "detection") || Object.hasOwn(value, "correlation"));
}

function texts(values: readonly JsonValue[]): readonly string[] {
  return values.filter((value) => typeof value === "string");
}

/** Correlations of what is left out are left out, and those of these. */
function leaveOut(outlines: readonly Outline[]): void {
  let rest = outlines.filter(({ rules, isLeft }) => rules.length > 0 && !isLeft);
  for (let layer = 0; layer < MAX_CHAIN && rest.length > 0; layer++) {
    const namesOf = (isLeft: boolean): ReadonlySet<string> =>
      new Set(outlines.flatMap((one) => (one.isLeft === isLeft ? one.names : [])));
    const [left, kept] = [namesOf(true), namesOf(false)];
    const found = rest.filter(({ rules }) => rules.every((rule) => left.has(rule) && !kept.has(rule)));
    if (found.length === 0) {
      return;
    }
    found.forEach((one) => {
      one.isLeft = true;
    });
    rest = rest.filter(({ isLeft }) => !isLeft);
  }
}
