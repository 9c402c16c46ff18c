// What a place may be that the search of a line found suspect: `text` is the line around it, one character for each byte, and `at` the place in that.
import type { Span } from "../templates/decided-by.ts";
import * as field from "./field.ts";
import { TOKEN_SET } from "./needles.ts";

/** What makes a suspect one that the walk must look at, whatever it is about. */
const SHAPE = new RegExp(
  [
    /(?<=[Aa][Uu][Tt][Hh][Oo])[Rr][Ii][Zz][Aa][Tt][Ii][Oo][Nn][^."]/,
    /(?<="S)ecret/,
    // A token's first part and the dot behind it; of how long a part may be nothing is known.
    /eyJ(?:[\w-]{0,2000}\.|[\w-]{2001})/,
    /[:,[ \t\r\n]"(?:[ {[]|\\[nrtf])/,
    /(?<=github_p)at_/,
    /(?<=Z)XlK/,
    /(?<=s)ha256~/,
    /(?<=PRIVATE )KEY/,
    /(?<=g)h[opsru]_/,
    /xox[abeoprs]-/,
    /(?<=h)vs\./,
    /(?<=g)lpat-/,
    /[Bb][Ee][Aa][Rr][Ee][Rr]/,
    /\\\//,
    /(?<=LS0t)LS1CRUdJTi/,
    /(?<=[Bb])[Aa][Ss][Ii][Cc][ \\]/,
    /\\u00(?!26|3[CcEe])/,
  ]
    .map(({ source }) => source)
    .join("|"),
  "y",
);
/** `ken` or `bea` before the dot of a bootstrap token, and how near at most: half as far again where all that may be escaped is. */
const BOOTSTRAP = /(?:(?<=[Tt][Oo])[Kk][Ee][Nn]|[Bb][Ee][Aa][Rr][Ee][Rr])[^]{0,96}?\.[a-z0-9]{16}/y;
const MEANINGFUL: ReadonlySet<number> = new Set([
  field.VALUE,
  field.STRING_DATA,
  field.WHOLE,
  field.CREDENTIAL,
  field.ARGUMENTS,
]);
/** Longer than any name that means something. */
export const LONGEST_NAME = 64;
/** As many characters behind a suspect tell whether it is a shape. */
export const LONGEST_SHAPE = 2048;
/** Behind the quote and the S. */
const SECRET = 'ecret"';
/** One or a list of them. */
const SECRETS = "ecret";
const STRINGS_ONLY = /^\{"[\w.$-]+":"[^"\\{}[\]]*"(?:,"[\w.$-]+":"[^"\\{}[\]]*")*\}$/;
const NAME_OF_STRING = /[{,]"([\w.$-]+)":"/g;
const REFERRING: ReadonlySet<number> = new Set([field.PLAIN, field.KIND, field.NAME]);
const QUOTE = '"';
/** Behind a key; the end stands for more blanks than were cut out with it. */
const COLON = /\s*(?::|$)/y;

/** Whether a shape is there, which the walk must look at; `sets` are those of the needles that were found. */
export function isShape(text: string, at: number, sets: number): boolean {
  SHAPE.lastIndex = at;
  BOOTSTRAP.lastIndex = at;
  return SHAPE.test(text) || ((sets & TOKEN_SET) !== 0 && BOOTSTRAP.test(text));
}

/**
 * Whether it is only the kind Secret that looks like a shape there: one or a list of them where the data is known to be theirs (`areOfSecrets`), or
 * else one that stands in an object of strings that none but a Secret's data would be hidden in: a reference.
 */
export function isHarmlessKind(text: string, at: number, fields: field.FieldTable, areOfSecrets: boolean): boolean {
  return areOfSecrets ? text.startsWith(SECRETS, at) : text.startsWith(SECRET, at) && isReference(text, at, fields);
}

function isReference(text: string, at: number, fields: field.FieldTable): boolean {
  const object = text.slice(Math.max(0, text.lastIndexOf("{", at)), text.indexOf("}", at) + 1);
  return (
    STRINGS_ONLY.test(object) &&
    [...object.matchAll(NAME_OF_STRING)].every((match) => REFERRING.has(fields.of(match[1] as string)))
  );
}

/** The string around the place, with its quotes, if it is a key that means something. */
export function tellingKey(text: string, at: number, fields: field.FieldTable): Span | undefined {
  const from = Math.max(0, at - LONGEST_NAME);
  const near = text.slice(from, at + 2 * LONGEST_NAME);
  const start = near.lastIndexOf(QUOTE, at - from);
  const end = near.indexOf(QUOTE, at - from + 1);
  if (start < 0 || end < 0) {
    return undefined;
  }
  COLON.lastIndex = end + 1;
  return COLON.test(near) && MEANINGFUL.has(fields.of(near.slice(start + 1, end)))
    ? { start: from + start, end: from + end + 1 }
    : undefined;
}
