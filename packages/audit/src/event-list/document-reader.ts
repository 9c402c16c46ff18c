import type { LineOutput } from "../envelope/line-output.ts";
import { addRecord } from "../envelope/record.ts";
import { CLOSE_LIST, CLOSE_OBJECT, COMMA, OPEN_LIST, OPEN_OBJECT, QUOTE, skipSpace } from "../json-bytes.ts";
import { cutOff, damaged, wrongType } from "./document-problem.ts";
import type { DocumentPlace, DocumentProblem } from "./document-problem.ts";
import { LIST_KEYS, Outline } from "./outline.ts";
import { RecordCapture } from "./record-capture.ts";
import { ValueWalk } from "./value-walk.ts";

const COLON = 58;
const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
/** A longer string of the outline is no key that matters. */
const LONGEST_STRING = 1024;

/**
 * Cuts JSON documents, one or many, into their records: the members of a list under one of {@link LIST_KEYS}, or of the document
 * itself if that is a list; else the document is one record. Each becomes a line. Holds one record, however long the document is.
 * What cannot be read comes out as it stands.
 */
export class DocumentReader {
  readonly #output: LineOutput;
  readonly #record: RecordCapture;
  readonly #walk = new ValueWalk();
  #state: "between" | "head" | "head-value" | "list" | "record" | "rest" = "between";
  #outline = new Outline();
  /** Of the outline, and not yet given to it. */
  #text = "";
  /** The string of the outline in hand; undefined for another value. */
  #string: string | undefined;
  #list: string | undefined;
  #index = -1;
  #isBehindBreak = false;
  /** Whether a key or a value may begin at the top of the document. */
  #isValueDue = false;
  #offset: number;
  /** The first thing that was wrong. */
  problem: DocumentProblem | undefined;

  /** `offset` is where the first byte written stands in the input. */
  constructor(output: LineOutput, maxRecordBytes: number, offset: number) {
    this.#output = output;
    this.#offset = offset;
    this.#record = new RecordCapture(output, maxRecordBytes);
  }

  /** Takes the next bytes of the input. */
  write(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      at = this.#step(chunk, at);
    }
    this.#offset += chunk.length;
  }

  /** The input has ended. */
  end(): void {
    if (this.#state !== "between" && this.#state !== "rest") {
      this.problem ??= cutOff(this.#place(0));
    }
    this.#record.giveUp();
    this.#state = "between";
  }

  #step(chunk: Buffer, at: number): number {
    switch (this.#state) {
      case "between":
        return this.#between(chunk, at);
      case "head":
        return this.#head(chunk, at);
      case "head-value":
        return this.#headValue(chunk, at);
      case "list":
        return this.#inList(chunk, at);
      case "record":
        return this.#inRecord(chunk, at);
      case "rest":
        return this.#rest(chunk, at);
    }
  }

  #between(chunk: Buffer, from: number): number {
    const at = skipSpace(chunk, from, chunk.length);
    if (at === chunk.length) {
      return at;
    }
    const byte = chunk[at];
    if (byte !== OPEN_OBJECT && byte !== OPEN_LIST) {
      return this.#giveUp(at, "neither an object nor a list begins here");
    }
    this.#outline = new Outline();
    this.#list = undefined;
    this.#index = -1;
    this.#isBehindBreak = false;
    this.#text = "";
    if (byte === OPEN_LIST) {
      this.#openList("the list");
    } else {
      this.#text = "{";
      this.#isValueDue = true;
      this.#record.add(chunk, at, at + 1);
      this.#state = "head";
    }
    return at + 1;
  }

  /** At the top of a document that is an object. */
  #head(chunk: Buffer, at: number): number {
    const byte = chunk[at] as number;
    if (byte <= 32) {
      this.#isBehindBreak ||= byte === NEWLINE || byte === CARRIAGE_RETURN;
      this.#text += this.#text.endsWith(" ") ? "" : " ";
      if (!this.#isBehindBreak) {
        this.#captureHead(chunk, at, at + 1);
      }
      return at + 1;
    }
    this.#isBehindBreak = false;
    if (byte === QUOTE || byte === OPEN_OBJECT || byte === OPEN_LIST) {
      return this.#beginHeadValue(at, byte);
    }
    this.#text += String.fromCharCode(byte);
    this.#isValueDue = byte === COMMA || byte === COLON;
    const isEnd = byte === CLOSE_OBJECT || byte === CLOSE_LIST;
    const wrong = isEnd ? this.#tellOutline() : undefined;
    if (wrong !== undefined) {
      return this.#giveUp(at, wrong);
    }
    this.#captureHead(chunk, at, at + 1);
    if (isEnd) {
      this.#endDocument(at + 1);
    } else if (this.#text.length > LONGEST_STRING) {
      this.#tellOutline();
    }
    return at + 1;
  }

  #beginHeadValue(at: number, byte: number): number {
    // Known before it is walked over: what stands around a list is not kept, and this may be a record of a damaged one.
    if (!this.#isValueDue) {
      return this.#giveUp(at, "a value begins where there is no comma");
    }
    this.#isValueDue = false;
    if (byte === OPEN_LIST) {
      const wrong = this.#tellOutline();
      if (wrong !== undefined) {
        return this.#giveUp(at, wrong);
      }
      const { key } = this.#outline;
      if (key !== undefined && this.#outline.isKeyOpen && LIST_KEYS.has(key)) {
        this.#record.forget();
        this.#openList(key);
        return at + 1;
      }
    }
    this.#string = byte === QUOTE ? "" : undefined;
    this.#walk.begin();
    this.#state = "head-value";
    return at;
  }

  #headValue(chunk: Buffer, from: number): number {
    const at = this.#walk.walk(chunk, from, this.#takeHeadPart);
    if (this.#walk.isTorn) {
      return this.#giveUp(at, "a string ends at a line break");
    }
    if (this.#walk.isDone) {
      this.#text += this.#string === undefined || this.#string.length > LONGEST_STRING ? '""' : this.#string;
      this.#state = "head";
      const wrong = this.#tellOutline();
      return wrong === undefined ? at : this.#giveUp(at, wrong);
    }
    return at;
  }

  readonly #takeHeadPart = (bytes: Buffer, start: number, end: number): void => {
    if (this.#string !== undefined && this.#string.length <= LONGEST_STRING) {
      this.#string += bytes.toString("latin1", start, Math.min(end, start + LONGEST_STRING + 1));
    }
    this.#captureHead(bytes, start, end);
  };

  /** What stands around a list is no record, and is not kept. */
  #captureHead(bytes: Buffer, start: number, end: number): void {
    if (this.#list === undefined) {
      this.#record.add(bytes, start, end);
    }
  }

  #openList(name: string): void {
    this.#text = "[";
    this.#tellOutline();
    this.#list = name;
    this.#index = -1;
    this.#state = "list";
  }

  /** Between two members of the list. */
  #inList(chunk: Buffer, from: number): number {
    const at = skipSpace(chunk, from, chunk.length);
    const byte = chunk[at];
    if (byte === undefined) {
      return at;
    }
    if (byte === COMMA) {
      this.#text += ",";
      const wrong = this.#text.length > 1 ? this.#tellOutline() : undefined;
      return wrong === undefined ? at + 1 : this.#giveUp(at, wrong);
    }
    const isEnd = byte === CLOSE_LIST || byte === CLOSE_OBJECT;
    this.#text += isEnd ? String.fromCharCode(byte) : '""';
    const wrong = this.#tellOutline();
    if (wrong !== undefined) {
      return this.#giveUp(at, wrong);
    }
    if (isEnd) {
      this.#state = "head";
      this.#isValueDue = false;
      this.#endDocument(at + 1);
      return at + 1;
    }
    this.#index++;
    this.#walk.begin();
    this.#state = "record";
    return at;
  }

  #inRecord(chunk: Buffer, from: number): number {
    const at = this.#walk.walk(chunk, from, this.#takeRecordPart);
    if (this.#walk.isTorn) {
      return this.#giveUp(at, "a string ends at a line break");
    }
    if (this.#walk.isDone) {
      this.#state = "list";
    }
    return at;
  }

  readonly #takeRecordPart = (bytes: Buffer, start: number, end: number): void => {
    if (!this.#walk.isDone) {
      this.#record.add(bytes, start, end);
    } else if (this.#record.isEmpty) {
      addRecord(this.#output, bytes, start, end);
    } else {
      this.#record.add(bytes, start, end);
      this.#record.finish();
    }
  };

  #endDocument(behind: number): void {
    const { depth, emptyList, noList } = this.#outline;
    if (depth > 0) {
      return;
    }
    if (noList !== undefined) {
      this.problem ??= wrongType(this.#place(behind), noList);
    }
    if (this.#list === undefined && emptyList === undefined) {
      this.#record.finish();
    } else {
      this.#record.forget();
    }
    this.#state = "between";
  }

  /** What cannot be read comes out as it stands, up to a line with which a document may begin again. */
  #rest(chunk: Buffer, from: number): number {
    let newline = chunk.indexOf(NEWLINE, from);
    if (this.#isBehindBreak) {
      newline = from - 1;
    }
    while (newline !== -1 && newline + 1 < chunk.length) {
      const next = chunk[newline + 1];
      if (next === OPEN_OBJECT || next === OPEN_LIST) {
        this.#output.add(chunk, from, newline + 1);
        this.#state = "between";
        return newline + 1;
      }
      newline = chunk.indexOf(NEWLINE, newline + 1);
    }
    this.#output.add(chunk, from, chunk.length);
    this.#isBehindBreak = chunk.at(-1) === NEWLINE;
    return chunk.length;
  }

  #giveUp(at: number, what: string): number {
    this.problem ??= damaged(this.#place(at), what);
    this.#record.giveUp();
    this.#isBehindBreak = false;
    this.#state = "rest";
    return at;
  }

  #tellOutline(): string | undefined {
    const text = this.#text;
    this.#text = "";
    return this.#outline.write(text);
  }

  #place(at: number): DocumentPlace {
    return { offset: this.#offset + at, list: this.#list, index: this.#index, isInRecord: this.#state === "record" };
  }
}
