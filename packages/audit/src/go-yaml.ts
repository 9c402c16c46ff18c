import { Composer, isAlias, isCollection, isMap, isScalar, isSeq, LineCounter, Parser } from "yaml";
import type { Alias, Document, ParsedNode } from "yaml";
import { goSyntaxProblem } from "./go-yaml-problem.ts";
import { resolveGoScalar } from "./go-yaml-scalar.ts";
import type { GoScalar } from "./go-yaml-scalar.ts";
import { goScalarSyntax, goSyntax, Refusal, toSource } from "./go-yaml-value.ts";
import type { GoEntry, GoValue, SourceNode } from "./go-yaml-value.ts";
import type { Position } from "./yaml.ts";

/** What {@link readGoYaml} gives. */
export type GoYaml =
  /** `strictError` is what the strict reader adds (keys set twice); the value is that of the lenient one. */
  | { readonly outcome: "read"; readonly root: SourceNode; readonly strictError: string | undefined }
  | { readonly outcome: "refused"; readonly error: string; readonly position: Position | undefined };

/**
 * Reads the first document of a YAML text as Kubernetes does (sigs.k8s.io/yaml over go-yaml v2): YAML 1.1 words such
 * as `yes` are booleans, the last of two equal keys wins, merge keys are followed, keys come in byte order.
 * Refusals carry Go's own words; for text that is no YAML at all, the line is right and the words are close.
 *
 * @example
 * const result = readGoYaml("verbs: [get, on]\n");
 * assert.equal(result.outcome, "read");
 */
export function readGoYaml(text: string): GoYaml {
  const lines = new LineCounter();
  const source = text.startsWith("\uFEFF") ? text.slice(1) : text;
  // oxlint-disable-next-line no-control-regex -- go-yaml refuses exactly these before it reads a token
  if (/[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F\u0080-\u0084\u0086-\u009F\uFFFE\uFFFF]/.test(source)) {
    return { outcome: "refused", error: "yaml: control characters are not allowed", position: undefined };
  }
  const document = firstDocument(source, lines);
  if (document === undefined || typeof document === "string") {
    const root: SourceNode = { kind: "null", position: { line: 1, column: 1 } };
    return document === undefined
      ? { outcome: "read", root, strictError: undefined }
      : { outcome: "refused", error: document, position: undefined };
  }
  const end = endOfReading(document, source);
  const broken = document.errors.filter(({ code, pos }) => pos[0] < end || code !== "UNEXPECTED_TOKEN");
  if (broken.length > 0) {
    return { outcome: "refused", ...goSyntaxProblem(broken, source, lines) };
  }
  return new Conversion(lines).document(document);
}

function firstDocument(text: string, lines: LineCounter): Document.Parsed | string | undefined {
  const composer = new Composer({
    strict: false,
    schema: "failsafe",
    uniqueKeys: false,
    merge: false,
    logLevel: "silent",
  });
  try {
    for (const document of composer.compose(new Parser(lines.addNewLine).parse(text))) {
      return document;
    }
  } catch (error) {
    if (error instanceof RangeError) {
      return "yaml: exceeded max depth of 10000";
    }
    throw error;
  }
  return undefined;
}

/**
 * Where go-yaml stops reading: behind the mark that ends the document, or behind a scalar or flow collection that is
 * all of the document. What follows is no longer its business, unless a colon makes a key of it.
 */
function endOfReading({ contents, directives, range }: Document.Parsed, text: string): number {
  const isWhole = isScalar(contents) || (isCollection(contents) && contents.flow === true);
  if (isWhole && contents.range && contents.range[0] < contents.range[1]) {
    const end = contents.range[1];
    const line = /^[^\n]*/.exec(text.slice(end))?.[0] ?? "";
    return /:(\s|$)/.test(line) ? text.length + 1 : end;
  }
  return directives.docEnd ? range[2] : text.length + 1;
}

class Conversion {
  readonly #lines: LineCounter;
  readonly #anchors = new Map<string, ParsedNode>();
  readonly #targets = new Map<Alias, ParsedNode>();
  readonly #open = new Set<Alias>();
  readonly #duplicates: string[] = [];
  #decoded = 0;
  #aliased = 0;
  #depth = 0;

  constructor(lines: LineCounter) {
    this.#lines = lines;
  }

  document(document: Document.Parsed): GoYaml {
    try {
      const start = { line: 1, column: 1 };
      this.#bind(document.contents);
      const root = toSource(this.#value(document.contents, start));
      const strictError =
        this.#duplicates.length > 0 ? `yaml: unmarshal errors:\n  ${this.#duplicates.join("\n  ")}` : undefined;
      return { outcome: "read", root, strictError };
    } catch (error) {
      if (error instanceof Refusal) {
        return { outcome: "refused", error: error.message, position: undefined };
      }
      throw error;
    }
  }

  /** Binds aliases in text order, before anything is decoded: an anchor may be set again further down. */
  #bind(node: ParsedNode | null): void {
    if (node === null) {
      return;
    }
    if (isAlias(node)) {
      const target = this.#anchors.get(node.source);
      if (target === undefined) {
        throw new Refusal(`yaml: unknown anchor '${node.source}' referenced`);
      }
      this.#targets.set(node, target);
      return;
    }
    if (node.anchor !== undefined) {
      this.#anchors.set(node.anchor, node);
    }
    if (isSeq(node)) {
      for (const item of node.items) {
        this.#bind(item);
      }
    } else if (isMap(node)) {
      for (const { key, value } of node.items) {
        this.#bind(key);
        this.#bind(value);
      }
    }
  }

  #value(node: ParsedNode | null, fallback: Position): GoValue {
    this.#count();
    const position = this.#position(node, fallback);
    if (node === null) {
      return { kind: "scalar", scalar: { type: "null" }, position };
    }
    if (isAlias(node)) {
      return this.#throughAlias(node, (target) => this.#value(target, position));
    }
    if (isSeq(node)) {
      return { kind: "array", items: node.items.map((item) => this.#value(item, position)), position };
    }
    if (isMap(node)) {
      const entries = new Map<string, GoEntry>();
      this.#fill(entries, node, position);
      return { kind: "map", entries, position };
    }
    return { kind: "scalar", scalar: scalarOf(node), position };
  }

  #fill(entries: Map<string, GoEntry>, node: ParsedNode, position: Position): void {
    if (!isMap(node)) {
      return;
    }
    for (const { key, value } of node.items as { key: ParsedNode | null; value: ParsedNode | null }[]) {
      const keyPosition = this.#position(key, position);
      if (isMergeKey(key)) {
        this.#merge(entries, value, keyPosition);
        continue;
      }
      const decoded = this.#value(key, keyPosition);
      if (decoded.kind !== "scalar") {
        throw new Refusal(`yaml: invalid map key: ${goSyntax(decoded)}`);
      }
      const entry = { key: decoded.scalar, keyPosition, value: this.#value(value, keyPosition) };
      const name = goScalarSyntax(decoded.scalar);
      if (entries.has(name)) {
        const line = this.#position(value, keyPosition).line;
        this.#duplicates.push(`line ${line}: key ${name} already set in map`);
      }
      entries.set(name, entry);
    }
  }

  /** Merged keys overwrite what stands before `<<` and are overwritten by what follows. */
  #merge(entries: Map<string, GoEntry>, node: ParsedNode | null, position: Position): void {
    const sources = isSeq(node) ? node.items.toReversed() : [node];
    for (const source of sources as (ParsedNode | null)[]) {
      const target = isAlias(source) ? this.#targets.get(source) : source;
      if (!target || !isMap(target)) {
        throw new Refusal("yaml: map merge requires map or sequence of maps as the value");
      }
      this.#count();
      if (isAlias(source)) {
        this.#throughAlias(source, (map) => {
          this.#count();
          this.#fill(entries, map, position);
        });
      } else {
        this.#fill(entries, target, position);
      }
    }
  }

  #throughAlias<T>(alias: Alias, decode: (target: ParsedNode) => T): T {
    const target = this.#targets.get(alias);
    if (target === undefined || this.#open.has(alias)) {
      throw new Refusal(`yaml: anchor '${alias.source}' value contains itself`);
    }
    this.#open.add(alias);
    this.#depth += 1;
    const result = decode(target);
    this.#depth -= 1;
    this.#open.delete(alias);
    return result;
  }

  /** The bound that go-yaml sets against alias bombs. */
  #count(): void {
    this.#decoded += 1;
    this.#aliased += this.#depth > 0 ? 1 : 0;
    const scale = Math.min(Math.max((this.#decoded - 400_000) / 3_600_000, 0), 1);
    if (this.#aliased > 100 && this.#decoded > 1000 && this.#aliased / this.#decoded > 0.99 - 0.89 * scale) {
      throw new Refusal("yaml: document contains excessive aliasing");
    }
  }

  #position(node: ParsedNode | null, fallback: Position): Position {
    if (!node?.range) {
      return fallback;
    }
    const { line, col } = this.#lines.linePos(node.range[0]);
    return { line, column: col };
  }
}

function isMergeKey(key: ParsedNode | null): boolean {
  return (
    isScalar(key) &&
    key.value === "<<" &&
    (key.tag === "tag:yaml.org,2002:merge" || (key.tag === undefined && key.type === "PLAIN"))
  );
}

function scalarOf(node: ParsedNode): GoScalar {
  if (!isScalar(node)) {
    return { type: "null" };
  }
  // Not `value`: the library has already resolved tags that it knows.
  const text = node.source ?? "";
  const isUntaggedText = node.tag === undefined && node.type !== undefined && node.type !== "PLAIN";
  if (isUntaggedText) {
    return { type: "string", value: text };
  }
  const resolved = resolveGoScalar(node.tag === "!" ? "" : (node.tag ?? ""), text);
  if (typeof resolved === "string") {
    throw new Refusal(`yaml: ${resolved}`);
  }
  return resolved;
}
