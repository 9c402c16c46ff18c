import { isLetter } from "./text-bytes.ts";

/** Where text in UTF-16 begins, its mark with it. */
export interface Utf16Run {
  readonly start: number;
  readonly isLittle: boolean;
}

/** So many letters of ASCII one behind the other are in UTF-16: in UTF-8 no NUL stands between any two. */
const MOST_LETTERS = 8;

/**
 * Where in a text in UTF-8 text in UTF-16 begins, with or without a byte order mark, as some Windows tools append it; undefined where it does not. Of a
 * run of NUL, as a crash leaves it, there is none.
 */
export function findUtf16(bytes: Buffer): Utf16Run | undefined {
  for (let nul = bytes.indexOf(0); nul !== -1; nul = bytes.indexOf(0, nul + 1)) {
    if (isRun(bytes, nul - 1, 0)) {
      return { start: behindMark(bytes, nul - 1, 0xff, 0xfe), isLittle: true };
    }
    if (isRun(bytes, nul, 1)) {
      return { start: behindMark(bytes, nul, 0xfe, 0xff), isLittle: false };
    }
    while (bytes[nul + 1] === 0) {
      nul++;
    }
  }
  return undefined;
}

/** Whether letters of ASCII stand from `start` on, each as two bytes of which the one at `letter` says which. */
function isRun(bytes: Buffer, start: number, letter: 0 | 1): boolean {
  if (start < 0 || start + 2 * MOST_LETTERS > bytes.length) {
    return false;
  }
  for (let at = start; at < start + 2 * MOST_LETTERS; at += 2) {
    if (bytes[at + 1 - letter] !== 0 || !isLetter(bytes[at + letter] as number)) {
      return false;
    }
  }
  return true;
}

function behindMark(bytes: Buffer, start: number, first: number, second: number): number {
  return bytes[start - 2] === first && bytes[start - 1] === second ? start - 2 : start;
}
