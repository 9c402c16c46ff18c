import { recognise } from "@auditsieve/audit/stream";
import { open } from "node:fs/promises";
import { IngestError } from "../errors.ts";
import { logFormat } from "./log-format.ts";

/** Fewer than {@link recognise} needs to take what it does not know for lines. */
const HEAD_BYTES = 64 * 1024 - 1;
const NEWLINE = 10;

/** The first bytes of a file, as they stand in it; most 64 KiB. Rejects as `open` does. */
export async function readLogHead(path: string): Promise<Buffer> {
  const handle = await open(path, "r");
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/**
 * What is to be told of a log that begins with whole lines of text, none of which is known as an event or an envelope of events.
 *
 * @example
 * assert.match(noEventYet("app.log", Buffer.from("started\n"))?.message ?? "", /nothing that is known as an audit event/);
 */
export function noEventYet(path: string, head: Buffer): IngestError | undefined {
  // Where a NUL stands, it is another archive or UTF-16: they are told of, or read, as such.
  const isText = logFormat(head) === "plain" && !head.includes(0);
  return isText && head.includes(NEWLINE) && recognise(head, false) === undefined
    ? new IngestError("unreadable", `Log "${path}" holds nothing that is known as an audit event so far`, {
        path,
        hint: "Is this the path of --audit-log-path? docs/envelopes.md says what else is read",
      })
    : undefined;
}
