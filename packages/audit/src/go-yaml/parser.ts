import { Directives } from "./directives.ts";
import { NodeBuilder } from "./node.ts";
import type { GoYamlNode } from "./node.ts";
import { YamlFault } from "./problem.ts";
import type { Mark } from "./problem.ts";
import { GoYamlScanner } from "./scanner.ts";
import type { Token, TokenType } from "./token.ts";

/** What the parser expects next. Those that wait for the end of what is inside them are on a stack. */
type State =
  | "document-end"
  | "block-sequence-entry"
  | "indentless-sequence-entry"
  | "block-mapping-key"
  | "block-mapping-value"
  | "flow-sequence-first"
  | "flow-sequence-entry"
  | "flow-pair-key"
  | "flow-pair-value"
  | "flow-pair-end"
  | "flow-mapping-first"
  | "flow-mapping-key"
  | "flow-mapping-value"
  | "flow-mapping-no-value";

interface Properties {
  readonly anchor: string;
  readonly tag: string;
  readonly mark: Mark;
}

const DOCUMENT_TOKENS: readonly TokenType[] = [
  ...(["yaml-directive", "tag-directive", "document-start", "document-end", "stream-end"] as const),
];

/**
 * The first document of a text as go-yaml composes it, or undefined where there is none. Nothing behind the token
 * that ends the document is looked at.
 *
 * @throws YamlFault in go-yaml's words.
 * @see https://github.com/yaml/go-yaml/blob/v2/parserc.go
 */
export function parseGoYaml(text: string): GoYamlNode | undefined {
  return new Parser(text).document();
}

/** One step a token, and a stack of its own: the nesting that Go allows would overflow a recursive parser. */
class Parser {
  readonly #scanner: GoYamlScanner;
  readonly #builder = new NodeBuilder();
  readonly #waiting: State[] = [];
  readonly #directives = new Directives();
  #state: State = "document-end";

  constructor(text: string) {
    this.#scanner = new GoYamlScanner(text);
  }

  document(): GoYamlNode | undefined {
    const first = this.#peek();
    if (first.type === "stream-end") {
      return undefined;
    }
    const isExplicit = ["yaml-directive", "tag-directive", "document-start"].includes(first.type);
    this.#prologue();
    if (isExplicit) {
      const token = this.#peek();
      if (token.type !== "document-start") {
        throw fault("did not find expected <document start>", token.start);
      }
      this.#scanner.skip();
    }
    this.#waiting.push("document-end");
    if (isExplicit && DOCUMENT_TOKENS.includes(this.#peek().type)) {
      this.#emptyScalar(this.#peek().start, this.#pop());
    } else {
      this.#node(true, false);
    }
    while (this.#state !== "document-end") {
      this.#step(this.#state);
    }
    // What ends the document has to be a token at least.
    this.#peek();
    return this.#builder.root;
  }

  #prologue(): void {
    let token = this.#peek();
    for (; token.type === "yaml-directive" || token.type === "tag-directive"; token = this.#next()) {
      this.#directives.take(token);
    }
  }

  #step(state: Exclude<State, "document-end">): void {
    switch (state) {
      case "block-sequence-entry":
        return this.#blockSequenceEntry();
      case "indentless-sequence-entry":
        return this.#indentlessSequenceEntry();
      case "block-mapping-key":
        return this.#blockMappingKey();
      case "block-mapping-value":
        return this.#blockMappingValue();
      case "flow-sequence-first":
      case "flow-sequence-entry":
        return this.#flowSequenceEntry(state === "flow-sequence-first");
      case "flow-pair-key":
        return this.#flowPairKey();
      case "flow-pair-value":
        return this.#flowValue("flow-pair-end", "flow-sequence-end");
      case "flow-pair-end":
        this.#peek();
        this.#builder.close();
        this.#state = "flow-sequence-entry";
        return;
      case "flow-mapping-first":
      case "flow-mapping-key":
        return this.#flowMappingKey(state === "flow-mapping-first");
      case "flow-mapping-value":
        return this.#flowValue("flow-mapping-key", "flow-mapping-end");
      case "flow-mapping-no-value":
      default:
        return this.#emptyScalar(this.#peek().start, "flow-mapping-key");
    }
  }

  #node(isBlock: boolean, mayBeIndentless: boolean): void {
    const first = this.#peek();
    if (first.type === "alias") {
      this.#state = this.#pop();
      this.#scanner.skip();
      this.#builder.alias(first.value, first.start);
      return;
    }
    const { anchor, tag, mark } = this.#properties(first);
    const token = this.#peek();
    const { type } = token;
    if (mayBeIndentless && type === "block-entry") {
      this.#open("sequence", { anchor, tag, mark }, "indentless-sequence-entry");
    } else if (type === "scalar") {
      this.#state = this.#pop();
      this.#scanner.skip();
      const isImplicit = (tag === "" && token.isPlain) || tag === "!";
      this.#builder.add({ kind: "scalar", mark, tag, value: token.value, isImplicit }, anchor);
    } else if (type === "flow-sequence-start") {
      this.#open("sequence", { anchor, tag, mark }, "flow-sequence-first");
    } else if (type === "flow-mapping-start") {
      this.#open("mapping", { anchor, tag, mark }, "flow-mapping-first");
    } else if (isBlock && type === "block-sequence-start") {
      this.#open("sequence", { anchor, tag, mark }, "block-sequence-entry");
      this.#scanner.skip();
    } else if (isBlock && type === "block-mapping-start") {
      this.#open("mapping", { anchor, tag, mark }, "block-mapping-key");
      this.#scanner.skip();
    } else if (anchor !== "" || tag !== "") {
      this.#state = this.#pop();
      this.#builder.add({ kind: "scalar", mark, tag, value: "", isImplicit: tag === "" }, anchor);
    } else {
      throw fault("did not find expected node content", token.start);
    }
  }

  /** Takes an anchor and a tag, in either order. */
  #properties(first: Token): Properties {
    let anchor = "";
    let tag: Token | undefined;
    let token = first;
    if (token.type === "anchor") {
      anchor = token.value;
      token = this.#next();
    }
    if (token.type === "tag") {
      tag = token;
      token = this.#next();
    }
    if (token.type === "anchor" && tag === first) {
      anchor = token.value;
      this.#next();
    }
    return { anchor, tag: tag === undefined ? "" : this.#directives.longTag(tag), mark: first.start };
  }

  #open(kind: "sequence" | "mapping", { anchor, mark }: Properties, state: State): void {
    this.#state = state;
    this.#builder.open(kind, mark, anchor);
  }

  #blockSequenceEntry(): void {
    const token = this.#peek();
    if (token.type === "block-entry") {
      this.#entry("block-sequence-entry", token.end, ["block-entry", "block-end"]);
    } else if (token.type === "block-end") {
      this.#closeWith();
    } else {
      throw fault("did not find expected '-' indicator", token.start);
    }
  }

  #indentlessSequenceEntry(): void {
    const token = this.#peek();
    if (token.type === "block-entry") {
      this.#entry("indentless-sequence-entry", token.end, ["block-entry", "key", "value", "block-end"]);
    } else {
      this.#builder.close();
      this.#state = this.#pop();
    }
  }

  #entry(state: State, behindDash: Mark, empty: readonly TokenType[]): void {
    const token = this.#next();
    if (empty.includes(token.type)) {
      this.#emptyScalar(behindDash, state);
    } else {
      this.#waiting.push(state);
      this.#node(true, false);
    }
  }

  #blockMappingKey(): void {
    const token = this.#peek();
    if (token.type === "key") {
      this.#blockMappingPart("block-mapping-value", token.end);
    } else if (token.type === "block-end") {
      this.#closeWith();
    } else {
      throw fault("did not find expected key", token.start);
    }
  }

  #blockMappingValue(): void {
    const token = this.#peek();
    if (token.type === "value") {
      this.#blockMappingPart("block-mapping-key", token.end);
    } else {
      this.#emptyScalar(token.start, "block-mapping-key");
    }
  }

  #blockMappingPart(state: State, behindIndicator: Mark): void {
    const token = this.#next();
    if (token.type === "key" || token.type === "value" || token.type === "block-end") {
      this.#emptyScalar(behindIndicator, state);
    } else {
      this.#waiting.push(state);
      this.#node(true, true);
    }
  }

  #flowSequenceEntry(isFirst: boolean): void {
    let token = this.#firstToken(isFirst);
    if (token.type !== "flow-sequence-end") {
      token = this.#behindComma(token, isFirst, "did not find expected ',' or ']'");
      if (token.type === "key") {
        this.#open("mapping", { anchor: "", tag: "", mark: token.start }, "flow-pair-key");
        this.#scanner.skip();
        return;
      }
      if (token.type !== "flow-sequence-end") {
        this.#waiting.push("flow-sequence-entry");
        this.#node(false, false);
        return;
      }
    }
    this.#closeWith();
  }

  #flowPairKey(): void {
    const token = this.#peek();
    if (token.type !== "value" && token.type !== "flow-entry" && token.type !== "flow-sequence-end") {
      this.#waiting.push("flow-pair-value");
      this.#node(false, false);
      return;
    }
    // go-yaml takes the token, whichever it is.
    this.#scanner.skip();
    this.#emptyScalar(token.end, "flow-pair-value");
  }

  #flowMappingKey(isFirst: boolean): void {
    let token = this.#firstToken(isFirst);
    if (token.type !== "flow-mapping-end") {
      token = this.#behindComma(token, isFirst, "did not find expected ',' or '}'");
      if (token.type === "key") {
        const next = this.#next();
        if (next.type !== "value" && next.type !== "flow-entry" && next.type !== "flow-mapping-end") {
          this.#waiting.push("flow-mapping-value");
          this.#node(false, false);
        } else {
          this.#emptyScalar(next.start, "flow-mapping-value");
        }
        return;
      }
      if (token.type !== "flow-mapping-end") {
        this.#waiting.push("flow-mapping-no-value");
        this.#node(false, false);
        return;
      }
    }
    this.#closeWith();
  }

  #firstToken(isFirst: boolean): Token {
    return isFirst ? this.#next() : this.#peek();
  }

  #behindComma(token: Token, isFirst: boolean, problem: string): Token {
    if (isFirst) {
      return token;
    }
    if (token.type !== "flow-entry") {
      throw fault(problem, token.start);
    }
    return this.#next();
  }

  #flowValue(state: State, end: TokenType): void {
    const token = this.#peek();
    let mark = token.start;
    if (token.type === "value") {
      const next = this.#next();
      if (next.type !== "flow-entry" && next.type !== end) {
        this.#waiting.push(state);
        this.#node(false, false);
        return;
      }
      mark = next.start;
    }
    this.#emptyScalar(mark, state);
  }

  #emptyScalar(mark: Mark, state: State): void {
    this.#state = state;
    this.#builder.add({ kind: "scalar", mark, tag: "", value: "", isImplicit: true }, "");
  }

  #closeWith(): void {
    this.#builder.close();
    this.#state = this.#pop();
    this.#scanner.skip();
  }

  #peek(): Token {
    return this.#scanner.peek();
  }

  /** Takes the token at hand and peeks at the one behind it. */
  #next(): Token {
    this.#scanner.skip();
    return this.#scanner.peek();
  }

  #pop(): State {
    return this.#waiting.pop() ?? "document-end";
  }
}

function fault(problem: string, mark: Mark): YamlFault {
  return new YamlFault(problem, "parser", mark);
}
