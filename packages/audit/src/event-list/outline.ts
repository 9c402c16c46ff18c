import { jsonParser } from "stream-json/core/parser.js";
import type { Token } from "stream-json/core/parser.js";
import { NO_ENVELOPE_KEYS, LIST_KEYS } from "../envelope/list-keys.ts";

/**
 * What a document is around its records: read by stream-json, from the document's text with each record (and each value below the
 * top) replaced by `""`. So the parser sees a few bytes per record, however long the records are.
 */
export class Outline {
  readonly #parse = jsonParser({ streamValues: false, packStrings: false, packNumbers: false });
  /** How many containers of the outline are open. */
  depth = 0;
  /** The key read last. */
  key: string | undefined;
  /** A key of {@link LIST_KEYS} whose value was null, so that the document is a list without records. */
  emptyList: string | undefined;
  /** A key of {@link LIST_KEYS} whose value was no list. */
  noList: string | undefined;
  /** Whether a key was among them that only an event has at its top. */
  isOfEvent = false;
  /** Whether the value of {@link key} is what comes next. */
  isKeyOpen = false;

  /** Takes the next text; what is wrong with it, or undefined. */
  write(text: string): string | undefined {
    let parsed;
    try {
      parsed = this.#parse(text);
    } catch (error) {
      return (error instanceof Error ? error.message : String(error)).replace(
        /^Parser (?:cannot parse input: |has )/,
        "",
      );
    }
    if (typeof parsed === "object" && "values" in parsed) {
      for (const token of parsed.values as readonly Token[]) {
        this.#token(token);
      }
    }
    return undefined;
  }

  #token(token: Token): void {
    const isValueOfKey = this.isKeyOpen;
    this.isKeyOpen = token.name === "keyValue";
    const { name } = token;
    if (name === "startObject" || name === "startArray") {
      this.depth++;
    } else if (name === "endObject" || name === "endArray") {
      this.depth--;
    } else if (name === "keyValue") {
      this.key = token.value;
      this.isOfEvent ||= NO_ENVELOPE_KEYS.has(token.value);
    } else if (isValueOfKey && this.key !== undefined && LIST_KEYS.has(this.key)) {
      this[name === "nullValue" ? "emptyList" : "noList"] = this.key;
    }
  }
}
