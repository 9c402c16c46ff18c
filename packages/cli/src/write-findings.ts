import { writeWhole } from "@auditsieve/ingest/write-whole";
import { closeSync, openSync } from "node:fs";
import { writeFailure } from "./write-failure.ts";

/** Writes findings to a file: what is lines of them, in pieces. */
export async function writeFindings(file: string, pieces: Iterable<Uint8Array>): Promise<void> {
  try {
    const descriptor = openSync(file, "w");
    try {
      for (const piece of pieces) {
        writeWhole(descriptor, piece);
      }
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw writeFailure(`findings to "${file}"`, error);
  }
}
