import { execFile } from "node:child_process";
import { cp, mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ENGINES } from "../engine-cache.ts";

/** Kibana's query language, as Kibana 7 reads it. */
export interface Kql {
  /** The query that Elasticsearch is asked; throws, with the place, where the text is none. */
  toQuery(text: string): object;
  /** Fields that a query asks for; null of what is looked for in any. */
  fieldsOf(text: string): readonly (string | null)[];
}

interface KqlNode {
  readonly type: string;
  readonly value?: string | null;
  readonly function?: string;
  readonly arguments?: readonly KqlNode[];
}

interface Library {
  fromKueryExpression(text: string): KqlNode;
  toElasticsearchQuery(node: KqlNode): object;
}

const SOURCES = fileURLToPath(new URL(".", import.meta.url));
const run = promisify(execFile);

/** Installs Kibana's own package, in the versions of package-lock.json, and loads it. */
export async function loadKql(cacheFolder: string = join(ENGINES, "kql")): Promise<Kql> {
  await mkdir(cacheFolder, { recursive: true });
  for (const file of ["package.json", "package-lock.json"]) {
    await cp(join(SOURCES, file), join(cacheFolder, file));
  }
  await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: cacheFolder });
  const library = createRequire(join(cacheFolder, "package.json"))("@cybernetex/kbn-es-query") as Library;
  const fieldsIn = (node: KqlNode): readonly (string | null)[] => {
    const [first, ...rest] = node.arguments ?? [];
    const isOfField = node.function === "is" || node.function === "range" || node.function === "exists";
    return isOfField ? [first?.value ?? null] : [...(first ? [first] : []), ...rest].flatMap(fieldsIn);
  };
  return {
    toQuery: (text) => library.toElasticsearchQuery(library.fromKueryExpression(text)),
    fieldsOf: (text) => fieldsIn(library.fromKueryExpression(text)),
  };
}
