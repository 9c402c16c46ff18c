import type { LineOutput } from "./line-output.ts";
import { eventInside } from "./record.ts";
import { packedLines } from "./document-lines.ts";

/**
 * Adds the canonical event of one record, `bytes[start, end)`, as a line; of one that holds packed records those of each. What is an event,
 * and what holds none that can be taken out, is added as it stands: a scanner calls the latter undecidable, so that it is kept and
 * counted.
 */
export function addRecord(output: LineOutput, bytes: Buffer, start: number, end: number): void {
  const event = eventInside(bytes, start, end);
  if (event === undefined) {
    addTornRecord(output, bytes, start, end);
  } else {
    output.addLine(event);
  }
}

/** Adds what is left of a record that is torn at `end`, as it stands; where records are packed in it, those that can be unpacked. */
export function addTornRecord(output: LineOutput, bytes: Buffer, start: number, end: number): void {
  for (const line of packedLines(bytes, start, end) ?? [{ bytes, start, end }]) {
    output.addLine(line.bytes, line.start, line.end);
  }
}
