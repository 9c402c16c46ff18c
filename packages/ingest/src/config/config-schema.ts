import { isJsonObject, readYaml } from "@auditsieve/audit";
import type { JsonObject, JsonValue } from "@auditsieve/audit";
import { ConfigReader } from "./config-reader.ts";
import type { ConfigReferences } from "./config-reader.ts";
import { readRoot } from "./config.ts";

type Path = readonly (string | number)[];
type Schema = JsonObject;

/** One look that the reader took at a configuration. */
interface Read {
  readonly path: Path;
  readonly schema: Schema;
  readonly isRequired: boolean;
  /** Keys of a map. */
  readonly keys?: readonly string[];
}

const REFERENCES: ConfigReferences = {
  env: () => "x",
  readFile: () => "",
  policy: () => "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: Metadata }]",
  detections: () => [],
};
const LISTS = ["sources", "sinks"] as const;

/**
 * JSON Schema of the daemon's configuration, made by watching the reader read: what it looks for is what there is, so the two
 * cannot differ. It says less than the reader, which also knows what excludes what.
 *
 * @example
 * writeFileSync("auditsieve.schema.json", JSON.stringify(configSchema(), undefined, 2));
 */
export function configSchema(): JsonObject {
  const root = { cluster: "c", stateFolder: "s", keys: {}, limits: {}, metrics: {}, quarantine: {}, deadLetters: {} };
  const first = reads({ ...root, sources: [{}], sinks: [{}] });
  const lists = Object.fromEntries(
    LISTS.map((list) => {
      const types = first.find(({ path }) => isPath(path, [list, 0, "type"]))?.schema["enum"] as readonly string[];
      return [
        list,
        { type: "array", minItems: 1, items: { oneOf: types.map((type) => entrySchema(root, list, type)) } },
      ];
    }),
  );
  const top = first.filter(({ path }) => ![...LISTS, "tests"].includes(String(path[0])));
  const schema = objectSchema(top, []);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Configuration of auditsieve ingest",
    ...schema,
    properties: {
      ...(schema["properties"] as JsonObject),
      ...lists,
      detections: { type: "array", items: { type: "string" } },
      exceptions: { type: "array", items: { type: "string" } },
      tests: { type: "array", minItems: 1, items: caseSchema(root) },
    },
    required: [...(schema["required"] as readonly string[]), ...LISTS],
  };
}

/** Schema of an entry of one type: read bare, and once with each of its keys, because a key may stand for another. */
function entrySchema(root: JsonObject, list: (typeof LISTS)[number], type: string): JsonObject {
  const other = list === "sources" ? { sinks: [{}] } : { sources: [{}] };
  const readEntry = (entry: JsonObject): readonly Read[] =>
    reads({ ...root, ...other, [list]: [entry] })
      .filter(({ path }) => path[0] === list && path[1] === 0)
      .map((read) => ({ ...read, path: read.path.slice(2) }));
  const bare = readEntry({ type });
  const keys = bare.find(({ path, keys: known }) => path.length === 0 && known !== undefined)?.keys ?? [];
  const variants = keys.filter((key) => key !== "type").map((key) => readEntry({ type, [key]: sampleOf(bare, key) }));
  const isAlways = ({ path, isRequired }: Read): boolean =>
    isRequired && variants.every((variant) => variant.some((read) => isPath(read.path, path)));
  const merged = [...bare, ...variants.flat()].map((read) => ({ ...read, isRequired: isAlways(read) }));
  const schema = objectSchema(merged, []);
  return { ...schema, properties: { ...(schema["properties"] as JsonObject), type: { const: type } } };
}

function caseSchema(root: JsonObject): JsonObject {
  const sinks = [{ type: "stdout", name: "name" }];
  const all = reads({
    ...root,
    sources: [{ type: "stdin" }],
    sinks,
    tests: [{ name: "n", event: {}, expect: { name: "dropped" } }],
  });
  const ofCase = all.filter(({ path }) => path[0] === "tests" && path[1] === 0);
  const schema = objectSchema(
    ofCase.map((read) => ({ ...read, path: read.path.slice(2) })),
    [],
  );
  const outcome = ofCase.find(({ path }) => path.length === 4 && path[2] === "expect")?.schema ?? {};
  return {
    ...schema,
    properties: {
      ...(schema["properties"] as JsonObject),
      event: { type: "object" },
      line: { type: "string" },
      expect: { type: "object", additionalProperties: outcome },
      findings: { type: "array", items: { type: "string" } },
    },
  };
}

/** A value that the reader takes for `key`; for one that it did not look at, a list. */
function sampleOf(bare: readonly Read[], key: string): JsonValue {
  const { schema, keys } = bare.find(({ path }) => isPath(path, [key])) ?? {};
  if (keys !== undefined) {
    return {};
  }
  const fallback = (schema?.["enum"] as readonly string[] | undefined)?.[0] ?? ["x"];
  const samples: Readonly<Record<string, JsonValue>> = {
    string: schema?.["default"] ?? "x",
    integer: schema?.["minimum"] ?? 1,
    boolean: true,
  };
  const type = schema?.["type"];
  return (typeof type === "string" ? samples[type] : undefined) ?? fallback;
}

function objectSchema(all: readonly Read[], at: Path): JsonObject {
  const keys = all.find(({ path, keys: known }) => isPath(path, at) && known !== undefined)?.keys ?? [];
  const required: string[] = [];
  const properties = Object.fromEntries(
    keys.map((key) => {
      const here = [...at, key];
      const found = all.filter(({ path }) => isPath(path, here));
      if (found.some(({ isRequired }) => isRequired)) {
        required.push(key);
      }
      const map = found.find(({ keys: known }) => known !== undefined);
      return [key, map === undefined ? (found[0]?.schema ?? {}) : objectSchema(all, here)];
    }),
  );
  return { type: "object", additionalProperties: false, properties, required };
}

function reads(document: JsonObject): readonly Read[] {
  const [yaml] = readYaml(JSON.stringify(document)).documents;
  if (yaml === undefined) {
    return [];
  }
  const reader = new RecordingReader(yaml, REFERENCES);
  readRoot(reader, yaml.value, REFERENCES);
  return reader.reads;
}

/** Notes each look; a look that serves another is not noted. */
class RecordingReader extends ConfigReader {
  readonly reads: Read[] = [];
  #depth = 0;

  override object(value: JsonValue | undefined, path: Path, keys: readonly string[]): JsonObject | undefined {
    this.reads.push({ path, schema: { type: "object" }, isRequired: false, keys });
    return isJsonObject(value) ? super.object(value, path, keys) : undefined;
  }

  override list(parent: JsonObject, key: string, path: Path): readonly JsonValue[] {
    return this.#note([...path, key], { type: "array", minItems: 1 }, false, () => super.list(parent, key, path));
  }

  override text(parent: JsonObject, key: string, path: Path, fallback?: string): string | undefined {
    const schema = { type: "string", minLength: 1, ...(fallback !== undefined && { default: fallback }) };
    return this.#note([...path, key], schema, fallback === undefined, () => super.text(parent, key, path, fallback));
  }

  override optional(parent: JsonObject, key: string, path: Path): string | undefined {
    return this.#note([...path, key], { type: "string", minLength: 1 }, false, () => super.optional(parent, key, path));
  }

  override texts(parent: JsonObject, key: string, path: Path): readonly string[] {
    const schema = { type: "array", minItems: 1, items: { type: "string", minLength: 1 } };
    return this.#note([...path, key], schema, false, () => super.texts(parent, key, path));
  }

  override flag(parent: JsonObject, key: string, path: Path, fallback: boolean): boolean {
    const schema = { type: "boolean", default: fallback };
    return this.#note([...path, key], schema, false, () => super.flag(parent, key, path, fallback));
  }

  override secret(parent: JsonObject, key: string, path: Path): string | undefined {
    const description = "May be ${ENV_NAME}, or file:<path> for the content of a file";
    const schema = { type: "string", minLength: 1, description };
    return this.#note([...path, key], schema, false, () => super.secret(parent, key, path));
  }

  override choice<const T extends string>(
    parent: JsonObject,
    key: string,
    path: Path,
    choices: readonly T[],
    fallback?: T,
  ): T | undefined {
    const schema = { enum: choices, ...(fallback !== undefined && { default: fallback }) };
    const read = (): T | undefined => super.choice(parent, key, path, choices, fallback);
    return this.#note([...path, key], schema, fallback === undefined, read);
  }

  override count(parent: JsonObject, key: string, path: Path, least = 1, most?: number): number | undefined {
    const schema = { type: "integer", minimum: least, ...(most !== undefined && { maximum: most }) };
    return this.#note([...path, key], schema, false, () => super.count(parent, key, path, least, most));
  }

  #note<T>(path: Path, schema: Schema, isRequired: boolean, read: () => T): T {
    if (this.#depth === 0) {
      this.reads.push({ path, schema, isRequired });
    }
    this.#depth++;
    try {
      return read();
    } finally {
      this.#depth--;
    }
  }
}

function isPath(path: Path, expected: Path): boolean {
  return path.length === expected.length && path.every((step, i) => step === expected[i]);
}
