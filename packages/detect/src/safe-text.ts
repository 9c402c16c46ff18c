/**
 * Characters that change what a reader sees: controls (terminal escapes, line breaks), bidirectional controls,
 * zero-width ones, line separators, lone surrogates, language tags.
 */
const UNSAFE =
  // oxlint-disable-next-line no-control-regex -- finding them is the point
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|\p{Cs}/gu;

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
