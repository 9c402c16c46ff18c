/**
 * A letter beyond ASCII, some of which have a lower case in it, or an escape that may spell any: all but those of `<`, `>` and `&`, which Go
 * escapes in every text.
 */
const NOT_PLAIN = String.raw`[\x80-\xff]|\\u(?!00(?:3[ce]|26))`;

/** The bytes of an event as one text, made when something is first looked for in it. */
export class EventTexts {
  readonly #line: Buffer;
  #text: string | undefined;

  constructor(line: Buffer) {
    this.#line = line;
  }

  /** As `PartlyParsed` has it. */
  holdNone(texts: readonly string[]): boolean {
    this.#text ??= this.#line.toString("latin1");
    return !anyOf(texts).test(this.#text);
  }
}

/** By the lists that conditions look for, of which there are few. */
const PATTERNS = new WeakMap<readonly string[], RegExp>();

/** Finds any of the texts, in whatever case, or what may spell one: one walk over an event, where looking for each takes four times as long. */
function anyOf(texts: readonly string[]): RegExp {
  let pattern = PATTERNS.get(texts);
  if (pattern === undefined) {
    // What `neededInBytes` gives is of letters, digits, blanks and hyphens.
    pattern = new RegExp([NOT_PLAIN, ...texts].join("|"), "i");
    PATTERNS.set(texts, pattern);
  }
  return pattern;
}
