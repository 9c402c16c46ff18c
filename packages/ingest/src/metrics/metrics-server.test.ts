import { connect } from "node:net";
import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { serveMetrics } from "./metrics-server.ts";

describe("serveMetrics", () => {
  test("answers probes however many connections are held open and say nothing, or send half a request", async () => {
    const server = await serveMetrics({
      host: "127.0.0.1",
      port: 0,
      metrics: async () => "",
      notReady: () => [],
    });
    const held: Socket[] = [];
    for (let i = 0; i < 300; i++) {
      const socket = connect(server.port, "127.0.0.1").on("error", () => undefined);
      held.push(socket);
      await new Promise((resolve) => socket.once("connect", resolve));
      socket.write(i % 2 === 0 ? "" : "GET /healthz HTTP/1.1\r\nx: ");
    }
    for (const path of ["healthz", "readyz", "metrics"]) {
      expect((await fetch(`http://127.0.0.1:${server.port}/${path}`)).status).toBe(200);
    }
    held.forEach((socket) => socket.destroy());
    await server.close();
  });
});
