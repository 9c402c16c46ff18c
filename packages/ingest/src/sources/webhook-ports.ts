import { WebhookServer } from "./webhook-server.ts";
import type { WebhookServerOptions } from "./webhook-server.ts";

type Address = Pick<WebhookServerOptions, "host" | "port">;

/**
 * Keeps the ports of webhooks open while the daemon goes from one configuration to the next: what is posted in between waits, because an
 * apiserver does not repeat a refused connection.
 *
 * @example
 * const ports = new WebhookPorts();
 * const source = createWebhook({ name: "webhook", host: "0.0.0.0", port: 8443, tls, token, spoolFolder, checkpoint, ports });
 * ports.hold(); // what is left from now on stays open
 * await ports.release([{ host: "0.0.0.0", port: 8443 }]); // the next configuration is known, and is about to start
 * await ports.close();
 */
export class WebhookPorts {
  readonly #held = new Map<string, WebhookServer>();
  #isHolding = false;

  /** From now on a server that is left is held for who comes next. */
  hold(): void {
    this.#isHolding = true;
  }

  /** What is left from now on is closed, and so is what is held at other addresses than these. */
  async release(next: readonly Address[]): Promise<void> {
    this.#isHolding = false;
    const wanted = new Set(next.map(nameOf));
    for (const [address, server] of this.#held) {
      if (!wanted.has(address)) {
        this.#held.delete(address);
        await server.close();
      }
    }
  }

  /** Listens, with the server that is held at this address where it can go on. Rejects as {@link WebhookServer.listen}. */
  async open(options: WebhookServerOptions): Promise<{ readonly server: WebhookServer; readonly port: number }> {
    const address = nameOf(options);
    const held = this.#held.get(address);
    this.#held.delete(address);
    if (held?.goOn(options) === true) {
      return { server: held, port: options.port };
    }
    await held?.close();
    const server = new WebhookServer(options);
    return { server, port: await server.listen() };
  }

  /** Nobody takes what comes any more: it is closed, or waits. */
  async leave(server: WebhookServer, address: Address): Promise<void> {
    if (this.#isHolding) {
      this.#held.set(nameOf(address), server);
      await server.pause();
    } else {
      await server.close();
    }
  }

  async close(): Promise<void> {
    await this.release([]);
  }
}

function nameOf({ host, port }: Address): string {
  return `${host} ${port}`;
}
