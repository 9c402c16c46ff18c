import { GoYamlCursor } from "./cursor.ts";
import { YamlFault } from "./problem.ts";
import type { Mark } from "./problem.ts";
import { scanAnchor, scanDirective, scanTag } from "./property.ts";
import { scanBlock, scanPlain, scanQuoted } from "./scalar-text.ts";
import type { Token, TokenType } from "./token.ts";

const MAX_DEPTH = 10_000;
/** A key without `?` ends on its line, and so soon. */
const MAX_SIMPLE_KEY = 1024;

/** A place where a key may have begun: only its colon will tell. */
interface SimpleKey {
  isPossible: boolean;
  /** Whether nothing but a key can stand there. */
  readonly isRequired: boolean;
  /** Number of its first token, counted from the start of the text. */
  readonly token: number;
  readonly mark: Mark;
}

/**
 * Cuts a text into tokens as go-yaml does: YAML 1.1, and no further ahead than the parser asks, so that what is wrong
 * behind the end of the first document is never seen.
 *
 * @see https://github.com/yaml/go-yaml/blob/v2/scannerc.go
 */
export class GoYamlScanner {
  readonly #cursor: GoYamlCursor;
  #queue: Token[] = [];
  /** Tokens that have been taken. */
  #taken = 0;
  #isReady = false;
  #indent = -1;
  readonly #indents: number[] = [];
  #flowLevel = 0;
  #isKeyAllowed = true;
  /** By flow level; those that may stand in the queue also by their token. */
  readonly #keys: SimpleKey[];
  readonly #keyLevelByToken = new Map<number, number>();

  constructor(text: string) {
    this.#cursor = new GoYamlCursor(text);
    this.#keys = [{ isPossible: false, isRequired: false, token: -1, mark: this.#cursor.mark }];
  }

  /** The next token, which stays. */
  peek(): Token {
    if (!this.#isReady) {
      this.#fetchUntilSettled();
      this.#isReady = true;
    }
    return this.#queue[0]!;
  }

  /** Takes the token that was peeked at. */
  skip(): void {
    this.#queue.shift();
    this.#taken += 1;
    this.#isReady = false;
  }

  /** A token at the head of the queue is settled once it is known whether a key begins with it. */
  #fetchUntilSettled(): void {
    for (;;) {
      if (this.#queue.length > 0) {
        const level = this.#keyLevelByToken.get(this.#taken);
        if (level === undefined || !this.#isStillKey(this.#keys[level])) {
          return;
        }
      }
      this.#fetch();
    }
  }

  #fetch(): void {
    const cursor = this.#cursor;
    cursor.need(1);
    this.#skipToToken();
    this.#closeBlocks(cursor.column);
    cursor.need(4);
    if (cursor.isEnd()) {
      this.#fetchStreamEnd();
    } else if (cursor.column === 0 && cursor.peek() === "%") {
      this.#fetchAtMargin(() => ({ ...scanDirective(cursor), isPlain: false }));
    } else if (cursor.isDocumentMark("---")) {
      this.#fetchAtMargin(() => this.#indicator("document-start", 3));
    } else if (cursor.isDocumentMark("...")) {
      this.#fetchAtMargin(() => this.#indicator("document-end", 3));
    } else {
      this.#fetchInLine(cursor.peek());
    }
  }

  #fetchInLine(first: string): void {
    const cursor = this.#cursor;
    const isFlow = this.#flowLevel > 0;
    const isApart = cursor.isBlankOrEnd(1);
    if (first === "[" || first === "{") {
      this.#openFlow(first === "[" ? "flow-sequence-start" : "flow-mapping-start");
    } else if (first === "]" || first === "}") {
      this.#closeFlow(first === "]" ? "flow-sequence-end" : "flow-mapping-end");
    } else if (first === ",") {
      this.#forgetKey();
      this.#isKeyAllowed = true;
      this.#add(() => this.#indicator("flow-entry"));
    } else if (first === "-" && isApart) {
      this.#fetchBlockEntry();
    } else if (first === "?" && (isFlow || isApart)) {
      this.#fetchKey();
    } else if (first === ":" && (isFlow || isApart)) {
      this.#fetchValue();
    } else {
      this.#fetchContent(first, isFlow);
    }
  }

  #fetchContent(first: string, isFlow: boolean): void {
    const cursor = this.#cursor;
    if (first === "*" || first === "&") {
      this.#fetchKeyable(() => ({ ...scanAnchor(cursor), isPlain: false }));
    } else if (first === "!") {
      this.#fetchKeyable(() => ({ ...scanTag(cursor), isPlain: false }));
    } else if ((first === "|" || first === ">") && !isFlow) {
      this.#forgetKey();
      this.#isKeyAllowed = true;
      this.#add(() => this.#scalar(scanBlock(cursor, this.#indent), false));
    } else if (first === "'" || first === '"') {
      this.#fetchKeyable(() => this.#scalar(scanQuoted(cursor), false));
    } else if (this.#mayStartPlain(first, isFlow)) {
      this.#fetchKeyable(() => {
        const text = scanPlain(cursor, this.#indent + 1, isFlow);
        this.#isKeyAllowed = text.endsLine;
        return this.#scalar(text, true);
      });
    } else {
      throw this.#fault("found character that cannot start any token");
    }
  }

  #mayStartPlain(first: string, isFlow: boolean): boolean {
    if (first === "-") {
      return !this.#cursor.isBlank(1);
    }
    if (first === "?" || first === ":") {
      return !isFlow && !this.#cursor.isBlankOrEnd(1);
    }
    return !this.#cursor.isBlankOrEnd() && !",[]{}#&*!|>'\"%@`".includes(first);
  }

  #skipToToken(): void {
    const cursor = this.#cursor;
    for (;;) {
      cursor.need(1);
      if (cursor.isByteOrderMark()) {
        cursor.skip();
      }
      cursor.need(1);
      // Where a key may begin, a tab would be its indentation.
      while (cursor.peek() === " " || ((this.#flowLevel > 0 || !this.#isKeyAllowed) && cursor.peek() === "\t")) {
        cursor.skip();
        cursor.need(1);
      }
      cursor.skipComment();
      if (!cursor.isBreak()) {
        return;
      }
      cursor.need(2);
      cursor.takeBreak();
      this.#isKeyAllowed ||= this.#flowLevel === 0;
    }
  }

  #fetchStreamEnd(): void {
    this.#cursor.endLine();
    this.#fetchAtMargin(() => this.#indicator("stream-end", 0));
  }

  /** Directives, the marks of documents and the end of the text close all blocks. */
  #fetchAtMargin(scan: () => Omit<Token, "start" | "end">): void {
    this.#closeBlocks(-1);
    this.#forgetKey();
    this.#isKeyAllowed = false;
    this.#add(scan);
  }

  #openFlow(type: TokenType): void {
    this.#saveKey();
    const { mark } = this.#cursor;
    this.#keys.push({ isPossible: false, isRequired: false, token: this.#nextToken(), mark });
    this.#flowLevel += 1;
    if (this.#flowLevel > MAX_DEPTH) {
      throw this.#fault(`exceeded max depth of ${MAX_DEPTH}`);
    }
    this.#isKeyAllowed = true;
    this.#add(() => this.#indicator(type));
  }

  #closeFlow(type: TokenType): void {
    this.#forgetKey();
    if (this.#flowLevel > 0) {
      this.#flowLevel -= 1;
      const key = this.#keys.pop();
      this.#keyLevelByToken.delete(key?.token ?? -1);
    }
    this.#isKeyAllowed = false;
    this.#add(() => this.#indicator(type));
  }

  #fetchBlockEntry(): void {
    // In a flow collection the parser complains, who knows what surrounds it.
    if (this.#flowLevel === 0) {
      if (!this.#isKeyAllowed) {
        throw this.#fault("block sequence entries are not allowed in this context");
      }
      this.#openBlock("block-sequence-start", this.#cursor.mark);
    }
    this.#forgetKey();
    this.#isKeyAllowed = true;
    this.#add(() => this.#indicator("block-entry"));
  }

  #fetchKey(): void {
    if (this.#flowLevel === 0) {
      if (!this.#isKeyAllowed) {
        throw this.#fault("mapping keys are not allowed in this context");
      }
      this.#openBlock("block-mapping-start", this.#cursor.mark);
    }
    this.#forgetKey();
    this.#isKeyAllowed = this.#flowLevel === 0;
    this.#add(() => this.#indicator("key"));
  }

  #fetchValue(): void {
    const key = this.#keys.at(-1);
    if (key !== undefined && this.#isStillKey(key)) {
      this.#insert(key.token - this.#taken, bare("key", key.mark));
      this.#openBlock("block-mapping-start", key.mark, key.token);
      key.isPossible = false;
      this.#keyLevelByToken.delete(key.token);
      this.#isKeyAllowed = false;
    } else {
      if (this.#flowLevel === 0) {
        if (!this.#isKeyAllowed) {
          throw this.#fault("mapping values are not allowed in this context");
        }
        this.#openBlock("block-mapping-start", this.#cursor.mark);
      }
      this.#isKeyAllowed = this.#flowLevel === 0;
    }
    this.#add(() => this.#indicator("value"));
  }

  /** What may be a key, and is followed by none. */
  #fetchKeyable(scan: () => Omit<Token, "start" | "end">): void {
    this.#saveKey();
    this.#isKeyAllowed = false;
    this.#add(scan);
  }

  #isStillKey(key: SimpleKey | undefined): boolean {
    if (!key?.isPossible) {
      return false;
    }
    const { line, index } = this.#cursor.mark;
    if (key.mark.line < line || key.mark.index + MAX_SIMPLE_KEY < index) {
      if (key.isRequired) {
        throw this.#fault("could not find expected ':'");
      }
      key.isPossible = false;
    }
    return key.isPossible;
  }

  #saveKey(): void {
    const { mark } = this.#cursor;
    const isRequired = this.#flowLevel === 0 && this.#indent === mark.column;
    if (this.#isKeyAllowed) {
      const token = this.#nextToken();
      this.#forgetKey();
      const level = this.#keys.length - 1;
      this.#keys[level] = { isPossible: true, isRequired, token, mark };
      this.#keyLevelByToken.set(token, level);
    }
  }

  #forgetKey(): void {
    const key = this.#keys.at(-1);
    if (key?.isPossible) {
      if (key.isRequired) {
        throw this.#fault("could not find expected ':'");
      }
      key.isPossible = false;
      this.#keyLevelByToken.delete(key.token);
    }
  }

  /** Begins a block where the text is indented further than before; `token` numbers the token that is its first. */
  #openBlock(type: TokenType, mark: Mark, token?: number): void {
    if (this.#flowLevel > 0 || this.#indent >= mark.column) {
      return;
    }
    this.#indents.push(this.#indent);
    this.#indent = mark.column;
    if (this.#indents.length > MAX_DEPTH) {
      throw this.#fault(`exceeded max depth of ${MAX_DEPTH}`);
    }
    this.#insert(token === undefined ? this.#queue.length : token - this.#taken, bare(type, mark));
  }

  #closeBlocks(column: number): void {
    while (this.#flowLevel === 0 && this.#indent > column) {
      this.#queue.push(bare("block-end", this.#cursor.mark));
      this.#indent = this.#indents.pop() ?? -1;
    }
  }

  #nextToken(): number {
    return this.#taken + this.#queue.length;
  }

  #add(scan: () => Omit<Token, "start" | "end">): void {
    const start = this.#cursor.mark;
    this.#queue.push({ ...scan(), start, end: this.#cursor.mark });
  }

  /** The place of a token that has been taken already is the end. */
  #insert(at: number, token: Token): void {
    this.#queue.splice(at < 0 ? this.#queue.length : at, 0, token);
  }

  #indicator(type: TokenType, length = 1): Omit<Token, "start" | "end"> {
    this.#cursor.skip(length);
    return { type, value: "", suffix: "", isPlain: false };
  }

  #scalar({ value }: { readonly value: string }, isPlain: boolean): Omit<Token, "start" | "end"> {
    return { type: "scalar", value, suffix: "", isPlain };
  }

  #fault(problem: string): YamlFault {
    return new YamlFault(problem, "scanner", this.#cursor.mark);
  }
}

function bare(type: TokenType, mark: Mark): Token {
  return { type, value: "", suffix: "", isPlain: false, start: mark, end: mark };
}
