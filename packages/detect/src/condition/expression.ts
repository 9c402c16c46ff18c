import type { JsonValue } from "@auditsieve/audit";
import type { FieldPath } from "./field-path.ts";

/** A test of one value. `literal` is set when the test is plain equality with that text: needs are read from it. */
export interface ValueTest {
  readonly literal?: string;
  /** A character that every text that passes holds, and no plain name: neither letter nor digit, `-`, `.` or `:`. */
  readonly special?: string;
  /** Texts of which every text that passes holds at least one, as `neededInBytes` gives them; undefined where that is not known. */
  readonly needs?: () => readonly string[] | undefined;
  /** The same in whatever case, with all that JSON may spell in other ways. */
  readonly holds?: () => readonly string[] | undefined;
  test(value: JsonValue): boolean;
}

/** How `fieldref` compares two fields. */
export type Comparison = "equal" | "contains" | "startswith" | "endswith";

/** A compiled condition: the only form that evaluation and the derivation of needs know. */
export type Expression =
  | { readonly kind: "and"; readonly of: readonly Expression[] }
  | { readonly kind: "or"; readonly of: readonly Expression[] }
  | { readonly kind: "not"; readonly of: Expression }
  | Leaf;

/** What reads fields. `match` with `every` wants each test to hold for some value, not for the same one. */
export type Leaf =
  | {
      readonly kind: "match";
      readonly field: FieldPath;
      readonly tests: readonly ValueTest[];
      readonly every: boolean;
    }
  | { readonly kind: "null"; readonly field: FieldPath }
  | { readonly kind: "exists"; readonly field: FieldPath }
  | {
      readonly kind: "fieldref";
      readonly field: FieldPath;
      readonly other: FieldPath;
      readonly comparison: Comparison;
      readonly cased: boolean;
    }
  /** Some one element of the array at `field` satisfies `of`, whose fields are relative to the element. */
  | { readonly kind: "same"; readonly field: FieldPath; readonly of: Expression }
  /** Searches every leaf of the event. */
  | { readonly kind: "keyword"; readonly tests: readonly ValueTest[]; readonly every: boolean };

/** The conjunction, without a needless node. */
export function all(of: readonly Expression[]): Expression {
  return of.length === 1 && of[0] ? of[0] : { kind: "and", of };
}

/** The disjunction, without a needless node. */
export function any(of: readonly Expression[]): Expression {
  return of.length === 1 && of[0] ? of[0] : { kind: "or", of };
}
