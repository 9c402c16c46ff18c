const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  "\u0007": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  '"': '\\"',
  "\\": "\\\\",
};

/**
 * Go's strconv.Quote, with which Kubernetes prints values in its messages.
 *
 * @example
 * assert.equal(goQuote("a\tb"), String.raw`"a\tb"`);
 */
export function goQuote(text: string): string {
  let quoted = "";
  for (const character of text.toWellFormed()) {
    quoted += SHORT_ESCAPES[character] ?? (isPrint(character) ? character : escape(character));
  }
  return `"${quoted}"`;
}

const SHORT: ReadonlyMap<string, string> = new Map(
  Object.entries(SHORT_ESCAPES).map(([one, escaped]) => [escaped, one]),
);

/**
 * What {@link goQuote} has quoted; undefined for a text that it does not write.
 *
 * @example
 * assert.equal(goUnquote(String.raw`"a\tb"`), "a\tb");
 */
export function goUnquote(quoted: string): string | undefined {
  if (!quoted.includes("\\")) {
    // As nearly all are; their pattern takes seven times as long.
    return quoted.length > 1 && quoted.startsWith('"') && quoted.indexOf('"', 1) === quoted.length - 1
      ? quoted.slice(1, -1)
      : undefined;
  }
  if (!/^"(?:[^"\\]|\\(?:[abfnrtv"\\]|x[0-9a-f]{2}|u[0-9a-f]{4}|U000[0-9a-f]{5}))*"$/s.test(quoted)) {
    return undefined;
  }
  return quoted
    .slice(1, -1)
    .replace(
      /\\(?:x..|u.{4}|U.{8}|.)/gs,
      (escaped) => SHORT.get(escaped) ?? codePoint(Number.parseInt(escaped.slice(2), 16)),
    );
}

function codePoint(code: number): string {
  return code > 0x10ffff ? "\ufffd" : String.fromCodePoint(code);
}

/**
 * Go's json.Marshal of a string: JSON.stringify, and HTML-safe.
 *
 * @example
 * assert.equal(goJsonString("<b>"), String.raw`"\u003cb\u003e"`);
 */
export function goJsonString(text: string): string {
  return JSON.stringify(text.toWellFormed()).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
}

function isPrint(character: string): boolean {
  return character === " " || /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(character);
}

function escape(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) {
    return `\\x${code.toString(16).padStart(2, "0")}`;
  }
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\U${code.toString(16).padStart(8, "0")}`;
}
