import type { Finding } from "@auditsieve/detect";
import { closeSync, openSync, writeFileSync } from "node:fs";
import { Failure } from "./failure.ts";

/** A finding as it is written: it takes a fraction of the memory of the events that it was made of. */
export interface WrittenFinding {
  readonly time: string;
  readonly line: string;
}

const PIECE_LENGTH = 1024 * 1024;

export function writtenFinding(finding: Finding): WrittenFinding {
  return { time: finding.time, line: `${JSON.stringify(finding)}\n` };
}

/** Writes findings to a file as NDJSON, in order of time. */
export async function writeFindings(file: string, findings: readonly WrittenFinding[]): Promise<void> {
  const inOrder = findings.toSorted((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  try {
    const descriptor = openSync(file, "w");
    try {
      for (const piece of piecesOf(inOrder)) {
        writeFileSync(descriptor, piece);
      }
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw new Failure(`Cannot write findings to "${file}": ${error instanceof Error ? error.message : String(error)}`, {
      hint: "Check the folder and its permissions",
    });
  }
}

/** Not all in one text, which would need as much memory again. */
function* piecesOf(findings: readonly WrittenFinding[]): Generator<string> {
  let piece = "";
  for (const { line } of findings) {
    piece += line;
    if (piece.length >= PIECE_LENGTH) {
      yield piece;
      piece = "";
    }
  }
  yield piece;
}
