import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { ConnectionBound } from "../connection-bound.ts";
import { IngestError, reasonOf } from "../errors.ts";

/** Where the daemon answers questions about itself. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export interface MetricsServerOptions extends ListenAddress {
  readonly metrics: () => Promise<string>;
  /** Why the daemon is not ready; empty when it is. */
  readonly notReady: () => readonly string[];
}

export interface MetricsServer {
  readonly port: number;
  close(): Promise<void>;
}

const REQUEST_MS = 5_000;
const MAX_CONNECTIONS = 100;

/** Serves `/metrics`, `/healthz` (the process answers) and `/readyz` (it reads and its sinks take what it sends). */
export async function serveMetrics(options: MetricsServerOptions): Promise<MetricsServer> {
  const { host, port, metrics, notReady } = options;
  const times = { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS, connectionsCheckingInterval: 1000 };
  const server = createServer(times, (request, response) => {
    const answer = (status: number, text: string, type = "text/plain; charset=utf-8"): void => {
      response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(text);
    };
    request.resume();
    if (request.method !== "GET" && request.method !== "HEAD") {
      answer(405, "only GET\n");
      return;
    }
    switch ((request.url ?? "").replace(/[?].*$/, "")) {
      case "/metrics":
        metrics().then(
          (text) => answer(200, text, "text/plain; version=0.0.4; charset=utf-8"),
          () => answer(500, "the metrics could not be gathered\n"),
        );
        return;
      case "/healthz":
        answer(200, "ok\n");
        return;
      case "/readyz": {
        const reasons = notReady();
        answer(reasons.length === 0 ? 200 : 503, reasons.length === 0 ? "ok\n" : `${reasons.join("\n")}\n`);
        return;
      }
      default:
        answer(404, "only /metrics, /healthz and /readyz\n");
    }
  });
  // A probe that is kept out by connections that say nothing would have the daemon started again.
  void new ConnectionBound(server, MAX_CONNECTIONS);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) =>
      reject(
        new IngestError("address-in-use", `Cannot listen on ${host}:${port} for metrics: ${reasonOf(error)}`, {
          cause: error,
          hint: "Give metrics.listen another address or port",
        }),
      ),
    );
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
