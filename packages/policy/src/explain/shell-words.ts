/** Splits a line as a shell does: blanks part, quotes and backslashes hold together. Undefined if a quote is left open. */
export function shellWords(line: string): readonly string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let at = 0; at < line.length; at++) {
    const character = line[at]!;
    if (quote !== "") {
      if (character === quote) {
        quote = "";
      } else if (character === "\\" && quote === '"' && /["\\]/.test(line[at + 1] ?? "")) {
        word += line[++at]!;
      } else {
        word += character;
      }
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= "";
    } else if (/\s/.test(character)) {
      if (word !== undefined) {
        words.push(word);
        word = undefined;
      }
    } else {
      const isEscape = character === "\\" && at + 1 < line.length;
      word = (word ?? "") + (isEscape ? line[++at]! : character);
    }
  }
  if (quote !== "") {
    return undefined;
  }
  return word === undefined ? words : [...words, word];
}
