import type * as Yaml from "yaml";
import type { Document, LineCounter, Node, YAMLMap } from "yaml";
import type { Problem } from "./problem.ts";

/** Of one document, that are told. */
const MAX_PROBLEMS = 200;
/** Each is looked for among all. */
const MAX_ALIAS_NODES = 10_000;

/**
 * What is wrong with a document that the library has read, with its places: what the library says, and what it lets pass but JSON has not, or what
 * would take too long or too much; the first {@link MAX_PROBLEMS} of them.
 */
export function documentProblems(
  yaml: typeof Yaml,
  document: Document,
  lineCounter: LineCounter,
  maxDepth: number,
): readonly Problem[] {
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
  yaml.visit(document, {
    Node(_key, node, path) {
      const depth = path.filter(yaml.isCollection).length;
      if (depth > maxDepth) {
        report(node, {
          id: "yaml-depth",
          message: `Cannot read YAML nested deeper than ${maxDepth} levels`,
          hint: "Flatten the document",
        });
        return yaml.visit.BREAK;
      }
      if (yaml.isAlias(node)) {
        if (++aliases > MAX_ALIAS_NODES) {
          report(node, {
            id: "yaml-alias",
            message: `Cannot read a YAML document with more than ${MAX_ALIAS_NODES} aliases`,
            hint: "Write the repeated part out instead of using anchors and aliases",
          });
          return yaml.visit.BREAK;
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
      for (const { at, what, hint } of yaml.isMap(node) ? wrongKeys(yaml, node) : []) {
        report(at, { id: "yaml-syntax", message: `Cannot parse YAML: ${what}`, hint });
      }
      if (yaml.isScalar(node) && typeof node.value === "number" && !Number.isFinite(node.value)) {
        report(node, {
          id: "yaml-syntax",
          message: "Cannot parse YAML: it is a number that JSON has not",
          hint: "Write a smaller number, or a text in quotes",
        });
      }
      return undefined;
    },
    Pair(_key, { key, value }) {
      if (yaml.isScalar(key) && typeof key.value === "symbol") {
        const sourceOf = (one: unknown): unknown => (yaml.isAlias(one) ? anchors.get(one.source) : one);
        const merged = sourceOf(value);
        const sources = yaml.isSeq(merged) ? merged.items : [value];
        if (!sources.every((one) => yaml.isMap(sourceOf(one)))) {
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
  return fewProblems(deep.length > 0 ? deep : problems);
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
function wrongKeys(yaml: typeof Yaml, map: YAMLMap): readonly WrongKey[] {
  const seen = new Set<string>();
  return map.items.flatMap(({ key }): readonly WrongKey[] => {
    if (yaml.isCollection(key) || (yaml.isScalar(key) && key.value === null)) {
      return [{ at: key, what: "a key is no text", hint: "Write the key in quotes" }];
    }
    // `<<` is a symbol, and may stand several times.
    if (!yaml.isScalar(key) || typeof key.value === "symbol") {
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

function firstLine(message: string): string {
  return message.split("\n", 1)[0]?.replace(/ at line \d+, column \d+:?$/, "") ?? message;
}
