import { expect, test } from "vitest";
import { goQuote, goUnquote } from "./quote.ts";

test.each([
  "plain",
  'a"b',
  String.raw`a\b\n\u0061`,
  "\u0007\b\f\n\r\t\v\u0001\u007f",
  "\u00e9\u200b\u{1f600}\u{e0001}",
  "",
])("goUnquote gives what goQuote has quoted: %j", (text) => {
  expect(goUnquote(goQuote(text))).toBe(text);
});

test.each(["a", '"', '"a', '"a"b"', String.raw`"\"`, String.raw`"\q"`, String.raw`"\x1"`, String.raw`"\u12"`])(
  "goUnquote refuses what is not quoted: %s",
  (text) => {
    expect(goUnquote(text)).toBeUndefined();
  },
);
