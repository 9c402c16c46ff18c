import { Agent, request } from "node:http";

/** Sends the bodies that `next` gives, so many at a time, by Node's own HTTP client, and each again while the server is busy. */
export async function sendBulks(url: string, inFlight: number, next: () => Buffer | undefined): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: inFlight });
  const sendInTurn = async (): Promise<void> => {
    for (let body = next(); body !== undefined; body = next()) {
      await send(url, agent, body);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, sendInTurn));
  agent.destroy();
}

function send(url: string, agent: Agent, body: Buffer): Promise<void> {
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
          setTimeout(() => void send(url, agent, body).then(resolve, reject), 200);
        }
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
