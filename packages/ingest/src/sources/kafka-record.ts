import { EnvelopeReader } from "@auditsieve/audit";

const NEWLINE = 10;
const LINE_END = Buffer.from("\n");
const PLAIN_BEGINNINGS = ['{"kind":"Event"', '{"level":"'].map((text) => Buffer.from(text));

/** The canonical lines of a record, each with its newline. */
export function recordLines(value: Buffer, onProblem: (message: string) => void): readonly Buffer[] {
  if (value.length === 0) {
    return [];
  }
  if (PLAIN_BEGINNINGS.some((beginning) => value.subarray(0, beginning.length).equals(beginning))) {
    return value.at(-1) === NEWLINE ? [value] : [value, LINE_END];
  }
  const reader = new EnvelopeReader();
  const written = Buffer.from(reader.write(value));
  const lines = Buffer.concat([written, reader.end()]);
  if (reader.problem !== undefined) {
    onProblem(reader.problem.message);
  }
  return lines.length === 0 || lines.at(-1) === NEWLINE ? [lines] : [lines, LINE_END];
}
