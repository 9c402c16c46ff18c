import type { Server, Socket } from "node:net";

/**
 * Keeps a server within `most` connections, so that nobody is kept out by who opens many and says nothing: over the bound the
 * oldest goes of those that have not shown who they are. Where all have, the newcomer gets no place.
 */
export class ConnectionBound {
  readonly #most: number;
  /** By peer, the oldest first. A request's socket is another object than the connection's where TLS lies between them. */
  readonly #unknown = new Map<string, Socket>();
  readonly #known = new Map<string, Socket>();

  constructor(server: Pick<Server, "on">, most: number) {
    this.#most = most;
    server.on("connection", (socket: Socket) => this.#take(socket));
  }

  /** The connection below a request's socket, while it is open. */
  below(socket: Peer): Socket | undefined {
    const peer = nameOf(socket);
    return this.#known.get(peer) ?? this.#unknown.get(peer);
  }

  /** Every connection that is open. */
  all(): readonly Socket[] {
    return [...this.#known.values(), ...this.#unknown.values()];
  }

  /** The other side of this connection has shown who it is. */
  trust(socket: Peer): void {
    const peer = nameOf(socket);
    const connection = this.#unknown.get(peer);
    if (connection !== undefined) {
      this.#unknown.delete(peer);
      this.#known.set(peer, connection);
    }
  }

  #take(socket: Socket): void {
    // A closed socket does not say any more whose it was.
    const peer = nameOf(socket);
    this.#unknown.set(peer, socket);
    socket.once("close", () => this.#forget(peer, socket));
    const [oldest] = this.#unknown;
    if (oldest !== undefined && this.#unknown.size + this.#known.size > this.#most) {
      this.#unknown.delete(oldest[0]);
      oldest[1].destroy();
    }
  }

  #forget(peer: string, socket: Socket): void {
    for (const connections of [this.#unknown, this.#known]) {
      if (connections.get(peer) === socket) {
        connections.delete(peer);
      }
    }
  }
}

type Peer = Pick<Socket, "remoteAddress" | "remotePort">;

function nameOf({ remoteAddress, remotePort }: Peer): string {
  return `${remoteAddress} ${remotePort}`;
}
