import { Agent, request } from "node:http";

/** Sends bulk requests by Node's own HTTP client, and again while the server is busy. */
export class BulkRequests {
  readonly #url: string;
  readonly #agent: Agent;

  constructor(url: string, inFlight: number) {
    this.#url = url;
    this.#agent = new Agent({ keepAlive: true, maxSockets: inFlight });
  }

  send(body: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      const headers = { "content-type": "application/x-ndjson", "content-length": body.length };
      const sent = request(this.#url, { method: "POST", agent: this.#agent, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          const { items } = JSON.parse(Buffer.concat(chunks).toString()) as {
            items: readonly { create: { status: number } }[];
          };
          if (items.every(({ create }) => create.status < 300 || create.status === 409)) {
            resolve();
          } else {
            setTimeout(() => void this.send(body).then(resolve, reject), 200);
          }
        });
      });
      sent.on("error", reject);
      sent.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
