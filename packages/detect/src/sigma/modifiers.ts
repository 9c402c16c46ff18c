import type { Comparison } from "../condition/expression.ts";
import { isDatePart } from "./date-part.ts";
import type { DatePart } from "./date-part.ts";
import { isTextTransform } from "./encode-value.ts";
import type { TextTransform } from "./encode-value.ts";

/** Modifiers that this engine knows, as messages name them. */
export const MODIFIERS: string =
  "contains, startswith, endswith, all, cased, windash, re (with i, m, s), cidr, exists, fieldref, neq, lt, lte, gt, gte, " +
  "base64, base64offset, utf16le, utf16be, utf16, wide, expand, minute, hour, day, week, month, year, same";

/** What the modifiers of one item say, put in order. */
export interface ItemMode {
  readonly kind: "pattern" | "re" | "cidr" | "exists" | "fieldref" | "lt" | "lte" | "gt" | "gte" | "same";
  readonly comparison: Comparison;
  readonly every: boolean;
  readonly cased: boolean;
  readonly negated: boolean;
  readonly flags: { readonly ignoreCase: boolean; readonly multiline: boolean; readonly dotAll: boolean };
  /** Changes of the value's text, in the order in which they are written. */
  readonly transforms: readonly TextTransform[];
  /** Whether `%name%` in the value is a placeholder. */
  readonly expands: boolean;
  /** The part of a date that the values are compared with. */
  readonly datePart?: DatePart;
}

const KINDS: ReadonlySet<string> = new Set(["re", "cidr", "exists", "fieldref", "lt", "lte", "gt", "gte", "same"]);
const NUMERIC: ReadonlySet<string> = new Set(["pattern", "lt", "lte", "gt", "gte"]);
const COMPARISONS: ReadonlySet<string> = new Set(["contains", "startswith", "endswith"]);
const PLAIN: ReadonlySet<string> = new Set(["all", "cased", "neq", "expand"]);
const FLAGS: Readonly<Record<string, "ignoreCase" | "multiline" | "dotAll">> = {
  i: "ignoreCase",
  m: "multiline",
  s: "dotAll",
};

/** Reads a modifier chain; a string answer says what is wrong with it. */
export function readModifiers(names: readonly string[]): ItemMode | string {
  const flags = { ignoreCase: false, multiline: false, dotAll: false };
  let kind: ItemMode["kind"] = "pattern";
  let comparison: Comparison = "equal";
  let datePart: DatePart | undefined;
  const transforms: TextTransform[] = [];
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) {
      return `the modifier "${name}" stands twice`;
    }
    seen.add(name);
    if (KINDS.has(name)) {
      if (kind !== "pattern") {
        return excludes(kind, name);
      }
      kind = name as ItemMode["kind"];
    } else if (COMPARISONS.has(name)) {
      if (comparison !== "equal") {
        return excludes(comparison, name);
      }
      comparison = name as Comparison;
    } else if (Object.hasOwn(FLAGS, name)) {
      if (!seen.has("re")) {
        return `the modifier "${name}" belongs behind "re"`;
      }
      flags[FLAGS[name] ?? "ignoreCase"] = true;
    } else if (isDatePart(name)) {
      if (datePart !== undefined) {
        return excludes(datePart, name);
      }
      datePart = name;
    } else if (isTextTransform(name)) {
      transforms.push(name);
    } else if (!PLAIN.has(name)) {
      return `the modifier "${name.slice(0, 80)}" is not known`;
    }
  }
  const mode: ItemMode = {
    kind,
    comparison,
    every: seen.has("all"),
    cased: seen.has("cased"),
    negated: seen.has("neq"),
    flags,
    transforms,
    expands: seen.has("expand"),
    ...(datePart !== undefined && { datePart }),
  };
  return conflictIn(mode) ?? mode;
}

function conflictIn({ kind, comparison, every, cased, transforms, expands, datePart }: ItemMode): string | undefined {
  const isText = kind === "pattern" || kind === "fieldref";
  if (comparison !== "equal" && (!isText || datePart !== undefined)) {
    return excludes(comparison, datePart ?? kind);
  }
  if (cased && (!isText || datePart !== undefined)) {
    return excludes("cased", datePart ?? kind);
  }
  if (every && (kind === "exists" || kind === "same")) {
    return excludes("all", kind);
  }
  const [transform] = transforms;
  if (transform !== undefined && (kind !== "pattern" || datePart !== undefined)) {
    return excludes(transform, datePart ?? kind);
  }
  if (datePart !== undefined && !NUMERIC.has(kind)) {
    return excludes(datePart, kind);
  }
  if (expands && (kind === "exists" || kind === "fieldref" || kind === "same")) {
    return excludes("expand", kind);
  }
  return transformConflict(transforms);
}

function transformConflict(transforms: readonly TextTransform[]): string | undefined {
  const base = transforms.findIndex((name) => name === "base64" || name === "base64offset");
  const wide = transforms.filter((name) => name !== "windash" && name !== "base64" && name !== "base64offset");
  if (wide.length > 1) {
    return excludes(wide[0] ?? "", wide[1] ?? "");
  }
  if (wide[0] !== undefined && base < transforms.indexOf(wide[0])) {
    return `the modifier "${wide[0]}" belongs before "base64" or "base64offset"`;
  }
  const behind = base < 0 ? undefined : transforms[base + 1];
  return behind === undefined ? undefined : excludes(transforms[base] ?? "", behind);
}

function excludes(one: string, other: string): string {
  return `the modifiers "${one}" and "${other}" exclude each other`;
}
