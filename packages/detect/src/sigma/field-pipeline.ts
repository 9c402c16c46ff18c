import type { JsonValue } from "@auditsieve/audit";
import { scalarText } from "../condition/evaluate.ts";
import type { Expression } from "../condition/expression.ts";
import { AUDIT_FIELDS } from "./audit-fields.ts";
import type { Placeholders } from "./expand-placeholders.ts";
import { LIMITS } from "./limits.ts";
import type { ItemFilter, Pipeline, Transformation } from "./pipeline.ts";
import type { Path, ProblemLog } from "./problem-log.ts";

/** A field and value that an item of a detection stands for. */
export interface ResolvedItem {
  readonly field: string;
  readonly value: JsonValue;
}

/** A selection that a pipeline adds to every condition. */
export interface AddedSelection {
  readonly pipeline: string;
  readonly selection: Readonly<Record<string, JsonValue>>;
  readonly negated: boolean;
  /** The step behind it: only later ones rewrite it. */
  readonly from: number;
}

/** The pipelines of one load, joined in the order of their priority. */
export interface FieldPipeline {
  /** What an item stands for, any of which may match; empty when it is dropped; undefined when a name gets too long, which is reported at `path`. */
  resolve(
    field: string,
    value: JsonValue,
    from: number,
    log: ProblemLog,
    path: Path,
  ): readonly ResolvedItem[] | undefined;
  readonly added: readonly AddedSelection[];
  readonly placeholders: Placeholders;
  /** Whether so many steps of regular expressions are left in this load; takes them. */
  readonly takeRegexSteps: (steps: number) => boolean;
  /**
   * There where all values have been compiled before without a problem: what takes time may wait until it is asked for. Holds what was compiled of
   * items already, by their texts; no pipeline adds anything.
   */
  readonly prepared?: Map<string, Expression>;
  /** Whether so many spellings of a value are left in this load; takes them. */
  readonly takeSpellings: (count: number) => boolean;
}

/** More alternatives of one item than this are cut: pipelines that rename in circles would multiply them. */
const MAX_ALTERNATIVES = 64;
/** What even a short regular expression keeps in memory while it is used. */
const MIN_STEPS = 50;

/** Joins `pipelines` and, unless `rawFieldsOnly`, the shipped one. `placeholders` win over those of pipelines. */
export function fieldPipeline(
  pipelines: readonly Pipeline[] = [],
  placeholders: Placeholders = {},
  rawFieldsOnly = false,
): FieldPipeline {
  const ordered = [...pipelines, ...(rawFieldsOnly ? [] : [AUDIT_FIELDS])].sort((a, b) => a.priority - b.priority);
  const steps = ordered.flatMap(({ transformations }) => transformations);
  let from = 0;
  const added = ordered.flatMap(({ name, transformations }) =>
    transformations.flatMap((step): AddedSelection[] => {
      from++;
      return step.type === "add_condition"
        ? [{ pipeline: name, selection: step.conditions, negated: step.negated, from }]
        : [];
    }),
  );
  let regexSteps = 0;
  let spellings = 0;
  return {
    added,
    takeRegexSteps: (steps) => {
      regexSteps += Math.max(steps, MIN_STEPS);
      return regexSteps <= LIMITS.regexSteps;
    },
    takeSpellings: (count) => {
      spellings += count > 1 ? count : 0;
      return spellings <= LIMITS.spellings;
    },
    placeholders: { ...Object.assign({}, ...ordered.map(({ vars }) => vars ?? {})), ...placeholders } as Placeholders,
    resolve(field, value, first, log, path) {
      let items: readonly ResolvedItem[] = [{ field, value }];
      for (let index = first; index < steps.length; index++) {
        const step = steps[index] as Transformation;
        if (items.some((item) => names(step, item.field))) {
          items = items.flatMap((item) => apply(step, item)).slice(0, MAX_ALTERNATIVES);
          const made = items.find((item) => item.field.length > LIMITS.fieldLength);
          if (made !== undefined) {
            log.error(
              "sigma-field",
              path,
              `a pipeline makes of "${field.slice(0, 80)}" a field name of ${made.field.length} characters, at most ${LIMITS.fieldLength} are allowed`,
              "Shorten what its transformations make",
            );
            return undefined;
          }
        }
      }
      return items;
    },
  };
}

/** Whether a step may change items of this field: most name others, and are then not asked. */
function names(step: Transformation, field: string): boolean {
  switch (step.type) {
    case "add_condition":
      return false;
    case "field_name_mapping":
      return Object.hasOwn(step.mapping, field);
    case "field_name_prefix_mapping":
      for (const prefix in step.mapping) {
        if (field.startsWith(prefix)) {
          return true;
        }
      }
      return false;
    case "drop_detection_item":
    case "map_string":
    default:
      return step.on?.fields?.includes(field) !== false;
  }
}

function apply(step: Transformation, item: ResolvedItem): readonly ResolvedItem[] {
  if (step.type === "add_condition" || !isAbout(step.on, item)) {
    return [item];
  }
  switch (step.type) {
    case "drop_detection_item":
      return [];
    case "field_name_mapping": {
      const names = Object.hasOwn(step.mapping, item.field) ? step.mapping[item.field] : undefined;
      return names?.map((field) => ({ ...item, field })) ?? [item];
    }
    case "field_name_prefix_mapping": {
      const [prefix] = Object.keys(step.mapping)
        .filter((beginning) => item.field.startsWith(beginning))
        .sort((a, b) => b.length - a.length);
      return prefix === undefined
        ? [item]
        : [{ ...item, field: `${step.mapping[prefix] ?? ""}${item.field.slice(prefix.length)}` }];
    }
    case "map_string":
    default: {
      const mapped = (value: JsonValue): JsonValue =>
        typeof value === "string" && Object.hasOwn(step.mapping, value) ? (step.mapping[value] ?? value) : value;
      return [{ ...item, value: Array.isArray(item.value) ? item.value.map(mapped) : mapped(item.value) }];
    }
  }
}

function isAbout(filter: ItemFilter | undefined, { field, value }: ResolvedItem): boolean {
  if (filter?.fields?.includes(field) === false || filter?.exceptFields?.includes(field)) {
    return false;
  }
  const { value: wanted } = filter ?? {};
  if (!wanted) {
    return true;
  }
  const values = Array.isArray(value) ? (value as readonly JsonValue[]) : [value];
  return (
    values.length > 0 &&
    values.every((one) => {
      const text = scalarText(one);
      return text !== undefined && wanted(text);
    })
  );
}
