import { createServer } from "node:http";
import type { Server } from "node:http";
import { connect } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ConnectionBound } from "./connection-bound.ts";

const MOST = 4;
let server: Server;
let bound: ConnectionBound;
let held: Socket[];
beforeEach(async () => {
  held = [];
  server = createServer((request, response) => {
    if (request.url === "/known") {
      bound.trust(request.socket);
    }
    response.end("ok");
  });
  bound = new ConnectionBound(server, MOST);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  held.forEach((socket) => socket.destroy());
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

describe("ConnectionBound", () => {
  test("lets the newest in however many are held open and say nothing: the oldest of them goes", async () => {
    for (let i = 0; i < 3 * MOST; i++) {
      await open();
    }
    expect(await ask(await open())).toContain("200 OK");
    await closed(held[0]);
    expect(await count()).toBeLessThanOrEqual(MOST);
  });

  test("who is known stays while others come and go, and gives the place free when it goes", async () => {
    const known = await open();
    expect(await ask(known, "/known")).toContain("200 OK");
    for (let i = 0; i < 3 * MOST; i++) {
      await open();
    }
    expect(await ask(known, "/known")).toContain("200 OK");
    known.destroy();
    await closed(known);
    expect(await ask(await open())).toContain("200 OK");
  });

  test("where all places belong to who is known, a newcomer gets none", async () => {
    for (let i = 0; i < MOST; i++) {
      await ask(await open(), "/known");
    }
    await closed(await open());
    expect(await ask(held[0] as Socket)).toContain("200 OK");
  });
});

function count(): Promise<number> {
  return new Promise((resolve) => server.getConnections((_, connections) => resolve(connections)));
}

async function open(): Promise<Socket> {
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.on("error", () => undefined);
  held.push(socket);
  await new Promise((resolve) => socket.once("connect", resolve));
  return socket;
}

function ask(socket: Socket, path = "/"): Promise<string> {
  socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
  return new Promise((resolve) => {
    socket.once("data", (bytes) => resolve(bytes.toString("latin1")));
    socket.once("close", () => resolve("closed"));
  });
}

async function closed(socket: Socket | undefined): Promise<void> {
  socket?.resume();
  if (socket?.closed === false) {
    await new Promise((resolve) => socket.once("close", resolve));
  }
}
