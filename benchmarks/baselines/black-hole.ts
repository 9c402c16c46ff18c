import { openSync, writeSync } from "node:fs";
import { createServer } from "node:http";
import { parseArgs } from "node:util";

/**
 * Takes bulk requests and keeps nothing: `node black-hole.ts [--record FILE] [--pace DOCUMENTS-PER-SECOND] [--delays]`. Says its
 * port on standard output; on SIGUSR2 what it got since it was asked last, and with `--delays` how old lines were as they came first, by
 * their `@timestamp`, and how old the oldest finding was. `--pace` answers as a server elsewhere would that takes no more than that, and costs no CPU.
 */
const { values } = parseArgs({
  options: { record: { type: "string" }, pace: { type: "string" }, delays: { type: "boolean" } },
});
const STAMP = Buffer.from('"@timestamp":"');
const ID = Buffer.from('{"create":{"_id":"');
const ID_LENGTH = 32;
const FINDING = Buffer.from('"auditsieve":{"finding":');
const NEWLINE = 10;
const pace = Number(values.pace ?? Infinity);
const record = values.record === undefined ? undefined : openSync(values.record, "w");
let documents = 0;
let requests = 0;
let delays: number[] = [];
let oldestFinding = 0;
/** Of all documents so far: a finding that waited for later events brings those that it rests on once more. */
const seen = new Set<string>();
let freeAt = 0;

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
    const count = take(Buffer.concat(chunks));
    const items = Array.from({ length: count }, () => '{"create":{"status":201}}').join(",");
    freeAt = Math.max(freeAt, performance.now()) + (count / pace) * 1000;
    const wait = freeAt - performance.now();
    const answer = (): void => void response.end(`{"items":[${items}]}`);
    if (wait >= 1) {
      setTimeout(answer, wait);
    } else {
      answer();
    }
  });
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  console.log(typeof address === "object" && address !== null ? address.port : 0);
});
process.on("SIGUSR2", () => {
  const sorted = delays.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  console.log(JSON.stringify({ documents, requests, p50: at(0.5), p99: at(0.99), most: at(1), oldestFinding }));
  documents = 0;
  requests = 0;
  delays = [];
  oldestFinding = 0;
});

/** Gives how many documents a body holds. */
function take(body: Buffer): number {
  let lines = 0;
  for (let at = body.indexOf(NEWLINE); at !== -1; at = body.indexOf(NEWLINE, at + 1)) {
    lines++;
  }
  if (record !== undefined) {
    writeSync(record, body.length.toString(16).padStart(8, "0"));
    for (let done = 0; done < body.length;) {
      done += writeSync(record, body, done);
    }
  }
  if (values.delays === true) {
    noteDelays(body);
  }
  documents += lines >> 1;
  requests++;
  return lines >> 1;
}

function noteDelays(body: Buffer): void {
  const now = Date.now();
  for (let at = 0; at < body.length;) {
    const document = body.indexOf(NEWLINE, at) + 1;
    const end = body.indexOf(NEWLINE, document);
    const id = body.toString("latin1", at + ID.length, at + ID.length + ID_LENGTH);
    const stamp = body.indexOf(STAMP, document) + STAMP.length;
    const delay = now - Date.parse(body.toString("latin1", stamp, stamp + 24));
    if (body.subarray(document, end).includes(FINDING)) {
      oldestFinding = Math.max(oldestFinding, delay);
    } else if (!seen.has(id)) {
      delays.push(delay);
    }
    seen.add(id);
    at = end + 1;
  }
}
