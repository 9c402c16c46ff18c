import { request as httpsRequest, Agent } from "node:https";
import { connect as connectTls } from "node:tls";
import type { TLSSocket } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makeCertificate } from "./certificate.suite.ts";
import { accepted, WebhookServer } from "./webhook-server.ts";
import type { Answer, WebhookServerOptions } from "./webhook-server.ts";

const [old, next] = [makeCertificate("old authority"), makeCertificate("next authority")];
const receiver = makeCertificate("receiver");
const clients = { old: makeCertificate("apiserver", old), next: makeCertificate("apiserver", next) };

let server: WebhookServer;
let port: number;
let taken: string[];
let answers: Answer[];
let held: TLSSocket[];
beforeEach(async () => {
  [taken, answers, held] = [[], [], []];
  server = new WebhookServer(optionsWith(old.cert + next.cert));
  port = await server.listen();
});
afterEach(async () => {
  held.forEach((socket) => socket.destroy());
  await server.close();
});

describe("WebhookServer.goOn with other authorities", () => {
  test.each(["old", "next"] as const)(
    "takes nothing that waited of a caller of the %s one: it is told to come anew",
    async (by) => {
      await server.pause();
      const waiting = await waitingPost("waited", by);
      expect(server.goOn(optionsWith(next.cert))).toBe(true);
      expect(await waiting.answer).toEqual({ status: 429, retryAfter: "1", connection: "close" });
      expect(taken).toEqual([]);
      expect(answers).toMatchObject([{ reason: "authority" }]);
      if (by === "old") {
        await expect(post("again", by)).rejects.toThrow();
        expect(taken).toEqual([]);
      } else {
        expect(await post("again", by)).toMatchObject({ status: 200 });
        expect(taken).toEqual(["again"]);
      }
    },
  );

  test("takes nothing of who had connected before and says something only then, on a connection of any age", async () => {
    const silent = await open("old");
    const used = await open("old");
    expect(await say(used)).toMatch(/^HTTP\/1\.1 200 /);
    await server.pause();
    expect(server.goOn(optionsWith(next.cert))).toBe(true);
    for (const socket of [silent, used]) {
      expect(await say(socket)).toMatch(/^(?:HTTP\/1\.1 429 |closed$)/);
    }
    expect(taken).toEqual(["said"]);
  });

  test("does not let a session of before be resumed", async () => {
    const session = await new Promise<Buffer>((resolve, reject) => {
      void open("old").then((socket) => socket.once("session", resolve), reject);
    });
    await server.pause();
    expect(server.goOn(optionsWith(next.cert))).toBe(true);
    expect(await say(await open("old", session))).toBe("closed");
    expect(taken).toEqual([]);
  });

  test("with the same ones all is taken that waited", async () => {
    await server.pause();
    const waiting = await waitingPost("waited", "old");
    expect(server.goOn(optionsWith(old.cert + next.cert))).toBe(true);
    expect(await waiting.answer).toMatchObject({ status: 200 });
    expect(taken).toEqual(["waited"]);
  });
});

function optionsWith(clientCa: string): WebhookServerOptions {
  return {
    host: "127.0.0.1",
    port: 0,
    tls: { cert: receiver.cert, key: receiver.key, clientCa },
    accept: async (body) => {
      taken.push(body.toString());
      return accepted();
    },
    onAnswer: (answer) => answers.push(answer),
  };
}

async function open(by: keyof typeof clients, session?: Buffer): Promise<TLSSocket> {
  const { cert, key } = clients[by];
  const socket = connectTls({ host: "127.0.0.1", port, cert, key, ca: receiver.cert, ...(session && { session }) });
  socket.on("error", () => undefined);
  held.push(socket);
  await new Promise((resolve) => socket.once("secureConnect", resolve));
  return socket;
}

/** Posts by hand; what comes back first, or that the connection is closed. */
function say(socket: TLSSocket): Promise<string> {
  return new Promise((resolve) => {
    socket.once("data", (bytes) => resolve(bytes.toString("latin1")));
    socket.once("close", () => resolve("closed"));
    if (socket.closed) {
      resolve("closed");
    }
    socket.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nsaid");
  });
}

/** What is answered to a body. */
function post(body: string, by: keyof typeof clients): Promise<object> {
  return send(body, by, () => undefined);
}

/** Resolves once the server has the beginning of the request. */
function waitingPost(body: string, by: keyof typeof clients): Promise<{ readonly answer: Promise<object> }> {
  return new Promise((resolve) => {
    const answer = send(body, by, () => resolve({ answer }));
  });
}

function send(body: string, by: keyof typeof clients, onTaken: () => void): Promise<object> {
  const { cert, key } = clients[by];
  const agent = new Agent({ keepAlive: true, maxCachedSessions: 0 });
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      {
        host: "127.0.0.1",
        port,
        method: "POST",
        agent,
        cert,
        key,
        ca: receiver.cert,
        headers: { expect: "100-continue" },
      },
      (response) => {
        const { statusCode: status, headers } = response;
        response.resume().once("end", () => {
          agent.destroy();
          resolve({ status, retryAfter: headers["retry-after"], connection: headers["connection"] });
        });
      },
    );
    request.once("error", reject).once("continue", () => {
      onTaken();
      request.end(body);
    });
    request.flushHeaders();
  });
}
