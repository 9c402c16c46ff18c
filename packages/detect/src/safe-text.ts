/** Characters that change what a reader sees, beside those of ASCII: bidirectional controls, zero-width ones, line separators, language tags. */
const HIDING = String.raw`[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff]|[\u{e0000}-\u{e007f}]`;

/** Beside them controls (terminal escapes, line breaks) and lone surrogates. */
const UNSAFE = new RegExp(String.raw`[\u0000-\u001f]|\p{Cs}|${HIDING}`, "gu");

/** Most texts are of such letters alone, which takes less to see than that none of the others is in it. */
const PLAIN = /^[ -~]*$/;

/**
 * A text from outside made fit for one line of output: what would act on a terminal or hide itself is written as an
 * escape, and more than `maxLength` characters are cut.
 *
 * @example
 * assert.equal(safeText("a\u001b[2Jb"), "a\\u001b[2Jb");
 */
export function safeText(text: string, maxLength = 120): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  if (PLAIN.test(cut)) {
    return cut;
  }
  return cut.replaceAll(UNSAFE, (char) => {
    const code = char.codePointAt(0) ?? 0;
    return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/**
 * The same JSON with what would act on a terminal or hide itself written as escapes, which says the same to whoever reads it as JSON: JSON.stringify escapes
 * only controls up to U+001F and lone surrogates. Spaces and line breaks between tokens stay.
 *
 * @example
 * assert.equal(safeJson('{"user":"a\u009b2J"}'), '{"user":"a\\u009b2J"}');
 */
export function safeJson(text: string): string {
  return PLAIN_LINES.test(text) ? text : text.replaceAll(UNSAFE_IN_JSON, escapes);
}

const PLAIN_LINES = /^[ -~\n]*$/;

const UNSAFE_IN_JSON = new RegExp(HIDING, "gu");

function escapes(char: string): string {
  return Array.from({ length: char.length }, (_, i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, "0")}`).join(
    "",
  );
}
