import { openSync, readSync } from "node:fs";
import { documentId } from "@auditsieve/audit";
import { sendBulks } from "./send-bulks.ts";

/**
 * The least that forwards lines under ids of their own: `node line-forwarder.ts <url of the bulk request> <log> <in flight>`. It reads, finds
 * newlines, hashes each line as the daemon does, and sends the line as it is for a document: it proves nothing, decides nothing, redacts nothing,
 * and what it sends is half as large.
 */
const [url = "", file = "", inFlight = "4"] = process.argv.slice(2);
const CHUNK_BYTES = 2 * 1024 * 1024;
const NEWLINE = 10;
const KEY = Buffer.alloc(32, 1);
/** What stands before a line: the operation with its id. */
const BEFORE = '{"create":{"_id":""}}\n'.length + 32;
const fd = openSync(file, "r");
let rest = Buffer.alloc(0);

/** The body of the next request: some whole lines. */
function next(): Buffer | undefined {
  const chunk = Buffer.allocUnsafe(rest.length + CHUNK_BYTES);
  rest.copy(chunk);
  const read = readSync(fd, chunk, rest.length, CHUNK_BYTES, null);
  const length = rest.length + read;
  if (read === 0) {
    return undefined;
  }
  const ends: number[] = [];
  for (let at = chunk.indexOf(NEWLINE); at !== -1 && at < length; at = chunk.indexOf(NEWLINE, at + 1)) {
    ends.push(at + 1);
  }
  const whole = ends.at(-1) ?? 0;
  const body = Buffer.allocUnsafe(whole + ends.length * BEFORE);
  let to = 0;
  let start = 0;
  for (const end of ends) {
    to += body.write(
      `{"create":{"_id":"${documentId(KEY, "bench", chunk.subarray(start, end - 1))}"}}\n`,
      to,
      "latin1",
    );
    to += chunk.copy(body, to, start, end);
    start = end;
  }
  rest = chunk.subarray(whole, length);
  return body;
}

await sendBulks(url, Number(inFlight), next);
