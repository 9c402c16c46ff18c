/** The first byte that UTF-8 never has. */
const NO_UTF8 = 0xf8;
const SPACE = 32;

/** Whether it is a letter of ASCII or white space; NUL is not. */
export function isLetter(byte: number): boolean {
  return (byte >= SPACE && byte < 127) || byte === 9 || byte === 10 || byte === 13;
}

/** Whether it is that, or a part of a letter of UTF-8. */
export function isLetterOfUtf8(byte: number): boolean {
  return isLetter(byte) || (byte > 127 && byte < NO_UTF8);
}

/** Whether no apiserver writes it into a log. */
export function isForeignByte(byte: number): boolean {
  return (byte < SPACE && (byte > 13 || byte < 9)) || byte >= NO_UTF8;
}
