import { request as httpsRequest } from "node:https";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

/** How a client reaches an apiserver on 127.0.0.1. */
export interface ApiClientOptions {
  readonly port: number;
  readonly certificate: Promise<string>;
  /** Without one the requests are anonymous. */
  readonly token: string | undefined;
}

/** What a request carries besides its method and path. */
export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is if it is text, else as JSON. */
  readonly body?: unknown;
  readonly timeoutMs?: number;
  /** Whether the answer is read only up to its first piece, as of a watch, which has no end. */
  readonly isStream?: boolean;
}

export interface ApiAnswer {
  readonly status: number;
  readonly text: string;
}

const TIMEOUT_MS = 60_000;

/** Sends single requests to an apiserver: each with a connection of its own, none repeated. */
export class ApiClient {
  readonly #options: ApiClientOptions;

  constructor(options: ApiClientOptions) {
    this.#options = options;
  }

  async request(method: string, path: string, options: RequestOptions = {}): Promise<ApiAnswer> {
    const { port, token } = this.#options;
    const ca = await this.#options.certificate;
    const { body, headers = {}, timeoutMs = TIMEOUT_MS, isStream = false } = options;
    const payload = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    const sent = {
      Accept: "application/json",
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      ...(payload === undefined
        ? {}
        : { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(payload) }),
      ...headers,
    };
    return new Promise((resolve, reject) => {
      const target = { host: "127.0.0.1", port, method, path, ca, headers: sent, agent: false, timeout: timeoutMs };
      const outgoing = httpsRequest(target, (answer) => {
        void readAnswer(answer, isStream).then(resolve, reject);
      });
      outgoing.on("upgrade", (answer: IncomingMessage, socket: Duplex) => {
        socket.destroy();
        resolve({ status: answer.statusCode ?? 0, text: "" });
      });
      outgoing.on("timeout", () => outgoing.destroy(new Error(`no answer in ${timeoutMs / 1000} s`)));
      outgoing.on("error", (cause) => {
        reject(new Error(`Cannot send ${method} ${path} to the apiserver: ${cause.message}`, { cause }));
      });
      outgoing.end(payload);
    });
  }
}

async function readAnswer(answer: IncomingMessage, isStream: boolean): Promise<ApiAnswer> {
  const status = answer.statusCode ?? 0;
  let text = "";
  for await (const piece of answer) {
    text += String(piece);
    if (isStream && text.includes("\n")) {
      answer.destroy();
      break;
    }
  }
  return { status, text };
}
