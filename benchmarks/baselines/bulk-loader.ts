import { openSync, readSync } from "node:fs";
import { sendBulks } from "./send-bulks.ts";

/**
 * The least that sends finished bulk bodies: `node bulk-loader.ts <url of the bulk request> <file> <in flight>`. The file holds
 * bodies, each behind its length in 8 hex digits, as black-hole.ts records them.
 */
const [url = "", file = "", inFlight = "4"] = process.argv.slice(2);
const fd = openSync(file, "r");

function next(): Buffer | undefined {
  const head = Buffer.alloc(8);
  if (readSync(fd, head, 0, 8, null) < 8) {
    return undefined;
  }
  const body = Buffer.allocUnsafe(Number.parseInt(head.toString(), 16));
  for (let done = 0; done < body.length;) {
    done += readSync(fd, body, done, body.length - done, null);
  }
  return body;
}

await sendBulks(url, Number(inFlight), next);
