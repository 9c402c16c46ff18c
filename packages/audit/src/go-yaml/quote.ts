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
