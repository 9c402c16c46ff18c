import { createRequire } from "node:module";
import type * as Yaml from "yaml";
import type { CollectionTag, Document, LineCounter, Node, ScalarTag, YAMLMap } from "yaml";
import type { JsonValue } from "./json/json.ts";
import type { Problem } from "./problem.ts";

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
    return { documents: [], problems: [tooLarge(text.length, maxLength)] };
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
    const own = fewProblems(documentProblems(document, lineCounter, maxDepth));
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
  // Unique keys are looked for below: the library compares each key with all that stand before it.
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

function documentProblems(document: Document, lineCounter: LineCounter, maxDepth: number): Problem[] {
  const problems: Problem[] = document.errors.map((error) => {
    const { line, col } = lineCounter.linePos(error.pos[0]);
    return {
      id: "yaml-syntax",
      severity: "error",
      line,
      column: col,
      message: `Cannot parse YAML: ${firstLine(error.message)}`,
    };
  });
  for (const { pos, message } of document.warnings) {
    const { line, col } = lineCounter.linePos(pos[0]);
    problems.push({
      id: "yaml-tag",
      severity: "warning",
      line,
      column: col,
      message: `Cannot make sense of a part of the YAML, which is read without it: ${firstLine(message)}`,
      hint: "Remove the tag",
    });
  }
  let aliases = 0;
  const anchors = new Map<string, Node>();
  const report = (node: { range?: readonly number[] | null }, problem: Omit<Problem, "severity">): void => {
    const { line, col } = lineCounter.linePos(node.range?.[0] ?? 0);
    problems.push({ ...problem, severity: "error", line, column: col });
  };
  yaml().visit(document, {
    Node(_key, node, path) {
      const depth = path.filter(yaml().isCollection).length;
      if (depth > maxDepth) {
        report(node, {
          id: "yaml-depth",
          message: `Cannot read YAML nested deeper than ${maxDepth} levels`,
          hint: "Flatten the document",
        });
        return yaml().visit.BREAK;
      }
      if (yaml().isAlias(node)) {
        if (++aliases > MAX_ALIAS_NODES) {
          report(node, {
            id: "yaml-alias",
            message: `Cannot read a YAML document with more than ${MAX_ALIAS_NODES} aliases`,
            hint: "Write the repeated part out instead of using anchors and aliases",
          });
          return yaml().visit.BREAK;
        }
        const source = anchors.get(node.source);
        if (source !== undefined && path.includes(source)) {
          report(node, {
            id: "yaml-alias",
            message: "Cannot expand an alias that stands for what it is in",
            hint: "Write the repeated part out instead of using anchors and aliases",
          });
        }
      } else if (node.anchor !== undefined) {
        anchors.set(node.anchor, node);
      }
      for (const { at, what, hint } of yaml().isMap(node) ? wrongKeys(node) : []) {
        report(at, { id: "yaml-syntax", message: `Cannot parse YAML: ${what}`, hint });
      }
      if (yaml().isScalar(node) && typeof node.value === "number" && !Number.isFinite(node.value)) {
        report(node, {
          id: "yaml-syntax",
          message: "Cannot parse YAML: it is a number that JSON has not",
          hint: "Write a smaller number, or a text in quotes",
        });
      }
      return undefined;
    },
    Pair(_key, { key, value }) {
      if (yaml().isScalar(key) && typeof key.value === "symbol") {
        const sourceOf = (one: unknown): unknown => (yaml().isAlias(one) ? anchors.get(one.source) : one);
        const merged = sourceOf(value);
        const sources = yaml().isSeq(merged) ? merged.items : [value];
        if (!sources.every((one) => yaml().isMap(sourceOf(one)))) {
          report(key, {
            id: "yaml-alias",
            message: "Cannot merge under << what is no map",
            hint: "Merge maps, or aliases of maps",
          });
        }
      }
    },
  });
  // Of what is too deep the library says that its stack is full, and what of the rest it could not read.
  const deep = problems.filter(({ id }) => id === "yaml-depth");
  return deep.length > 0 ? deep : problems;
}

/** A text that is no YAML at all is wrong at each of its lines: nobody reads more than some. */
function fewProblems(problems: readonly Problem[]): readonly Problem[] {
  return problems.length <= MAX_PROBLEMS
    ? problems
    : [
        ...problems.slice(0, MAX_PROBLEMS),
        {
          id: "yaml-too-many",
          severity: "error",
          message: `Cannot read the YAML document: it has more problems than these ${MAX_PROBLEMS}`,
          hint: "Correct these first",
        },
      ];
}

/** A key that cannot stand where it does. */
interface WrongKey {
  readonly at: Node;
  readonly what: string;
  readonly hint: string;
}

/** Each key that a map has had before, by the text that it becomes, and each that would become a text of its own making. */
function wrongKeys(map: YAMLMap): readonly WrongKey[] {
  const seen = new Set<string>();
  return map.items.flatMap(({ key }): readonly WrongKey[] => {
    if (yaml().isCollection(key) || (yaml().isScalar(key) && key.value === null)) {
      return [{ at: key, what: "a key is no text", hint: "Write the key in quotes" }];
    }
    // `<<` is a symbol, and may stand several times.
    if (!yaml().isScalar(key) || typeof key.value === "symbol") {
      return [];
    }
    const text = String(key.value);
    const isRepeated = seen.has(text);
    seen.add(text);
    return isRepeated
      ? [{ at: key, what: "Map keys must be unique", hint: "Remove one of the two, or give it another name" }]
      : [];
  });
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
/** Of one document, that are told. */
const MAX_PROBLEMS = 200;
/** Keys, values, signs, spaces and line breaks: 50,000 lines of a list. */
const MAX_PARTS = 300_000;
/** Each is looked for among all. */
const MAX_ALIAS_NODES = 10_000;

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

function tooLarge(length: number, maxLength: number): Problem {
  return {
    id: "yaml-too-large",
    severity: "error",
    message: `Cannot read a YAML text of ${length} characters: at most ${maxLength} are allowed`,
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

function firstLine(message: string): string {
  return message.split("\n", 1)[0]?.replace(/ at line \d+, column \d+:?$/, "") ?? message;
}
