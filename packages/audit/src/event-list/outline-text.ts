import { Outline } from "./outline.ts";

/** A longer string of the outline is no key that matters. */
const LONGEST_STRING = 1024;

/** Writes a document's outline from the bytes at its top: strings are kept up to a length, of any other value only that there is one. */
export class OutlineText {
  readonly outline: Outline = new Outline();
  /** Not yet given to the outline. */
  #text = "";
  /** The string in hand; undefined for another value. */
  #string: string | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  /** Adds a byte that stands between values. */
  add(byte: number): void {
    this.#text += String.fromCharCode(byte);
  }

  addSpace(): void {
    this.#text += this.#text.endsWith(" ") ? "" : " ";
  }

  /** A value begins. */
  beginValue(isString: boolean): void {
    this.#string = isString ? "" : undefined;
  }

  /** Takes some of the bytes of the value in hand. */
  takeValue(bytes: Buffer, start: number, end: number): void {
    if (this.#string !== undefined && this.#string.length <= LONGEST_STRING) {
      this.#string += bytes.toString("latin1", start, Math.min(end, start + LONGEST_STRING + 1));
    }
  }

  /** The value in hand has ended; what is wrong with the document. */
  endValue(): string | undefined {
    this.#text += this.#string === undefined || this.#string.length > LONGEST_STRING ? '""' : this.#string;
    return this.tell();
  }

  /** A record stands there. */
  addRecord(): string | undefined {
    this.#text += '""';
    return this.tell();
  }

  /** Whether so much is not told that it should be. */
  get isLong(): boolean {
    return this.#text.length > LONGEST_STRING;
  }

  /** Whether more is not told than one byte. */
  get isBehindMore(): boolean {
    return this.#text.length > 1;
  }

  /** Gives the outline what it was not given; what is wrong with the document. */
  tell(): string | undefined {
    const text = this.#text;
    this.#text = "";
    return this.outline.write(text);
  }
}
