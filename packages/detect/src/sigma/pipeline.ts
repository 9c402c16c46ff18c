import type { JsonValue } from "@auditsieve/audit";
import type { Placeholders } from "./expand-placeholders.ts";

/**
 * How field names and values of detections are rewritten before they are compiled: Sigma's processing pipeline, as
 * data. Read one with {@link loadPipelines}.
 */
export interface Pipeline {
  readonly name: string;
  /** Pipelines run in ascending order; the shipped one has 100. */
  readonly priority: number;
  readonly transformations: readonly Transformation[];
  /** Values of placeholders. */
  readonly vars?: Placeholders;
}

/** One step of a pipeline; each sees what the steps before it have made. */
export type Transformation =
  /** Renames fields; several names mean that any of them may match. */
  | {
      readonly type: "field_name_mapping";
      readonly mapping: Readonly<Record<string, readonly string[]>>;
      readonly on?: ItemFilter;
    }
  /** Renames what a field name begins with; the longest beginning wins. */
  | {
      readonly type: "field_name_prefix_mapping";
      readonly mapping: Readonly<Record<string, string>>;
      readonly on?: ItemFilter;
    }
  /** Replaces whole values. */
  | { readonly type: "map_string"; readonly mapping: Readonly<Record<string, string>>; readonly on?: ItemFilter }
  | { readonly type: "drop_detection_item"; readonly on?: ItemFilter }
  /** Adds `and` (or `and not`) a selection to every condition. */
  | {
      readonly type: "add_condition";
      readonly conditions: Readonly<Record<string, JsonValue>>;
      readonly negated: boolean;
    };

/** The items that a step is about; all of what is given must hold. */
export interface ItemFilter {
  readonly fields?: readonly string[];
  readonly exceptFields?: readonly string[];
  /** Every value, as text, must satisfy this. */
  readonly value?: (text: string) => boolean;
}
