import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isJsonObject } from "@auditsieve/audit";
import type { JsonObject, JsonValue } from "@auditsieve/audit";
import { expect, test } from "vitest";
import { configSchema } from "./config-schema.ts";

const file = fileURLToPath(new URL("../../../../docs/auditsieve.schema.json", import.meta.url));

test("the published schema is what the reader reads", () => {
  if (process.env["UPDATE_GOLDEN"] !== undefined) {
    writeFileSync(file, `${JSON.stringify(configSchema(), undefined, 2)}\n`);
  }
  expect(JSON.parse(readFileSync(file, "utf8")), "regenerate with UPDATE_GOLDEN=1, then format").toEqual(
    configSchema(),
  );
});

test("every key of it is told of in the documentation", () => {
  const docs = fileURLToPath(new URL("../../../../docs", import.meta.url));
  const text = globSync("*.md", { cwd: docs })
    .map((name) => readFileSync(join(docs, name), "utf8"))
    .join("\n");
  const words = new Set(text.match(/\w+/g));
  const keys = keysOf(configSchema());
  expect(keys.length).toBeGreaterThan(80);
  expect([...new Set(keys)].filter((key) => !words.has(key))).toEqual([]);
});

test("it knows every type, what each must have, and nothing else", () => {
  const { properties, required } = configSchema() as unknown as {
    properties: Record<
      string,
      { items: { oneOf: readonly { properties: JsonObject; required: readonly string[] }[] } }
    >;
    required: readonly string[];
  };
  expect(required).toEqual(["cluster", "stateFolder", "sources", "sinks"]);
  const entry = (list: string, type: string): { properties: JsonObject; required: readonly string[] } | undefined =>
    properties[list]?.items.oneOf.find((one) => (one.properties["type"] as JsonObject)["const"] === type);
  expect(entry("sinks", "elasticsearch")).toMatchObject({
    required: ["type"],
    additionalProperties: false,
    properties: {
      feed: { enum: ["findings", "kept", "all"], default: "findings" },
      apiKey: { type: "string", description: expect.stringContaining("file:") as unknown },
      requestTimeoutMs: { type: "integer", minimum: 100 },
    },
  });
  // One of path and paths.
  expect(entry("sources", "file")).toMatchObject({
    required: ["type"],
    properties: { path: { type: "string" }, paths: { type: "array", items: { type: "string" } } },
  });
  expect(Object.keys(entry("sinks", "file")?.properties ?? {})).not.toContain("node");
});

/** Names of all properties, at every depth. */
function keysOf(schema: JsonValue): readonly string[] {
  if (Array.isArray(schema)) {
    return (schema as readonly JsonValue[]).flatMap(keysOf);
  }
  if (!isJsonObject(schema)) {
    return [];
  }
  const { properties } = schema;
  return [...(isJsonObject(properties) ? Object.keys(properties) : []), ...Object.values(schema).flatMap(keysOf)];
}
