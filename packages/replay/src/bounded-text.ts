import { hash } from "node:crypto";

/** Longer than every name and every path that an apiserver takes in ordinary life. */
export const MOST_LETTERS = 512;
const KEPT_LETTERS = 200;
const DIGEST_LETTERS = 32;

/**
 * A text of a log as tables hold it: a client may choose names, addresses and programs of a megabyte, and another one each time. What is too
 * long is cut, and told apart by what it digests to.
 *
 * @example
 * assert.equal(boundedText("web-1"), "web-1");
 * assert.equal(boundedText("x".repeat(1_000_000)).length, 233);
 */
export function boundedText(text: string, most: number = MOST_LETTERS): string {
  return text.length <= most ? text : cut(text);
}

function cut(text: string): string {
  const short = `${text.slice(0, KEPT_LETTERS)}…${hash("sha256", text, "hex").slice(0, DIGEST_LETTERS)}`;
  // A slice holds all that it was cut from: this is a text of its own.
  return Buffer.from(short).toString();
}
