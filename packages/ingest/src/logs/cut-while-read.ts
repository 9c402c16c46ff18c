import { IngestError } from "../errors.ts";

/** Of a log that is shorter at its end than what was read of it; undefined of any other. `size` is its size now. */
export function cutWhileRead(path: string, read: number, size: number): IngestError | undefined {
  return size >= read
    ? undefined
    : new IngestError(
        "unreadable",
        `Cannot read "${path}" to its end: it was cut to ${size} bytes while it was read, after ${read} bytes`,
        {
          path,
          hint: "copytruncate or a new start empties a log under its reader: copy it first, or read the copy that it left",
        },
      );
}
