import { goQuote } from "./quote.ts";
import { goKeyText, goShortest } from "./scalar.ts";
import type { GoScalar } from "./scalar.ts";
import type { Position } from "../yaml.ts";

/** A JSON value as Go sees it, with the place of each node: numbers stay text, repeated keys stay repeated. */
export type SourceNode =
  | { readonly kind: "null"; readonly position: Position }
  | { readonly kind: "boolean"; readonly value: boolean; readonly position: Position }
  | { readonly kind: "number"; readonly literal: string; readonly position: Position }
  | { readonly kind: "string"; readonly value: string; readonly position: Position }
  | { readonly kind: "array"; readonly items: readonly SourceNode[]; readonly position: Position }
  | { readonly kind: "object"; readonly entries: readonly SourceEntry[]; readonly position: Position };

/** One key of an object. */
export interface SourceEntry {
  readonly key: string;
  readonly keyPosition: Position;
  readonly value: SourceNode;
}

/** Thrown inside the conversion where go-yaml panics; `readGoYaml` turns it into its answer. */
export class Refusal extends Error {}

/** A value as go-yaml holds it: map keys are not yet text. */
export type GoValue =
  | { readonly kind: "scalar"; readonly scalar: GoScalar; readonly position: Position }
  | { readonly kind: "array"; readonly items: readonly GoValue[]; readonly position: Position }
  | { readonly kind: "map"; readonly entries: Map<string, GoEntry>; readonly position: Position };

/** One key of a map with its value. */
export interface GoEntry {
  readonly key: GoScalar;
  readonly keyPosition: Position;
  readonly value: GoValue;
}

/** The second half of sigs.k8s.io/yaml: keys become text, maps are ordered by their bytes as json.Marshal does. */
export function toSource(value: GoValue): SourceNode {
  const { position } = value;
  switch (value.kind) {
    case "array":
      return { kind: "array", items: value.items.map(toSource), position };
    case "map":
      return { kind: "object", entries: toEntries(value.entries), position };
    case "scalar":
    default:
      return scalarToSource(value.scalar, position);
  }
}

function toEntries(entries: ReadonlyMap<string, GoEntry>): SourceEntry[] {
  const named = new Map<string, SourceEntry>();
  for (const { key, keyPosition, value } of entries.values()) {
    const name = goKeyText(key);
    if (name === undefined) {
      const type = key.type === "uint64" ? "uint64" : "%!s(<nil>)";
      const text = key.type === "uint64" ? `0x${BigInt(key.literal).toString(16)}` : goScalarSyntax(key);
      throw new Refusal(`unsupported map key of type: ${type}, key: ${text}, value: ${goSyntax(value)}`);
    }
    named.set(name, { key: name, keyPosition, value: toSource(value) });
  }
  return [...named.values()].sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
}

function scalarToSource(scalar: GoScalar, position: Position): SourceNode {
  switch (scalar.type) {
    case "null":
      return { kind: "null", position };
    case "bool":
      return { kind: "boolean", value: scalar.value, position };
    case "string":
      return { kind: "string", value: scalar.value.toWellFormed(), position };
    case "int":
    case "uint64":
      return { kind: "number", literal: scalar.literal, position };
    case "float":
    default:
      if (!Number.isFinite(scalar.value)) {
        throw new Refusal(`json: unsupported value: ${goScalarSyntax(scalar)}`);
      }
      return { kind: "number", literal: String(scalar.value), position };
  }
}

/** Go's %#v of a decoded value, which its messages about map keys quote. */
export function goSyntax(value: GoValue): string {
  switch (value.kind) {
    case "scalar":
      return goScalarSyntax(value.scalar);
    case "array":
      return `[]interface {}{${value.items.map(innerSyntax).join(", ")}}`;
    case "map":
    default:
      return `map[interface {}]interface {}{${[...value.entries]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, { key, value: inner }]) => `${key.type === "null" ? NESTED_NULL : name}:${innerSyntax(inner)}`)
        .join(", ")}}`;
  }
}

/** A null inside a collection is printed with its type. */
const NESTED_NULL = "interface {}(nil)";

function innerSyntax(value: GoValue): string {
  return value.kind === "scalar" && value.scalar.type === "null" ? NESTED_NULL : goSyntax(value);
}

/** Go's %#v of a scalar. */
export function goScalarSyntax(scalar: GoScalar): string {
  switch (scalar.type) {
    case "null":
      return "<nil>";
    case "bool":
      return String(scalar.value);
    case "int":
    case "uint64":
      return scalar.literal;
    case "string":
      return goQuote(scalar.value);
    case "float":
    default:
      return goFloat(scalar.value);
  }
}

function goFloat(value: number): string {
  if (Number.isFinite(value)) {
    return goShortest(value);
  }
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}
