import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { AddressInfo, Socket } from "node:net";

const ITEM_ERRORS = {
  400: "document_parsing_exception",
  403: "security_exception",
  404: "index_not_found_exception",
  429: "es_rejected_execution_exception",
  503: "es_rejected_execution_exception",
} as const;

/** What the mock does with one bulk request. Items are told apart by their place in the request. */
export type Behaviour =
  | "ok"
  | "http-413"
  | "http-429"
  | "http-503"
  | "http-400"
  | "http-401"
  | "hang"
  | "reset-before-accept"
  | "reset-after-accept"
  | "invalid-answer"
  | "cut-answer"
  | "short-answer"
  | "slow"
  /** Every third item is refused with this status; the others are stored. */
  | { readonly everyThird: keyof typeof ITEM_ERRORS }
  /** In one answer: of three items one is refused with 429, one with 503, one is stored. */
  | "mixed-items"
  | "failure-store";

/**
 * The part of Elasticsearch that a bulk writer sees, over HTTP on 127.0.0.1. The oracle: `documents` holds what was
 * stored, once per id and backing index as a data stream does; `conflicts` counts ids that came again and were refused,
 * `duplicates` those that a rollover let in a second time.
 */
export class MockElasticsearch {
  readonly documents = new Map<string, Record<string, unknown>>();
  readonly templates: string[] = [];
  conflicts = 0;
  duplicates = 0;
  lookups = 0;
  /** What a lookup is answered with, when not with the truth: a status. */
  lookupStatus: (lookup: number) => number = () => 200;
  /** As with `rest.action.multi.allow_explicit_index: false`. */
  takesIndexInPathOnly = false;
  bulkRequests = 0;
  maxConcurrent = 0;
  largestRequest = 0;
  /** Chosen for each bulk request by its number. */
  behave: (request: number) => Behaviour = () => "ok";
  /** Whether the reason of a refusal quotes the document, as a real server's may. */
  quotesDocuments = false;
  slowMs = 50;
  maxRequestBytes = Infinity;
  /** Memory that a request may take while it is indexed, which is four times its documents beside itself. */
  maxPrimaryBytes = Infinity;
  authorization: string | undefined;
  #concurrent = 0;
  readonly #copies: (readonly [string, Record<string, unknown>])[] = [];
  readonly #backing: Set<string>[] = [new Set()];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor() {
    this.#server = createServer((request, response) => {
      void this.#answer(request, response);
    });
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  static async start(): Promise<MockElasticsearch> {
    const mock = new MockElasticsearch();
    await new Promise<void>((resolve) => mock.#server.listen(0, "127.0.0.1", resolve));
    return mock;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The stream gets a new write index: ids of older ones are taken again. */
  rollover(): void {
    this.#backing.push(new Set());
  }

  /** Forgets all documents. */
  clear(): void {
    this.documents.clear();
    this.#backing.splice(0, Infinity, new Set());
  }

  /** Takes the first document that contains `text` away. */
  remove(text: string): { readonly id: string } {
    const [id] = this.#containing(text);
    this.documents.delete(id);
    this.#backing.forEach((index) => index.delete(id));
    return { id };
  }

  /** Writes `to` for `from` in what the first document that contains `text` holds. */
  change(text: string, from: string, to: string): void {
    const [id, document] = this.#containing(text);
    this.documents.set(id, JSON.parse(JSON.stringify(document).replaceAll(from, to)) as Record<string, unknown>);
  }

  /** A second copy of a document: under another id, or under its own as after a rollover. */
  repeat(text: string, id?: string): void {
    const [own, document] = this.#containing(text);
    if (id === undefined) {
      this.#copies.push([own, document]);
    } else {
      this.documents.set(id, document);
    }
  }

  /** Stores what a dead letter holds. */
  store(text: string, letters: string): void {
    const letter = letters.split("\n").find((line) => line.includes(text)) ?? "";
    const { id } = JSON.parse(letter) as { id: string };
    const original = letter.slice(letter.indexOf('"document":') + 11, -1);
    this.documents.set(id, { event: { kind: "event", original } });
  }

  #containing(text: string): readonly [string, Record<string, unknown>] {
    const found = [...this.documents].find(([, document]) => JSON.stringify(document).includes(text));
    if (found === undefined) {
      throw new Error(`no document contains ${text}`);
    }
    return found;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) {
        chunks.push(chunk as Buffer);
      }
    } catch {
      // A killed client: what is incomplete was never accepted.
      return;
    }
    const body = Buffer.concat(chunks);
    response.setHeader("x-elastic-product", "Elasticsearch");
    response.setHeader("content-type", "application/vnd.elasticsearch+json;compatible-with=8");
    const url = request.url ?? "";
    this.authorization = request.headers.authorization;
    if (url.includes("/_bulk")) {
      this.#concurrent++;
      this.maxConcurrent = Math.max(this.maxConcurrent, this.#concurrent);
      this.largestRequest = Math.max(this.largestRequest, body.length);
      try {
        await this.#bulk(
          body,
          response,
          body.length > this.maxRequestBytes ? "http-413" : this.behave(this.bulkRequests++),
        );
      } finally {
        this.#concurrent--;
      }
      return;
    }
    if (url.startsWith("/_resolve/index/")) {
      const names = this.#backing.map((_, i) => backingName(i));
      response.end(JSON.stringify({ indices: [], aliases: [], data_streams: [{ backing_indices: names }] }));
      return;
    }
    if (url.includes("/_pit")) {
      response.end(JSON.stringify({ id: "pit", succeeded: true }));
      return;
    }
    if (url.includes("/_search")) {
      const { search_after: after } = JSON.parse(body.toString()) as { search_after?: readonly [number] };
      const hits = [...this.documents, ...this.#copies].map(([_id, _source], i) => ({ _id, _source, sort: [i] }));
      // Pages of two, to be asked for one after the other.
      const from = after === undefined ? 0 : after[0] + 1;
      response.end(JSON.stringify({ pit_id: "pit", hits: { hits: hits.slice(from, from + 2) } }));
      return;
    }
    if (url.includes("/_mget")) {
      this.#lookUp(url, body, response);
      return;
    }
    if (url.startsWith("/_index_template/") && request.method === "PUT") {
      this.templates.push(body.toString());
    }
    response.end(JSON.stringify({ acknowledged: true }));
  }

  #lookUp(url: string, body: Buffer, response: ServerResponse): void {
    const status = this.lookupStatus(this.lookups++);
    if (status !== 200) {
      response.statusCode = status;
      response.end(JSON.stringify({ error: { type: "mock_exception", reason: "lookup" }, status }));
      return;
    }
    const place = this.#backing.findIndex((_, i) => url.startsWith(`/${backingName(i)}/`));
    const { ids = [], docs } = JSON.parse(body.toString()) as {
      ids?: readonly string[];
      docs?: readonly { readonly _index: string; readonly _id: string }[];
    };
    if (docs !== undefined && this.takesIndexInPathOnly) {
      response.statusCode = 400;
      response.end(JSON.stringify({ error: { type: "illegal_argument_exception", reason: "explicit index" } }));
      return;
    }
    const asked = docs ?? ids.map((_id) => ({ _index: backingName(place), _id }));
    const indices = new Map(this.#backing.map((index, i) => [backingName(i), index] as const));
    const found = asked.map(({ _index, _id }) => ({ _index, _id, found: indices.get(_index)?.has(_id) === true }));
    response.end(JSON.stringify({ docs: found }));
  }

  async #bulk(body: Buffer, response: ServerResponse, behaviour: Behaviour): Promise<void> {
    if (typeof behaviour === "string" && behaviour.startsWith("http-")) {
      response.statusCode = Number(behaviour.slice(5));
      response.end(
        JSON.stringify({ error: { type: "mock_exception", reason: behaviour }, status: response.statusCode }),
      );
      return;
    }
    if (behaviour === "hang") {
      return;
    }
    if (behaviour === "reset-before-accept") {
      response.socket?.resetAndDestroy();
      return;
    }
    if (behaviour === "slow") {
      await sleep(this.slowMs);
    }
    const items = this.#store(body, behaviour);
    const text = JSON.stringify({ took: 1, errors: items.some((item) => item.create.status >= 300), items });
    if (behaviour === "reset-after-accept") {
      response.socket?.resetAndDestroy();
    } else if (behaviour === "invalid-answer") {
      response.end("<html>proxy</html>");
    } else if (behaviour === "cut-answer") {
      response.end(text.slice(0, text.length >> 1));
    } else if (behaviour === "short-answer") {
      response.end(JSON.stringify({ took: 1, errors: false, items: items.slice(1) }));
    } else {
      response.end(text);
    }
  }

  #store(body: Buffer, behaviour: Behaviour): readonly { create: Record<string, unknown> & { status: number } }[] {
    const lines = body.toString("utf8").split("\n");
    const documentBytes = lines.reduce((sum, line, i) => sum + (i % 2 === 0 ? 0 : Buffer.byteLength(line)), 0);
    const isTooMuch = 5 * documentBytes > this.maxPrimaryBytes;
    const items: { create: Record<string, unknown> & { status: number } }[] = [];
    for (let i = 0; i + 1 < lines.length; i += 2) {
      const { create } = JSON.parse(lines[i] ?? "") as { create: { _id: string } };
      const id = create._id;
      const third = (i / 2) % 3;
      if (isTooMuch) {
        const reason = `rejected execution of primary operation [coordinating_and_primary_bytes=${documentBytes}, replica_bytes=0, all_bytes=${documentBytes}, primary_operation_bytes=${4 * documentBytes}, max_primary_bytes=${this.maxPrimaryBytes}]`;
        items.push({ create: { _id: id, status: 429, error: { type: "es_rejected_execution_exception", reason } } });
        continue;
      }
      const isRefused = (typeof behaviour === "object" && third === 2) || (behaviour === "mixed-items" && third > 0);
      if (isRefused) {
        const status = typeof behaviour === "object" ? behaviour.everyThird : third === 1 ? 429 : 503;
        const type = ITEM_ERRORS[status];
        items.push({
          create: { _id: id, status, error: { type, reason: this.quotesDocuments ? lines[i + 1] : "mock" } },
        });
      } else if (behaviour === "failure-store") {
        items.push({ create: { _id: id, status: 201, failure_store: "used" } });
      } else if (this.#backing.at(-1)?.has(id) === true) {
        this.conflicts++;
        items.push({
          create: { _id: id, status: 409, error: { type: "version_conflict_engine_exception", reason: "mock" } },
        });
      } else {
        this.duplicates += this.documents.has(id) ? 1 : 0;
        this.#backing.at(-1)?.add(id);
        this.documents.set(id, JSON.parse(lines[i + 1] ?? "") as Record<string, unknown>);
        items.push({ create: { _id: id, status: 201, result: "created" } });
      }
    }
    return items;
  }
}

function backingName(index: number): string {
  return `.ds-mock-${String(index + 1).padStart(6, "0")}`;
}
