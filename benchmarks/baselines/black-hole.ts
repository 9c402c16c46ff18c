import { createServer } from "node:http";

/**
 * Takes bulk requests and keeps nothing: `node black-hole.ts`. Says its port on standard output; on SIGUSR2 what it got, and for
 * documents that are stamped with their making (`"@timestamp"`) how long they took.
 */
const STAMP = Buffer.from('"@timestamp":"');
let documents = 0;
let bytes = 0;
let delays: number[] = [];

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    response.setHeader("x-elastic-product", "Elasticsearch");
    response.setHeader("content-type", "application/vnd.elasticsearch+json;compatible-with=8");
    if (request.url?.includes("_bulk") !== true) {
      response.end('{"acknowledged":true,"indices":[],"aliases":[],"data_streams":[]}');
      return;
    }
    const body = Buffer.concat(chunks);
    let lines = 0;
    for (let at = body.indexOf(10); at !== -1; at = body.indexOf(10, at + 1)) {
      lines++;
    }
    documents += lines >> 1;
    bytes += body.length;
    if (process.env["BLACK_HOLE_DELAYS"] === "1") {
      noteDelays(body);
    }
    const item = '{"create":{"_index":"i","_id":"x","status":201}}';
    response.end(`{"took":1,"errors":false,"items":[${Array.from({ length: lines >> 1 }, () => item).join(",")}]}`);
  });
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  console.log(typeof address === "object" && address !== null ? address.port : 0);
});
process.on("SIGUSR2", () => {
  const sorted = delays.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  console.log(JSON.stringify({ documents, bytes, p50: at(0.5), p99: at(0.99) }));
  delays = [];
});

function noteDelays(body: Buffer): void {
  const now = Date.now();
  for (let at = body.indexOf(STAMP); at !== -1; at = body.indexOf(STAMP, at + 1)) {
    const from = at + STAMP.length;
    delays.push(now - Date.parse(body.toString("latin1", from, from + 24)));
  }
}
