import type { Comparison } from "../condition/expression.ts";

/** Modifiers that this engine knows, as messages name them. */
export const MODIFIERS =
  "contains, startswith, endswith, all, cased, re (with i, m, s), cidr, exists, fieldref, neq, lt, lte, gt, gte, same";

/** What the modifiers of one item say, put in order. */
export interface ItemMode {
  readonly kind: "pattern" | "re" | "cidr" | "exists" | "fieldref" | "lt" | "lte" | "gt" | "gte" | "same";
  readonly comparison: Comparison;
  readonly every: boolean;
  readonly cased: boolean;
  readonly negated: boolean;
  readonly flags: { readonly ignoreCase: boolean; readonly multiline: boolean; readonly dotAll: boolean };
}

const KINDS: ReadonlySet<string> = new Set(["re", "cidr", "exists", "fieldref", "lt", "lte", "gt", "gte", "same"]);
const COMPARISONS: ReadonlySet<string> = new Set(["contains", "startswith", "endswith"]);
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
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) {
      return `the modifier "${name}" stands twice`;
    }
    seen.add(name);
    if (KINDS.has(name)) {
      if (kind !== "pattern") {
        return `the modifiers "${kind}" and "${name}" exclude each other`;
      }
      kind = name as ItemMode["kind"];
    } else if (COMPARISONS.has(name)) {
      if (comparison !== "equal") {
        return `the modifiers "${comparison}" and "${name}" exclude each other`;
      }
      comparison = name as Comparison;
    } else if (Object.hasOwn(FLAGS, name)) {
      if (!seen.has("re")) {
        return `the modifier "${name}" belongs behind "re"`;
      }
      flags[FLAGS[name] ?? "ignoreCase"] = true;
    } else if (name !== "all" && name !== "cased" && name !== "neq") {
      return `the modifier "${name}" is not known`;
    }
  }
  if (comparison !== "equal" && kind !== "pattern" && kind !== "fieldref") {
    return `the modifiers "${comparison}" and "${kind}" exclude each other`;
  }
  if (seen.has("cased") && kind !== "pattern" && kind !== "fieldref") {
    return `the modifiers "cased" and "${kind}" exclude each other`;
  }
  if (seen.has("all") && (kind === "exists" || kind === "same")) {
    return `the modifiers "all" and "${kind}" exclude each other`;
  }
  return { kind, comparison, every: seen.has("all"), cased: seen.has("cased"), negated: seen.has("neq"), flags };
}
