import { openSync, readSync } from "node:fs";
import { Agent, request } from "node:http";

/**
 * The least that sends finished bulk bodies: `node bulk-loader.ts <url of the bulk request> <file> <in flight>`. The file holds
 * bodies, each behind its length in 8 hex digits, as black-hole.ts records them.
 */
const [url = "", file = "", inFlight = "4"] = process.argv.slice(2);
const fd = openSync(file, "r");
const agent = new Agent({ keepAlive: true, maxSockets: Number(inFlight) });

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

function send(body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/x-ndjson", "content-length": body.length };
    const sent = request(url, { method: "POST", agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const { items } = JSON.parse(Buffer.concat(chunks).toString()) as {
          items: readonly { create: { status: number } }[];
        };
        if (items.every(({ create }) => create.status < 300 || create.status === 409)) {
          resolve();
        } else {
          setTimeout(() => void send(body).then(resolve, reject), 200);
        }
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

async function worker(): Promise<void> {
  for (let body = next(); body !== undefined; body = next()) {
    await send(body);
  }
}

await Promise.all(Array.from({ length: Number(inFlight) }, worker));
agent.destroy();
