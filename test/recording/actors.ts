import { execFile } from "node:child_process";
import { request as httpsRequest } from "node:https";
import type { RequestOptions } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { credentialIdOfCertificate, credentialIdOfToken } from "./certificates.ts";
import type { KeyPair } from "./certificates.ts";
import type { ControlPlane } from "./control-plane.ts";

/** What somebody shows to the apiserver; nothing for an anonymous request. */
export type Credential = KeyPair | { readonly token: string } | undefined;

export interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Loopback address that the connection comes from, which is the last of `sourceIPs`; by default 127.0.0.1. */
  readonly peer?: string;
  /** Closes the connection after this long: for watches. */
  readonly closeAfterMs?: number;
}

export interface Answer {
  readonly status: number;
  readonly auditID: string;
  readonly body: unknown;
}

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** User agents that a step may claim to be. */
export const AGENTS = {
  curl: "curl/8.14.1",
  kubelet: "kubelet/v1.37.2 (linux/amd64) kubernetes/0000000",
  python: "python-requests/2.32.5",
  kubectl: "kubectl/v1.37.2 (linux/amd64) kubernetes/0000000",
} as const;

const KUBECTL_TIMEOUT_MS = 60_000;
const REQUEST_TIMEOUT_MS = 60_000;

/** Sends what the steps send, and remembers the audit id of each single request. */
export class Actors {
  readonly #plane: ControlPlane;
  #auditIDs: string[] = [];

  constructor(plane: ControlPlane) {
    this.#plane = plane;
  }

  /** The audit ids of the requests since the last call. */
  takeAuditIDs(): readonly string[] {
    const taken = this.#auditIDs;
    this.#auditIDs = [];
    return taken;
  }

  /** A key and a request for a certificate, made here. */
  certificateRequest(name: string, subject: string): Promise<{ readonly key: string; readonly request: string }> {
    return this.#plane.maker.request(name, subject);
  }

  /** What the administrator sees; no deed of a step. */
  async look(path: string): Promise<unknown> {
    const { body, auditID } = await this.send(this.certificate("kubernetes-admin"), "GET", path);
    this.#auditIDs = this.#auditIDs.filter((id) => id !== auditID);
    return body;
  }

  /** A client certificate made here, as somebody gets it who holds the authority's key. */
  freshCertificate(user: string, groups: readonly string[]): Promise<KeyPair> {
    return this.#plane.maker.client(user, this.#plane.ca, user, groups);
  }

  /** A token that the administrator makes for a service account. */
  async freshToken(namespace: string, account: string): Promise<string> {
    const { stdout } = await this.kubectl("kubernetes-admin", ["-n", namespace, "create", "token", account]);
    return stdout.trim();
  }

  certificate(user: string): KeyPair {
    const pair = this.#plane.certificates.get(user);
    if (pair === undefined) throw new Error(`Cannot act as ${user}: no certificate was made for that user`);
    return pair;
  }

  /** Runs the real kubectl as a person. Objects are given to it as JSON on its input. */
  kubectl(user: string, args: readonly string[], ...objects: readonly unknown[]): Promise<Outcome> {
    const input = objects.length === 0 ? [] : ["-f", "-"];
    const all = ["--kubeconfig", this.#plane.kubeconfig(user), ...beforeDashes(args, input)];
    return new Promise((resolve) => {
      const env = { HOME: this.#plane.folder, PATH: "" };
      const options = { env, timeout: KUBECTL_TIMEOUT_MS, maxBuffer: 1 << 26 };
      const child = execFile(this.#plane.kubectl, all, options, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
      });
      child.stdin?.on("error", () => undefined);
      child.stdin?.end(objects.map((object) => JSON.stringify(object)).join("\n"));
    });
  }

  /** Sends one request on a connection of its own. */
  send(who: Credential, method: string, path: string, sent: Sent = {}): Promise<Answer> {
    const payload = sent.body === undefined ? undefined : JSON.stringify(sent.body);
    const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    const headers = {
      Accept: "application/json",
      "User-Agent": AGENTS.curl,
      ...(who !== undefined && "token" in who ? { Authorization: `Bearer ${who.token}` } : {}),
      ...(payload === undefined ? {} : { "Content-Type": type, "Content-Length": Buffer.byteLength(payload) }),
      ...sent.headers,
    };
    const pair = who !== undefined && "cert" in who ? { cert: who.cert, key: who.key } : {};
    const { port, ca } = this.#plane;
    const from = sent.peer === undefined ? {} : { localAddress: sent.peer };
    const target = { host: "127.0.0.1", port, method, path, ca: ca.cert, headers, agent: false, ...pair, ...from };
    return this.#exchange(target, payload, sent.closeAfterMs);
  }

  #exchange(target: RequestOptions, payload: string | undefined, closeAfterMs?: number): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const outgoing = httpsRequest(target, (answer) => {
        const auditID = String(answer.headers["audit-id"] ?? "");
        if (auditID !== "") this.#auditIDs.push(auditID);
        const pieces: Buffer[] = [];
        const finish = (): void => {
          resolve({ status: answer.statusCode ?? 0, auditID, body: parsed(Buffer.concat(pieces).toString()) });
        };
        answer.on("data", (piece: Buffer) => pieces.push(piece));
        answer.on("end", finish).on("close", finish).on("error", finish);
        if (closeAfterMs !== undefined) setTimeout(() => answer.destroy(), closeAfterMs);
      });
      outgoing.on("upgrade", (answer, socket) => {
        const auditID = String(answer.headers["audit-id"] ?? "");
        if (auditID !== "") this.#auditIDs.push(auditID);
        socket.destroy();
        resolve({ status: answer.statusCode ?? 0, auditID, body: undefined });
      });
      outgoing.setTimeout(REQUEST_TIMEOUT_MS, () => outgoing.destroy(new Error("no answer in time")));
      outgoing.on("error", reject);
      outgoing.end(payload);
    });
  }
}

/** Something must come true, as the controllers get to it. */
export async function until<T>(what: string, look: () => Promise<T | undefined>, timeoutMs = 120_000): Promise<T> {
  const limit = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > limit) throw new Error(`Cannot go on: ${what} has not happened in ${timeoutMs / 1000} s`);
    await sleep(300);
  }
}

/** As the apiserver names the credential in `user.extra`. */
export function credentialId(who: Credential): string | undefined {
  if (who === undefined) return undefined;
  return "token" in who ? credentialIdOfToken(who.token) : credentialIdOfCertificate(who.cert);
}

/** The headers of a request that a proxy has forwarded for an address. */
export function forwarded(address: string, agent: string = AGENTS.curl): Readonly<Record<string, string>> {
  return { "X-Forwarded-For": address, "User-Agent": agent };
}

/** Reads a member of an answer by its path. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((here, key) => (here as Record<string | number, unknown> | undefined)?.[key], value);
}

function beforeDashes(args: readonly string[], more: readonly string[]): readonly string[] {
  const dashes = args.indexOf("--");
  return dashes < 0 ? [...args, ...more] : [...args.slice(0, dashes), ...more, ...args.slice(dashes)];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
