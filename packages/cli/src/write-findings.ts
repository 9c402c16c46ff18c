import { closeSync, openSync, writeFileSync } from "node:fs";
import { writeFailure } from "./write-failure.ts";

const PIECE_LENGTH = 1024 * 1024;

/** Writes findings, each a line, to a file. */
export async function writeFindings(file: string, lines: Iterable<string>): Promise<void> {
  try {
    const descriptor = openSync(file, "w");
    try {
      for (const piece of piecesOf(lines)) {
        writeFileSync(descriptor, piece);
      }
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw writeFailure(`findings to "${file}"`, error);
  }
}

/** Not all in one text, which would need as much memory again. */
function* piecesOf(lines: Iterable<string>): Generator<string> {
  let piece = "";
  for (const line of lines) {
    piece += line;
    if (piece.length >= PIECE_LENGTH) {
      yield piece;
      piece = "";
    }
  }
  yield piece;
}
