import { createRequire } from "node:module";
import type * as Yaml from "yaml";
import type { CollectionTag, Document, LineCounter, ScalarTag } from "yaml";
import type { JsonValue } from "./json/json.ts";
import type { Problem } from "./problem.ts";
import { documentProblems } from "./yaml-document-problems.ts";

/** Loaded when the first text is read: most of what reads logs never does, and its 70 files cost 25 ms. */
let library: typeof Yaml | undefined;

function yaml(): typeof Yaml {
  library ??= createRequire(import.meta.url)("yaml") as typeof Yaml;
  return library;
}

/** A place in a text, both 1-based. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One document of a YAML (or JSON) text. */
export interface YamlDocument {
  /** The document as plain JSON values. */
  readonly value: JsonValue;
  /** Position of the node at `path`, or of its nearest existing ancestor. */
  locate(path: readonly (string | number)[]): Position | undefined;
}

/** Bounds against hostile files; the defaults suit policies, detections and configurations. */
export interface YamlLimits {
  /** Most characters of text. Default 4 MiB. */
  readonly maxLength?: number;
  /** Deepest nesting of maps and lists. Default 64. */
  readonly maxDepth?: number;
  /** Most nodes that aliases may expand to, over the whole document. Default 100 (the library's bound). */
  readonly maxAliases?: number;
}

/** What {@link readYaml} gives: every readable document, and every problem with its place. */
export interface YamlText {
  readonly documents: readonly YamlDocument[];
  readonly problems: readonly Problem[];
}

/**
 * Reads a YAML text (YAML 1.2 core schema, whatever version it says it is: `yes` and `on` are strings) into JSON
 * values with positions. A tag of YAML whose values JSON has not (`!!binary`, `!!timestamp`) is an error, one of another
 * language a warning: what stands behind it is read. Problems in the text are returned, all of them; nothing is thrown for bad data.
 *
 * @example
 * const { documents, problems } = readYaml("a:\n  - 1\n");
 * assert.deepEqual(documents[0]?.value, { a: [1] });
 * assert.deepEqual(documents[0]?.locate(["a", 0]), { line: 2, column: 5 });
 * assert.deepEqual(problems, []);
 */
export function readYaml(text: string, limits: YamlLimits = {}): YamlText {
  const { maxLength = 4 * 1024 * 1024, maxDepth = 64, maxAliases = 100 } = limits;
  if (text.length > maxLength) {
    return { documents: [], problems: [tooLarge(maxLength)] };
  }
  const strange = strangeCharacter(text);
  if (strange?.severity === "error") {
    return { documents: [], problems: [strange] };
  }
  const lineCounter = new (yaml().LineCounter)();
  const parsed = parse(text, lineCounter);
  if ("message" in parsed) {
    return { documents: [], problems: [parsed] };
  }
  const documents: YamlDocument[] = [];
  const problems: Problem[] = strange === undefined ? [] : [strange];
  for (const document of parsed) {
    const own = documentProblems(yaml(), document, lineCounter, maxDepth);
    problems.push(...own);
    if (own.some((problem) => problem.severity === "error")) {
      continue;
    }
    try {
      const value = document.toJS({ maxAliasCount: maxAliases }) as JsonValue;
      documents.push({ value, locate: (path) => locate(document, path, lineCounter) });
    } catch (error) {
      problems.push({
        id: "yaml-alias",
        severity: "error",
        ...excessivePlace(document, maxAliases, lineCounter),
        message: `Cannot expand the aliases of the YAML document: ${error instanceof Error ? error.message : String(error)}`,
        hint: "Write the repeated part out instead of using anchors and aliases",
      });
    }
  }
  return { documents, problems };
}

/** The documents, or what is wrong with a text of too many parts: each costs far more than its characters. */
function parse(text: string, lineCounter: LineCounter): readonly Document[] | Problem {
  const { Composer, Lexer, Parser } = yaml();
  const parser = new Parser(lineCounter.addNewLine);
  lineCounter.addNewLine(0);
  // Unique keys are looked for among the problems of a document: the library compares each key with all that stand before it.
  const composer = new Composer({
    lineCounter,
    uniqueKeys: false,
    merge: true,
    logLevel: "silent",
    // Both also for a text that says it is YAML 1.1.
    schema: "core",
    resolveKnownTags: false,
    customTags: (core) => [...core, ...REFUSED_TAGS],
  });
  let excess: Position | undefined;
  const tokens = function* (): ReturnType<typeof parser.parse> {
    let parts = 0;
    for (const part of new Lexer().lex(text)) {
      if (++parts > MAX_PARTS) {
        const { line, col } = lineCounter.linePos(parser.offset);
        excess = { line, column: col };
        return;
      }
      yield* parser.next(part);
    }
    yield* parser.end();
  };
  const documents = [...composer.compose(tokens())];
  return excess === undefined ? documents : tooManyParts(excess);
}

/** The place of the alias with which the document is too much, as the library counts; of one that stands for nothing, that one's. */
function excessivePlace(document: Document, maxAliases: number, lineCounter: LineCounter): Position | undefined {
  const uses = new Map<unknown, { count: number; within: number }>();
  /** Aliases that what an alias stands for holds, each times those in it, along the path on which they are most. */
  const within = (node: unknown): number => {
    if (yaml().isAlias(node)) {
      const source = uses.get(node.resolve(document));
      return source === undefined ? 0 : source.count * source.within;
    }
    if (yaml().isCollection(node)) {
      return node.items.reduce<number>((most, item) => Math.max(most, within(item)), 0);
    }
    return yaml().isPair(node) ? Math.max(within(node.key), within(node.value)) : 1;
  };
  let place: Position | undefined;
  yaml().visit(document, {
    Alias(_key, alias) {
      const source = alias.resolve(document);
      const use = uses.get(source) ?? { count: 1, within: within(source) };
      uses.set(source, use);
      use.count++;
      if (source !== undefined && use.count * use.within <= maxAliases) {
        return undefined;
      }
      const { line, col } = lineCounter.linePos(alias.range?.[0] ?? 0);
      place = { line, column: col };
      return yaml().visit.BREAK;
    },
  });
  return place;
}

/** Tags of YAML whose values JSON has not, as scalars, maps and lists: what is written under them would be read as something else. */
const REFUSED_TAGS: readonly (ScalarTag | CollectionTag)[] = [
  "binary",
  "timestamp",
  "set",
  "omap",
  "pairs",
  "merge",
].flatMap((name) => {
  const tag = `tag:yaml.org,2002:${name}`;
  const refuse = (onError: (message: string) => void): void => {
    onError(`!!${name} is not read: write the value as a text, a number, a list or a map, without the tag`);
  };
  return [
    { tag, resolve: (_text: string, onError) => refuse(onError) } satisfies ScalarTag,
    ...(["map", "seq"] as const).map((collection): CollectionTag => ({
      tag,
      collection,
      resolve: (value, onError) => {
        refuse(onError);
        return value;
      },
    })),
  ];
});
/** Keys, values, signs, spaces and line breaks: 50,000 lines of a list. */
const MAX_PARTS = 300_000;
/** Characters that YAML does not allow as they are, and the one that stands for bytes that are no UTF-8. */
function strangeCharacter(text: string): Problem | undefined {
  // oxlint-disable-next-line no-control-regex -- these are what is looked for
  const found = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe]/.exec(text) ?? /\ufffd/.exec(text);
  if (found === null) {
    return undefined;
  }
  const before = text.slice(0, found.index).split("\n");
  const place = { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
  return found[0] === "\ufffd"
    ? {
        id: "yaml-character",
        severity: "warning",
        ...place,
        message: "Cannot read a part of the YAML text: it is no UTF-8, or was broken before",
        hint: "Save the file as UTF-8",
      }
    : {
        id: "yaml-character",
        severity: "error",
        ...place,
        message: `Cannot read a YAML text with the control character U+${found[0].charCodeAt(0).toString(16).padStart(4, "0").toUpperCase()}`,
        hint: 'Save the file as UTF-8; in double quotes write it as an escape: "\\0"',
      };
}

function locate(
  document: Document,
  path: readonly (string | number)[],
  lineCounter: LineCounter,
): Position | undefined {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    const range =
      yaml().isPair(node) || yaml().isAlias(node) ? undefined : (node as { range?: [number, number, number] })?.range;
    if (range) {
      const { line, col } = lineCounter.linePos(range[0]);
      return { line, column: col };
    }
  }
  return undefined;
}

function tooLarge(maxLength: number): Problem {
  return {
    id: "yaml-too-large",
    severity: "error",
    message: `Cannot read a YAML text of more than ${maxLength} characters`,
    hint: "Split the file",
  };
}

function tooManyParts(place: Position): Problem {
  return {
    id: "yaml-too-large",
    severity: "error",
    ...place,
    message: `Cannot read a YAML text of more than ${MAX_PARTS} parts (keys, values, signs, line breaks): here it has as many`,
    hint: "Split the file",
  };
}
