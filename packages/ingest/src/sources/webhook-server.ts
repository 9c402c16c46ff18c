import { hash, timingSafeEqual } from "node:crypto";
import { createServer as createHttpServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { Server as HttpsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { SecureContextOptions, TLSSocket } from "node:tls";
import { ConnectionBound } from "../connection-bound.ts";
import { IngestError, reasonOf } from "../errors.ts";
import { clientNames } from "./client-names.ts";

export interface WebhookServerOptions {
  readonly host: string;
  /** 0 takes any that is free. */
  readonly port: number;
  /** Path of the audit webhook. Default `/`: any. */
  readonly path?: string;
  /**
   * Without it the bodies come in the clear. With `clientCa` only callers with a certificate of it are let in, with
   * `clientNames` of these only who has one of those names in it.
   */
  readonly tls?: {
    readonly cert: string;
    readonly key: string;
    readonly clientCa?: string;
    readonly clientNames?: readonly string[];
  };
  /** Bearer token that callers must show. */
  readonly token?: string;
  /** Default 32 MiB. */
  readonly maxBodyBytes?: number;
  /** Bodies in memory at once. Default twice the largest body, at least 64 MiB. */
  readonly maxBufferedBytes?: number;
  /** Most time for a whole request. Default 30 s. */
  readonly requestTimeoutMs?: number;
  /** What becomes of a body. */
  readonly accept: (body: Buffer) => Promise<Answer>;
  /** Told of every request, and of connections that come to none. */
  readonly onAnswer: (answer: Answer) => void;
}

export interface Answer {
  readonly status: number;
  /** Of a bounded set; a label. */
  readonly reason: string;
  /** May quote the body. */
  readonly detail?: string;
  readonly retryAfterSeconds?: number;
}

const OK: Answer = { status: 200, reason: "accepted" };
/** An apiserver repeats it, over a new connection. */
const COME_ANEW: Answer = { status: 429, reason: "authority", retryAfterSeconds: 1 };
const DEFAULT_BODY_BYTES = 32 * 1024 * 1024;
const LEAST_BUFFERED_BYTES = 64 * 1024 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
/** Longer than the 90 s after which Go's client closes an idle connection: else a request may meet a closing one. */
const KEEP_ALIVE_MS = 120_000;
const MAX_CONNECTIONS = 512;
const CLOSE_LIMIT_MS = 5_000;

/** The HTTP side of the webhook receiver: lets in who may come, bounds time and memory of a request, answers. */
export class WebhookServer {
  #options: WebhookServerOptions;
  readonly #server: Server | HttpsServer;
  readonly #bound: ConnectionBound;
  /** Let in by an authority that may not count any more. */
  readonly #outdated = new WeakSet<Socket>();
  /** Requests that are being answered. */
  readonly #running = new Set<Promise<void>>();
  /** Set while nobody takes bodies: requests wait for it. */
  #pause: PromiseWithResolvers<void> | undefined;
  #buffered = 0;

  constructor(options: WebhookServerOptions) {
    this.#options = options;
    const { tls } = options;
    const http = {
      ...timeoutsOf(options),
      connectionsCheckingInterval: Math.min(1000, options.requestTimeoutMs ?? 1000),
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: 16 * 1024,
    };
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      void this.#handle(request, response);
    };
    this.#server =
      tls === undefined
        ? createHttpServer(http, listener)
        : createHttpsServer(
            {
              ...http,
              ...secureContextOf(tls),
              handshakeTimeout: HEADERS_TIMEOUT_MS,
              ...(tls.clientCa !== undefined && { requestCert: true, rejectUnauthorized: true }),
            },
            listener,
          );
    this.#bound = new ConnectionBound(this.#server, MAX_CONNECTIONS);
    // Whoever does not speak TLS or HTTP, or not to its end: Node answers or closes, and goes on.
    this.#server.on("tlsClientError", () => this.#options.onAnswer({ status: 0, reason: "tls" }));
  }

  /** Begins to listen; gives the port. */
  async listen(): Promise<number> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => {
        this.#server.off("error", reject);
        this.#server.on("error", () => undefined);
        resolve();
      });
    }).catch((error: unknown) => {
      throw new IngestError("address-in-use", `Cannot listen on ${host}:${port}: ${reasonOf(error)}`, {
        cause: error,
        hint: "Choose a free port, or one above 1023 for a user without rights; see `listen` of the source",
      });
    });
    return (this.#server.address() as AddressInfo).port;
  }

  /** What is posted from now on waits; ends those requests that run, within a bound. */
  async pause(): Promise<void> {
    this.#pause ??= Promise.withResolvers();
    const timer = setTimeout(() => this.#server.closeAllConnections(), CLOSE_LIMIT_MS);
    await Promise.allSettled(this.#running);
    clearTimeout(timer);
  }

  /** Takes what is posted as `options` say from now on, and what has waited. False where another server is needed for them. */
  goOn(options: WebhookServerOptions): boolean {
    const [before, tls] = [this.#options.tls, options.tls];
    if (
      (before === undefined) !== (tls === undefined) ||
      (before?.clientCa === undefined) !== (tls?.clientCa === undefined)
    ) {
      return false;
    }
    this.#options = options;
    Object.assign(this.#server, timeoutsOf(options));
    if (tls !== undefined && "setSecureContext" in this.#server) {
      this.#server.setSecureContext(secureContextOf(tls));
      if (tls.clientCa !== before?.clientCa) {
        // Also those that have said nothing yet, and those whose handshake is not over, which ends as it began.
        this.#bound.all().forEach((connection) => this.#outdated.add(connection));
        this.#server.closeIdleConnections();
      }
    }
    this.#pause?.resolve();
    this.#pause = undefined;
    return true;
  }

  /** Takes no new request, ends those that run, within a bound. */
  async close(): Promise<void> {
    if (!this.#server.listening) {
      return;
    }
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    if (this.#pause === undefined) {
      this.#server.closeIdleConnections();
    } else {
      this.#server.closeAllConnections();
    }
    const timer = setTimeout(() => this.#server.closeAllConnections(), CLOSE_LIMIT_MS);
    await closed;
    clearTimeout(timer);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A sender that goes away in the middle is no fault of ours.
    request.on("error", () => undefined);
    response.on("error", () => undefined);
    const connection = this.#bound.below(request.socket);
    if (this.#pause !== undefined) {
      await this.#pause.promise;
      response.shouldKeepAlive = false;
    }
    const isOutdated = connection !== undefined && this.#outdated.has(connection);
    response.shouldKeepAlive &&= !isOutdated;
    const answering = this.#answer(request, response, isOutdated);
    this.#running.add(answering);
    await answering;
    this.#running.delete(answering);
  }

  async #answer(request: IncomingMessage, response: ServerResponse, isOutdated: boolean): Promise<void> {
    let answer = this.#refusal(request);
    if (answer === undefined) {
      try {
        const body = await this.#read(request);
        // Of an outdated one it is read all the same: who is cut off while it sends sees no answer.
        answer = !Buffer.isBuffer(body) ? body : isOutdated ? COME_ANEW : await this.#accept(body);
      } catch {
        answer = { status: 0, reason: "aborted" };
      }
    }
    this.#options.onAnswer(answer);
    if (answer.status !== 0 && !response.destroyed) {
      reply(request, response, answer);
    }
  }

  async #accept(body: Buffer): Promise<Answer> {
    this.#buffered += body.length;
    try {
      return await this.#options.accept(body);
    } finally {
      this.#buffered -= body.length;
    }
  }

  /** What can be refused without reading the body. */
  #refusal(request: IncomingMessage): Answer | undefined {
    const { path = "/", tls, token } = this.#options;
    if (tls?.clientNames !== undefined) {
      const names = clientNames((request.socket as TLSSocket).getPeerCertificate());
      if (!tls.clientNames.some((name) => names.includes(name))) {
        return { status: 403, reason: "forbidden", detail: `the certificate is of ${names.join(", ") || "nobody"}` };
      }
    }
    if (token !== undefined && !isToken(request.headers.authorization, token)) {
      return { status: 401, reason: "unauthenticated" };
    }
    this.#bound.trust(request.socket);
    const url = request.url ?? "";
    if (path !== "/" && url !== path && !url.startsWith(`${path}?`)) {
      return { status: 404, reason: "path" };
    }
    if (request.method !== "POST") {
      return { status: 405, reason: "method" };
    }
    if (![undefined, "identity"].includes(request.headers["content-encoding"])) {
      return { status: 415, reason: "encoding" };
    }
    const length = Number(request.headers["content-length"] ?? 0);
    return length > maxBodyBytes(this.#options) ? this.#tooLarge() : undefined;
  }

  /** The whole body, or why it is not taken. Rejects when the sender goes away or is too slow. */
  async #read(request: IncomingMessage): Promise<Buffer | Answer> {
    const chunks: Buffer[] = [];
    const most = maxBodyBytes(this.#options);
    const { maxBufferedBytes = Math.max(LEAST_BUFFERED_BYTES, 2 * most) } = this.#options;
    let bytes = 0;
    try {
      for await (const chunk of request) {
        const piece = chunk as Buffer;
        bytes += piece.length;
        this.#buffered += piece.length;
        if (bytes > most) {
          return this.#tooLarge();
        }
        if (this.#buffered > maxBufferedBytes) {
          return { status: 429, reason: "busy", retryAfterSeconds: 1 };
        }
        chunks.push(piece);
      }
    } finally {
      this.#buffered -= bytes;
    }
    return Buffer.concat(chunks, bytes);
  }

  #tooLarge(): Answer {
    return { status: 413, reason: "too-large", detail: `over ${maxBodyBytes(this.#options)} bytes` };
  }
}

function maxBodyBytes(options: WebhookServerOptions): number {
  return options.maxBodyBytes ?? DEFAULT_BODY_BYTES;
}

function timeoutsOf({ requestTimeoutMs }: WebhookServerOptions): { requestTimeout: number; headersTimeout: number } {
  return {
    requestTimeout: requestTimeoutMs ?? 30_000,
    headersTimeout: Math.min(HEADERS_TIMEOUT_MS, requestTimeoutMs ?? HEADERS_TIMEOUT_MS),
  };
}

function secureContextOf({ cert, key, clientCa }: NonNullable<WebhookServerOptions["tls"]>): SecureContextOptions {
  return { cert, key, minVersion: "TLSv1.2", ...(clientCa !== undefined && { ca: clientCa }) };
}

/** Accepted. */
export function accepted(): Answer {
  return OK;
}

/** In time that does not depend on where the texts differ. */
function isToken(header: string | undefined, token: string): boolean {
  const given = /^Bearer +(.*)$/i.exec(header ?? "")?.[1] ?? "";
  return given !== "" && timingSafeEqual(hash("sha256", given, "buffer"), hash("sha256", token, "buffer"));
}

function reply(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  const { status, reason, retryAfterSeconds } = answer;
  const isWhole = request.complete;
  response.writeHead(status, {
    "content-type": "application/json",
    ...(retryAfterSeconds !== undefined && { "retry-after": String(retryAfterSeconds) }),
    ...(status === 401 && { "www-authenticate": "Bearer" }),
    ...(status === 405 && { allow: "POST" }),
    // What is not read cannot be skipped: the connection ends with the answer.
    ...(!isWhole && { connection: "close" }),
  });
  response.end(status === 200 ? "{}" : JSON.stringify({ error: reason }), () => {
    if (!isWhole) {
      request.destroy();
    }
  });
}
