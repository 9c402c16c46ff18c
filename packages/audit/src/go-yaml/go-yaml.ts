import type { GoYamlNode } from "./node.ts";
import { parseGoYaml } from "./parser.ts";
import { describeFault, positionOf, YamlFault } from "./problem.ts";
import { resolveGoScalar } from "./scalar.ts";
import type { GoScalar } from "./scalar.ts";
import { goScalarSyntax, goSyntax, Refusal, toSource } from "./value.ts";
import type { GoEntry, GoValue, SourceNode } from "./value.ts";
import type { Position } from "../yaml.ts";

/** What {@link readGoYaml} gives. */
export type GoYaml =
  /** `strictError` is what the strict reader adds (keys set twice); the value is that of the lenient one. */
  | { readonly outcome: "read"; readonly root: SourceNode; readonly strictError: string | undefined }
  | { readonly outcome: "refused"; readonly error: string; readonly position: Position | undefined };

/**
 * Reads the first document of a YAML text as Kubernetes does (sigs.k8s.io/yaml over go-yaml v2): YAML 1.1, whose `yes`
 * is a boolean; the last of two equal keys wins, merge keys are followed, keys come in byte order. What Go refuses is
 * refused, in its own words.
 *
 * @example
 * const result = readGoYaml("verbs: [get, on]\n");
 * assert.equal(result.outcome, "read");
 */
export function readGoYaml(text: string): GoYaml {
  try {
    const document = parseGoYaml(text);
    if (document === undefined) {
      const root: SourceNode = { kind: "null", position: { line: 1, column: 1 } };
      return { outcome: "read", root, strictError: undefined };
    }
    return new Conversion().document(document);
  } catch (error) {
    if (error instanceof YamlFault) {
      return { outcome: "refused", ...describeFault(error) };
    }
    if (error instanceof Refusal) {
      return { outcome: "refused", error: error.message, position: undefined };
    }
    if (error instanceof RangeError) {
      // Nested further than the stack here allows: Go's is larger, but its JSON reader has the same bound.
      return { outcome: "refused", error: "yaml: exceeded max depth of 10000", position: undefined };
    }
    throw error;
  }
}

class Conversion {
  readonly #open = new Set<GoYamlNode>();
  readonly #duplicates: string[] = [];
  #decoded = 0;
  #aliased = 0;
  #depth = 0;

  document(node: GoYamlNode): GoYaml {
    const root = toSource(this.#value(node));
    const strictError =
      this.#duplicates.length > 0 ? `yaml: unmarshal errors:\n  ${this.#duplicates.join("\n  ")}` : undefined;
    return { outcome: "read", root, strictError };
  }

  #value(node: GoYamlNode): GoValue {
    this.#count();
    const position = positionOf(node.mark);
    switch (node.kind) {
      case "alias":
        return { ...this.#throughAlias(node, (target) => this.#value(target)), position };
      case "sequence":
        return { kind: "array", items: node.children.map((item) => this.#value(item)), position };
      case "mapping": {
        const entries = new Map<string, GoEntry>();
        this.#fill(entries, node);
        return { kind: "map", entries, position };
      }
      case "scalar":
      default:
        return { kind: "scalar", scalar: scalarOf(node), position };
    }
  }

  #fill(entries: Map<string, GoEntry>, map: GoYamlNode & { kind: "mapping" }): void {
    const { children } = map;
    for (let at = 0; at + 1 < children.length; at += 2) {
      const key = children[at]!;
      const value = children[at + 1]!;
      if (isMergeKey(key)) {
        this.#merge(entries, value);
        continue;
      }
      const decoded = this.#value(key);
      if (decoded.kind !== "scalar") {
        throw new Refusal(`yaml: invalid map key: ${goSyntax(decoded)}`);
      }
      const entry = { key: decoded.scalar, keyPosition: decoded.position, value: this.#value(value) };
      const name = goScalarSyntax(decoded.scalar);
      if (entries.has(name)) {
        this.#duplicates.push(`line ${positionOf(value.mark).line}: key ${name} already set in map`);
      }
      entries.set(name, entry);
    }
  }

  /** Merged keys overwrite what stands before `<<` and are overwritten by what follows. */
  #merge(entries: Map<string, GoEntry>, node: GoYamlNode): void {
    const sources = node.kind === "sequence" ? node.children.toReversed() : [node];
    for (const source of sources) {
      const map = source.kind === "alias" ? source.target : source;
      if (map.kind !== "mapping") {
        throw new Refusal("yaml: map merge requires map or sequence of maps as the value");
      }
      this.#count();
      if (source.kind === "alias") {
        this.#throughAlias(source, () => {
          this.#count();
          this.#fill(entries, map);
        });
      } else {
        this.#fill(entries, map);
      }
    }
  }

  #throughAlias<T>(alias: GoYamlNode & { kind: "alias" }, decode: (target: GoYamlNode) => T): T {
    if (this.#open.has(alias)) {
      throw new Refusal(`yaml: anchor '${alias.name}' value contains itself`);
    }
    this.#open.add(alias);
    this.#depth += 1;
    const result = decode(alias.target);
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
}

function isMergeKey(key: GoYamlNode): boolean {
  return key.kind === "scalar" && key.value === "<<" && (key.isImplicit || key.tag === "tag:yaml.org,2002:merge");
}

function scalarOf({ tag, value, isImplicit }: GoYamlNode & { kind: "scalar" }): GoScalar {
  if (tag === "" && !isImplicit) {
    return { type: "string", value };
  }
  const resolved = resolveGoScalar(tag, value);
  if (typeof resolved === "string") {
    throw new Refusal(`yaml: ${resolved}`);
  }
  return resolved;
}
