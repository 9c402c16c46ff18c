import * as field from "./field.ts";

/** The top-level fields of a Secret that a patch may set without setting a secret. */
const OPEN_FIELDS: ReadonlySet<string> = new Set(["metadata", "type", "immutable", "kind", "apiVersion"]);

/**
 * What the value of a JSON patch operation is by its path: to be replaced as a whole, a credential when it is a scalar
 * outside of a ConfigMap, a command's arguments, or to be searched like any other.
 */
export function judgePointer(
  path: string,
  fields: field.FieldTable,
  isSecret: boolean,
): "whole" | "credential" | "arguments" | "search" {
  const parts = path.split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  const meanings = parts.map((part) => fields.of(part));
  if (meanings.includes(field.WHOLE) || meanings.includes(field.STRING_DATA)) return "whole";
  if (isSecret && path !== "" && (meanings.includes(field.DATA) || !OPEN_FIELDS.has(parts[1] ?? ""))) return "whole";
  const last = meanings.at(-1);
  // Which variable it is stands in the object that the patch does not show.
  if (last === field.CREDENTIAL || (last === field.VALUE && parts.includes("env"))) return "credential";
  return last === field.ARGUMENTS || meanings.at(-2) === field.ARGUMENTS ? "arguments" : "search";
}
