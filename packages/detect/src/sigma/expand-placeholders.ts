/** The values of each placeholder, by its name. */
export type Placeholders = Readonly<Record<string, readonly string[]>>;

/** A `%name%` that no backslash precedes. */
const PLACEHOLDER = /(?<!\\)%([\w.-]{1,128})%/;
const MAX_VALUES = 1000;

/**
 * Every value that `text` stands for, each placeholder replaced by each of its values; they may hold wildcards. A
 * string answer says what is wrong.
 */
export function expandPlaceholders(text: string, placeholders: Placeholders): readonly string[] | string {
  // Values join what is already done, never what is left, so that none is expanded again.
  let texts: readonly string[] = [""];
  let rest = text;
  for (;;) {
    const found = PLACEHOLDER.exec(rest);
    const before = rest.slice(0, found?.index ?? rest.length).replaceAll("\\%", "%");
    texts = texts.map((done) => done + before);
    if (!found) {
      return texts;
    }
    const [whole, name = ""] = found;
    const values = Object.hasOwn(placeholders, name) ? (placeholders[name] ?? []) : [];
    if (values.length === 0) {
      return `the placeholder "%${name}%" has no values`;
    }
    if (texts.length * values.length > MAX_VALUES) {
      return `its placeholders make more than ${MAX_VALUES} values of one`;
    }
    texts = texts.flatMap((done) => values.map((value) => done + value));
    rest = rest.slice(found.index + whole.length);
  }
}
