import type { LineOutput } from "../envelope/line-output.ts";
import { LineRecords } from "../envelope/line-records.ts";
import { behindByteOrderMarks } from "../recognise.ts";
import { addRecord } from "../envelope/add-record.ts";
import { CLOSE_LIST, CLOSE_OBJECT, COMMA, OPEN_LIST, OPEN_OBJECT, QUOTE, skipSpace } from "../json/json-bytes.ts";
import { cutOff, damaged, problemOf, TORN } from "./document-problem.ts";
import type { DocumentPlace, DocumentProblem } from "./document-problem.ts";
import { LIST_KEYS } from "../envelope/list-keys.ts";
import { OutlineText } from "./outline-text.ts";
import { RecordCapture } from "./record-capture.ts";
import { addRecordLine } from "./record-line.ts";
import { mayFollow, ValueWalk } from "../frame/value-walk.ts";

const COLON = 58;
const NEWLINE = 10;
const CARRIAGE_RETURN = 13;

/**
 * Cuts JSON documents, one or many, into their records: the members of a list under one of {@link LIST_KEYS}, or of the document
 * itself if that is a list; else the document is one record. Each becomes a line. Holds one record, however long the document is.
 * What cannot be read comes out as it stands.
 */
export class DocumentReader {
  readonly #output: LineOutput;
  readonly #maxRecordBytes: number;
  readonly #record: RecordCapture;
  readonly #walk = new ValueWalk();
  #state: "between" | "line" | "head" | "head-value" | "list" | "record" | "rest" = "between";
  #outline = new OutlineText("");
  #list: string | undefined;
  #index = -1;
  #isBehindBreak = false;
  /** Whether nothing stands before on the line in hand. */
  #isLineStart = true;
  /** Whether the document in hand goes over lines. */
  #isOverLines = false;
  /** Of the last chunk. */
  #lastByte = NEWLINE;
  /** Lines that begin no document. */
  #line: LineRecords | undefined;
  /** What may begin at the top of the document. */
  #due: "key" | "value" | undefined;
  /** The last byte at the top of the document that says something. */
  #before = 0;
  #offset = 0;
  /** The first thing that was wrong. */
  problem: DocumentProblem | undefined;

  constructor(output: LineOutput, maxRecordBytes: number) {
    this.#output = output;
    this.#maxRecordBytes = maxRecordBytes;
    this.#record = new RecordCapture(output, maxRecordBytes);
  }

  /** Whether all that was written has come out: reading may begin anew behind it. */
  get isBetween(): boolean {
    return this.#state === "between";
  }

  /** The same behind a line break, behind which nothing was read yet: the rest of what is damaged ends there. */
  get isAtLineStart(): boolean {
    return this.#state === "between" || (this.#state === "rest" && this.#isLineStart);
  }

  /** Takes the next bytes of the input. */
  write(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      at = this.#step(chunk, at);
    }
    this.#offset += chunk.length;
    this.#lastByte = chunk.at(-1) ?? this.#lastByte;
  }

  /** The input has ended. */
  end(): void {
    if (this.#state !== "between" && this.#state !== "rest" && this.#state !== "line") {
      this.problem ??= cutOff(this.#place(0));
    }
    for (let further = this.#record.giveUp(true); further !== undefined; further = this.#record.giveUp(true)) {
      this.#readAgain(further, 0);
    }
    this.#line?.end();
    this.#state = "between";
  }

  #step(chunk: Buffer, at: number): number {
    switch (this.#state) {
      case "between":
        return this.#between(chunk, at);
      case "line":
        return this.#inLine(chunk, at);
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
    const at = behindByteOrderMarks(chunk, from, chunk.length);
    this.#isLineStart ||= chunk.subarray(from, at).includes(NEWLINE);
    if (at >= chunk.length) {
      return at;
    }
    const byte = chunk[at];
    this.#output.begin(this.#offset + at);
    if (byte !== OPEN_OBJECT && byte !== OPEN_LIST) {
      if (!this.#isLineStart) {
        return this.#giveUp(chunk, at, "neither an object nor a list begins here");
      }
      this.#line ??= new LineRecords(this.#output, this.#maxRecordBytes);
      this.#state = "line";
      return at;
    }
    const behind = this.#isLineStart && byte === OPEN_OBJECT ? addRecordLine(this.#output, this.#walk, chunk, at) : -1;
    if (behind !== -1) {
      return behind;
    }
    this.#isLineStart = false;
    this.#isOverLines = false;
    this.#list = undefined;
    this.#index = -1;
    this.#isBehindBreak = false;
    if (byte === OPEN_LIST) {
      this.#outline = new OutlineText("[");
      this.#openList("the list");
    } else {
      this.#outline = new OutlineText("{");
      this.#due = "key";
      this.#before = OPEN_OBJECT;
      this.#record.add(chunk, at, at + 1);
      this.#state = "head";
    }
    return at + 1;
  }

  /** A line that is no JSON, as CloudWatch writes them, or anything else. */
  #inLine(chunk: Buffer, from: number): number {
    const newline = chunk.indexOf(NEWLINE, from);
    const behind = newline === -1 ? chunk.length : newline + 1;
    this.#line?.write(chunk.subarray(from, behind));
    this.#state = newline === -1 ? "line" : "between";
    this.#isLineStart = newline !== -1;
    return behind;
  }

  /** At the top of a document that is an object. */
  #head(chunk: Buffer, at: number): number {
    const byte = chunk[at] as number;
    if (byte <= 32) {
      this.#isBehindBreak ||= byte === NEWLINE || byte === CARRIAGE_RETURN;
      this.#outline.addSpace();
      if (!this.#isBehindBreak) {
        this.#captureHead(chunk, at, at + 1);
      }
      return at + 1;
    }
    const isBehindBreak = this.#isBehindBreak;
    this.#isBehindBreak = false;
    if (isBehindBreak && !mayFollow(this.#before, byte)) {
      return this.#giveUp(chunk, at, TORN["behind-break"]);
    }
    this.#before = byte;
    if (byte === QUOTE || byte === OPEN_OBJECT || byte === OPEN_LIST) {
      return this.#beginHeadValue(chunk, at, isBehindBreak);
    }
    this.#isOverLines ||= isBehindBreak;
    this.#outline.add(byte);
    this.#due = byte === COMMA ? "key" : byte === COLON ? "value" : undefined;
    const isEnd = byte === CLOSE_OBJECT || byte === CLOSE_LIST;
    const wrong = isEnd ? this.#outline.tell() : undefined;
    if (wrong !== undefined) {
      return this.#giveUp(chunk, at, wrong);
    }
    this.#captureHead(chunk, at, at + 1);
    if (isEnd) {
      this.#endDocument(at + 1);
    } else if (this.#outline.isLong) {
      this.#outline.tell();
    }
    return at + 1;
  }

  #beginHeadValue(chunk: Buffer, at: number, isBehindBreak: boolean): number {
    const byte = chunk[at] as number;
    // Known before it is walked over: what stands around a list is not kept, and this may be a record of a damaged one.
    if (this.#due === undefined) {
      return this.#giveUp(chunk, at, "a value begins where there is no comma");
    }
    if (this.#due === "key" && byte !== QUOTE) {
      return this.#giveUp(chunk, at, "a value begins where there is no key");
    }
    this.#due = undefined;
    this.#before = QUOTE;
    this.#isOverLines ||= isBehindBreak;
    if (isBehindBreak && this.#isAtLineStart(chunk, at)) {
      this.#record.markLine();
    }
    if (byte === OPEN_LIST) {
      const wrong = this.#outline.tell();
      if (wrong !== undefined) {
        return this.#giveUp(chunk, at, wrong);
      }
      const { key, isOfEvent, isKeyOpen } = this.#outline.outline;
      if (!isOfEvent && key !== undefined && isKeyOpen && LIST_KEYS.has(key)) {
        this.#record.forget();
        this.#outline.add(OPEN_LIST);
        this.#openList(key);
        return at + 1;
      }
    }
    this.#outline.beginValue(byte === QUOTE);
    this.#walk.begin();
    this.#state = "head-value";
    return at;
  }

  #headValue(chunk: Buffer, from: number): number {
    const at = this.#walk.walk(chunk, from, this.#takeHeadPart, this.#takeLine);
    this.#isOverLines ||= this.#walk.isOverLines;
    if (this.#walk.torn !== undefined) {
      return this.#giveUp(chunk, at, TORN[this.#walk.torn]);
    }
    if (this.#walk.isDone) {
      this.#state = "head";
      const wrong = this.#outline.endValue();
      return wrong === undefined ? at : this.#giveUp(chunk, at, wrong);
    }
    return at;
  }

  readonly #takeLine = (): void => this.#record.markLine();

  readonly #takeHeadPart = (bytes: Buffer, start: number, end: number): void => {
    this.#outline.takeValue(bytes, start, end);
    this.#captureHead(bytes, start, end);
  };

  /** What stands around a list is no record, and is not kept. */
  #captureHead(bytes: Buffer, start: number, end: number): void {
    if (this.#list === undefined) {
      this.#record.add(bytes, start, end);
    }
  }

  #openList(name: string): void {
    this.#outline.tell();
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
      this.#outline.add(COMMA);
      const wrong = this.#outline.isBehindMore ? this.#outline.tell() : undefined;
      return wrong === undefined ? at + 1 : this.#giveUp(chunk, at, wrong);
    }
    const isEnd = byte === CLOSE_LIST || byte === CLOSE_OBJECT;
    if (isEnd) {
      this.#outline.add(byte);
    }
    const wrong = isEnd ? this.#outline.tell() : this.#outline.addRecord();
    if (wrong !== undefined) {
      return this.#giveUp(chunk, at, wrong);
    }
    if (isEnd) {
      this.#state = "head";
      this.#due = undefined;
      this.#before = byte;
      this.#endDocument(at + 1);
      return at + 1;
    }
    this.#index++;
    this.#output.begin(this.#offset + at);
    this.#walk.begin();
    this.#state = "record";
    return at;
  }

  #inRecord(chunk: Buffer, from: number): number {
    const at = this.#walk.walk(chunk, from, this.#takeRecordPart, this.#takeLine);
    if (this.#walk.torn !== undefined) {
      return this.#giveUp(chunk, at, TORN[this.#walk.torn]);
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
    const { outline } = this.#outline;
    const { depth, emptyList, isOfEvent } = outline;
    if (depth > 0) {
      return;
    }
    const isList = this.#list !== undefined || (emptyList !== undefined && !isOfEvent);
    this.problem ??= problemOf(outline, isList, this.#place(behind));
    this.#record[isList ? "forget" : "finish"]();
    this.#state = "between";
    this.#isLineStart = false;
  }

  /** What cannot be read comes out as it stands, up to a line at whose very beginning something stands: the next one begins there. */
  #rest(chunk: Buffer, from: number): number {
    let at = from;
    this.#output.begin(this.#offset + at);
    if (!this.#isLineStart) {
      const newline = chunk.indexOf(NEWLINE, at);
      at = newline === -1 ? chunk.length : newline + 1;
      this.#output.add(chunk, from, at);
      this.#isLineStart = newline !== -1;
    }
    if (at < chunk.length) {
      this.#state = (chunk[at] as number) > 32 ? "between" : "rest";
      this.#isLineStart = this.#state === "between";
    }
    return at;
  }

  #giveUp(chunk: Buffer, at: number, what: string): number {
    // A torn line among others is no document.
    if (this.#list !== undefined || this.#isOverLines || this.#state === "between") {
      this.problem ??= damaged(this.#place(at), what);
    }
    const isLineOut = !this.#record.isEmpty;
    const isLineStart = this.#isAtLineStart(chunk, at);
    const further = this.#record.giveUp(isLineStart);
    this.#isBehindBreak = false;
    if (further !== undefined) {
      this.#readAgain(further, at);
      return at;
    }
    this.#state = "rest";
    this.#isLineStart = isLineStart;
    if (isLineOut && chunk[at] === NEWLINE) {
      // That of the line that has come out.
      this.#isLineStart = true;
      return at + 1;
    }
    return at;
  }

  /** Reads the lines behind a torn one, which were taken for what goes on with it; what stands `at` in the chunk follows on them. */
  #readAgain(lines: Buffer, at: number): void {
    const [problem, offset, lastByte] = [this.problem, this.#offset, this.#lastByte];
    this.#state = "between";
    this.#isLineStart = true;
    this.#offset = offset + at - lines.length;
    this.#lastByte = NEWLINE;
    for (let next = 0; next < lines.length;) {
      next = this.#step(lines, next);
    }
    [this.problem, this.#offset, this.#lastByte] = [problem ?? this.problem, offset, lastByte];
  }

  #isAtLineStart(chunk: Buffer, at: number): boolean {
    return (at === 0 ? this.#lastByte : chunk[at - 1]) === NEWLINE;
  }

  #place(at: number): DocumentPlace {
    return { offset: this.#offset + at, list: this.#list, index: this.#index, isInRecord: this.#state === "record" };
  }
}
