import { goQuote } from "@auditsieve/audit";
import type { SourceNode } from "@auditsieve/audit";

/** A Go type as encoding/json needs it to know: `name` is how its messages print it. */
export type GoType =
  | { readonly kind: "string" | "bool" | "int64" | "time" | "any"; readonly name: string }
  | { readonly kind: "pointer" | "slice" | "map"; readonly name: string; readonly element: GoType }
  | GoStruct;

/** A Go struct: the keys of its fields are their JSON names. */
export interface GoStruct {
  readonly kind: "struct";
  readonly name: string;
  readonly fields: Readonly<Record<string, GoField>>;
}

/** A field of a Go struct; `embedded` names the struct that it is promoted from. */
export interface GoField {
  readonly type: GoType;
  readonly embedded?: string;
}

/** A decoded value: structs and maps as objects, nil as undefined. */
export type GoData = undefined | string | boolean | number | GoData[] | { [key: string]: GoData };

/** What {@link decodeGo} gives. Strict errors do not keep the value from being used. */
export type GoDecoded =
  | { readonly outcome: "decoded"; readonly value: GoData; readonly strictErrors: readonly StrictError[] }
  | { readonly outcome: "refused"; readonly error: string };

/** A key that the strict decoder complains of. */
export interface StrictError {
  readonly kind: "unknown field" | "duplicate field";
  /** As printed: `rules[0].verb`. */
  readonly path: string;
  readonly steps: readonly (string | number)[];
  /** Verbatim: `unknown field "rules[0].verb"`. */
  readonly text: string;
}

/** Bound of sigs.k8s.io/json on strict errors kept. */
const MAX_STRICT_ERRORS = 100;

/**
 * Decodes a value into a Go type as sigs.k8s.io/json does: case-sensitive keys, the first wrong type is the error,
 * unknown and repeated keys are collected.
 *
 * @see https://github.com/kubernetes-sigs/json/blob/main/internal/golang/encoding/json/decode.go
 */
export function decodeGo(node: SourceNode, type: GoType): GoDecoded {
  const state: State = { error: undefined, strict: new Map(), steps: [], struct: undefined, fields: [] };
  try {
    const value = decode(state, node, type, undefined);
    return state.error === undefined
      ? { outcome: "decoded", value, strictErrors: [...state.strict.values()] }
      : { outcome: "refused", error: state.error };
  } catch (error) {
    if (error instanceof Abort) {
      return { outcome: "refused", error: error.message };
    }
    throw error;
  }
}

/** Thrown where a type's own unmarshaller fails, which ends the decoding at once; never leaves this file. */
class Abort extends Error {}

interface State {
  error: string | undefined;
  readonly strict: Map<string, StrictError>;
  readonly steps: (string | number)[];
  /** Name of the innermost struct and the fields that lead there: what a type error names. */
  struct: string | undefined;
  fields: readonly string[];
}

/** `old` is what an earlier equal key left: Go decodes into it, it does not start anew. */
function decode(state: State, node: SourceNode, type: GoType, old: GoData): GoData {
  if (type.kind === "pointer") {
    return node.kind === "null" ? undefined : decode(state, node, type.element, old);
  }
  if (type.kind === "any") {
    return old;
  }
  if (type.kind === "time") {
    return decodeTime(state, node);
  }
  switch (node.kind) {
    case "null":
      return type.kind === "slice" || type.kind === "map" ? undefined : old;
    case "array":
      return type.kind === "slice" ? decodeSlice(state, node.items, type.element, old) : wrong(state, node, type, old);
    case "object":
      return decodeObject(state, node, type, old);
    case "string":
      return type.kind === "string" ? node.value : wrong(state, node, type, old);
    case "boolean":
      return type.kind === "bool" ? node.value : wrong(state, node, type, old);
    case "number":
    default:
      return type.kind === "int64" ? decodeInteger(state, node.literal, type, old) : wrong(state, node, type, old);
  }
}

function decodeSlice(state: State, items: readonly SourceNode[], element: GoType, old: GoData): GoData {
  const before = Array.isArray(old) ? old : [];
  return items.map((item, index) => {
    state.steps.push(index);
    const value = decode(state, item, element, before[index] ?? zero(element));
    state.steps.pop();
    return value;
  });
}

function decodeObject(state: State, node: SourceNode & { kind: "object" }, type: GoType, old: GoData): GoData {
  if (type.kind !== "struct" && type.kind !== "map") {
    return wrong(state, node, type, old);
  }
  const result: Record<string, GoData> = Object.assign(Object.create(null), isRecord(old) ? old : {});
  const seen = new Set<string>();
  const { struct, fields } = state;
  for (const { key, value } of node.entries) {
    const field: GoField | undefined = type.kind === "struct" ? ownField(type.fields, key) : { type: type.element };
    if (field === undefined) {
      complain(state, "unknown field", key);
      continue;
    }
    if (seen.has(key)) {
      complain(state, "duplicate field", key);
    }
    seen.add(key);
    if (type.kind === "struct") {
      state.struct = type.name.slice(type.name.indexOf(".") + 1);
      state.fields = [...fields, ...(field.embedded === undefined ? [] : [field.embedded]), key];
    }
    state.steps.push(key);
    result[key] = decode(state, value, field.type, type.kind === "map" ? zero(field.type) : result[key]);
    state.steps.pop();
    state.struct = struct;
    state.fields = fields;
  }
  return result;
}

function decodeInteger(state: State, literal: string, type: GoType, old: GoData): GoData {
  const value = /^-?\d+$/.test(literal) ? BigInt(literal) : undefined;
  if (value === undefined || value !== BigInt.asIntN(64, value)) {
    return wrong(state, { kind: `number ${literal}` }, type, old);
  }
  return Number(value);
}

/** metav1.Time: RFC 3339, with its own words for what is none. */
function decodeTime(state: State, node: SourceNode): GoData {
  if (node.kind === "null") {
    return undefined;
  }
  if (node.kind !== "string") {
    throw new Abort(typeError(state, goKind(node.kind), "string"));
  }
  if (!/^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d([.,]\d+)?([Zz]|[-+]\d\d:\d\d)$/.test(node.value)) {
    const quoted = quoteTime(node.value);
    throw new Abort(`parsing time ${quoted} as "2006-01-02T15:04:05Z07:00": cannot parse ${quoted} as "2006"`);
  }
  return node.value;
}

/** Package time quotes byte by byte. */
function quoteTime(text: string): string {
  const bytes = [...Buffer.from(text)].map((byte) => {
    const character = String.fromCodePoint(byte);
    const isPlain = byte >= 0x20 && byte < 0x7f;
    return isPlain ? character.replace(/["\\]/, "\\$&") : `\\x${byte.toString(16).padStart(2, "0")}`;
  });
  return `"${bytes.join("")}"`;
}

function wrong(state: State, node: { readonly kind: string }, type: GoType, old: GoData): GoData {
  state.error ??= typeError(state, goKind(node.kind), type.name);
  return old;
}

function goKind(kind: string): string {
  return kind === "boolean" ? "bool" : kind;
}

function typeError({ struct, fields }: State, found: string, wanted: string): string {
  const into = struct === undefined ? "value" : `struct field ${struct}.${fields.join(".")}`;
  return `json: cannot unmarshal ${found} into Go ${into} of type ${wanted}`;
}

function complain(state: State, kind: StrictError["kind"], key: string): void {
  const steps = [...state.steps, key];
  const path = printPath(steps);
  const text = `${kind} ${goQuote(path)}`;
  if (state.strict.size < MAX_STRICT_ERRORS && !state.strict.has(text)) {
    state.strict.set(text, { kind, path, steps, text });
  }
}

/** `rules[0].verbs[1]` for a path of keys and indexes. */
export function printPath(steps: readonly (string | number)[]): string {
  return steps
    .map((step, index) => (typeof step === "number" ? `[${step}]` : index === 0 ? step : `.${step}`))
    .join("");
}

function ownField(fields: Readonly<Record<string, GoField>>, key: string): GoField | undefined {
  return Object.hasOwn(fields, key) ? fields[key] : undefined;
}

function zero(type: GoType): GoData {
  if (type.kind === "string") {
    return "";
  }
  return type.kind === "bool" ? false : type.kind === "int64" ? 0 : undefined;
}

function isRecord(value: GoData): value is { [key: string]: GoData } {
  return typeof value === "object" && !Array.isArray(value);
}
