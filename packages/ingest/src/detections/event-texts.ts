import { isAscii } from "node:buffer";

const ESCAPE = Buffer.from("\\u");
/** What Go escapes in every text: `<`, `>` and `&`. No letter is. */
const OF_MARKUP: ReadonlySet<string> = new Set(["003c", "003e", "0026", "003C", "003E"]);

/** The bytes of an event as one text in lower case, made when something is first looked for in it. */
export class EventTexts {
  readonly #line: Buffer;
  /** Null where letters may be spelled in other ways. */
  #lower: string | null | undefined;

  constructor(line: Buffer) {
    this.#line = line;
  }

  /** As `PartlyParsed` has it. */
  holdNone(texts: readonly string[]): boolean {
    if (this.#lower === undefined) {
      this.#lower = lowerCased(this.#line);
    }
    const lower = this.#lower;
    return lower !== null && !anyOf(texts).test(lower);
  }
}

/** By the lists that conditions look for, of which there are few. */
const PATTERNS = new WeakMap<readonly string[], RegExp>();

/** Finds any of the texts: one walk over an event, where looking for each of them takes four times as long. */
function anyOf(texts: readonly string[]): RegExp {
  let pattern = PATTERNS.get(texts);
  if (pattern === undefined) {
    // What `neededInBytes` gives is of letters, digits, blanks and hyphens.
    pattern = texts.length === 0 ? NOTHING : new RegExp(texts.join("|"));
    PATTERNS.set(texts, pattern);
  }
  return pattern;
}

const NOTHING = /(?!)/;

/** Beyond ASCII there are letters whose lower case is in it; an escape may spell any letter. */
function lowerCased(line: Buffer): string | null {
  return isAscii(line) && !hasEscapedLetter(line) ? line.toString("latin1").toLowerCase() : null;
}

function hasEscapedLetter(line: Buffer): boolean {
  for (let at = line.indexOf(ESCAPE); at >= 0; at = line.indexOf(ESCAPE, at + 2)) {
    if (!OF_MARKUP.has(line.toString("latin1", at + 2, at + 6))) {
      return true;
    }
  }
  return false;
}
