/** Texts that JSON can only spell as they are, but for escapes of letters. */
const PLAIN = /^[\w -]+$/;
/** A character that no number is spelled with, however it is written in JSON. */
const NOT_OF_NUMBERS = /[^-\d.+efintyI]/;

/**
 * Gives the texts that `find` finds as they are to be looked for in the bytes of an event in lower case: where none of them stands there,
 * no value of the event holds one. Undefined where some may be spelled in other ways. They are found once, when they are first asked for.
 *
 * @example
 * neededInBytes(() => ["PRIVATE KEY"])(); // ["private key"]
 * neededInBytes(() => ["a/b"])(); // undefined: JSON may spell it "a\\/b"
 */
export function neededInBytes(find: () => readonly string[] | undefined): () => readonly string[] | undefined {
  let needed: readonly string[] | undefined;
  let isFound = false;
  return () => {
    if (!isFound) {
      isFound = true;
      const texts = find();
      const arePlain = texts?.every((text) => PLAIN.test(text) && NOT_OF_NUMBERS.test(text)) === true;
      needed = arePlain ? texts.map((text) => text.toLowerCase()) : undefined;
    }
    return needed;
  };
}
