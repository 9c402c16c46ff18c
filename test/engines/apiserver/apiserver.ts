import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "../free-port.ts";
import { buildGoProgram } from "../policy-oracle/go-program.ts";
import type { GoBuildOptions, GoProgram } from "../policy-oracle/go-program.ts";
import { ApiClient } from "./api-client.ts";
import { writeConfiguration } from "./configuration.ts";
import type { Configuration, TokenUser, WebhookTarget } from "./configuration.ts";

/** Version of Kubernetes that is built; go.mod names its modules. */
export const KUBERNETES_VERSION = "1.37.2";

export interface ApiserverOptions extends GoBuildOptions {
  /** The audit policy that it loads. */
  readonly policyText: string;
  /** Where its webhook backend posts to; without one there is none. On the loopback interface. */
  readonly webhook?: string | WebhookTarget;
  /** Who may log in besides `admin`, which is in system:masters. */
  readonly users?: readonly TokenUser[];
  /** Further flags of kube-apiserver. */
  readonly flags?: readonly string[];
  /** What one start may take. */
  readonly readyTimeoutMs?: number;
}

/** A real kube-apiserver with its own etcd, on 127.0.0.1. */
export interface RunningApiserver {
  readonly url: string;
  readonly pid: number;
  /** Path of the log that it writes; complete once it has stopped. It is gone after `remove`. */
  readonly auditLog: string;
  /** Certificate that it shows. */
  readonly certificate: string;
  /** Bearer tokens by user name. */
  readonly tokens: ReadonlyMap<string, string>;
  /** A client for a user, or with a token of its own, or for nobody. */
  client(who?: { readonly user: string } | { readonly token: string }): ApiClient;
  /** Ends the process; the audit log stays. */
  stop(): Promise<void>;
  /** Ends the process and removes its folder. */
  remove(): Promise<void>;
}

const READY_TIMEOUT_MS = 180_000;
const STOP_TIMEOUT_MS = 30_000;
const START_ATTEMPTS = 3;
const LOG_LINES_SHOWN = 15;
/** What the linker writes into programs of Kubernetes: their version, which goes into the user agents of the log. */
export const KUBERNETES_VARIABLES: readonly string[] = [
  ...["component-base/version", "client-go/pkg/version"].flatMap((name) => [
    `k8s.io/${name}.gitVersion=v${KUBERNETES_VERSION}`,
    `k8s.io/${name}.gitCommit=0000000000000000000000000000000000000000`,
  ]),
  "k8s.io/component-base/version.gitMajor=1",
  "k8s.io/component-base/version.gitMinor=37",
];

const APISERVER: GoProgram = {
  // The name of the binary goes into the user agent of its own requests.
  name: "kube-apiserver",
  folder: fileURLToPath(new URL(".", import.meta.url)),
  variables: KUBERNETES_VARIABLES,
};

/** Builds kube-apiserver and etcd once: minutes on an empty cache, then nothing. */
export function buildApiserver(options: GoBuildOptions = {}): Promise<string> {
  return buildGoProgram(APISERVER, options);
}

/**
 * Builds the same apiserver with a clock that goes so many whole days ahead of the machine's: Go's `time.Now` adds them,
 * everything else is as it was. Everything is compiled anew, which takes some fifteen minutes of two cores once.
 */
export function buildApiserverAhead(days: number, options: GoBuildOptions = {}): Promise<string> {
  const now = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n";
  const put = `${now}\tsec += ${days * 86_400}\n`;
  return buildGoProgram({ ...APISERVER, library: [{ file: "time/time.go", find: now, put }] }, options);
}

/** Starts an apiserver and waits until it is ready. Fails with the end of its log where it does not come up. */
export async function startApiserver(options: ApiserverOptions): Promise<RunningApiserver> {
  const binary = await buildApiserver(options);
  const folder = await mkdtemp(join(tmpdir(), "apiserver-"));
  try {
    const configuration = await writeConfiguration(folder, options);
    for (let attempt = 1; ; attempt++) {
      const port = await freePort();
      const server = launch(binary, folder, configuration, port, options.flags ?? []);
      try {
        await untilReady(server, folder, configuration, port, options.readyTimeoutMs ?? READY_TIMEOUT_MS);
        return running(server, folder, configuration, port);
      } catch (error) {
        await end(server);
        const isTaken = error instanceof Error && error.message.includes("address already in use");
        if (!isTaken || attempt === START_ATTEMPTS) {
          throw error;
        }
      }
    }
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

function running(
  server: ChildProcess,
  folder: string,
  { auditLog, certificate, tokens }: Configuration,
  port: number,
): RunningApiserver {
  const url = `https://127.0.0.1:${port}`;
  const read = readFile(certificate, "utf8");
  return {
    url,
    pid: server.pid ?? 0,
    auditLog,
    certificate,
    tokens,
    client: (who) => {
      const token = who === undefined ? undefined : "token" in who ? who.token : tokens.get(who.user);
      if (who !== undefined && token === undefined) {
        throw new Error(
          `Cannot log in as ${"user" in who ? who.user : ""}: the apiserver was started without that user`,
        );
      }
      return new ApiClient({ port, certificate: read, token });
    },
    stop: () => end(server),
    remove: async () => {
      await end(server);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function launch(
  binary: string,
  folder: string,
  configuration: Configuration,
  port: number,
  flags: readonly string[],
): ChildProcess {
  const args = [...configuration.flags, `--secure-port=${port}`, ...flags];
  const env = { PATH: process.env["PATH"] ?? "", HOME: folder, ETCD_DATA_DIR: join(folder, `etcd-${port}`) };
  const server = spawn(binary, args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  const log = createWriteStream(join(folder, "apiserver.log"), { flags: "a" });
  server.stdout?.pipe(log, { end: false });
  server.stderr?.pipe(log, { end: false });
  server.once("close", () => log.end());
  const kill = (): void => {
    server.kill("SIGKILL");
  };
  // A test run that is cut short leaves nothing behind.
  process.once("exit", kill);
  server.once("exit", () => process.removeListener("exit", kill));
  return server;
}

async function untilReady(
  server: ChildProcess,
  folder: string,
  { certificate }: Configuration,
  port: number,
  timeoutMs: number,
): Promise<void> {
  const limit = Date.now() + timeoutMs;
  while (Date.now() < limit) {
    if (server.exitCode !== null || server.signalCode !== null) {
      throw new Error(`Cannot start kube-apiserver: it ended by itself\n${await endOfLog(folder)}`);
    }
    if (await isReady(certificate, port)) {
      return;
    }
    await sleep(200);
  }
  throw new Error(`Cannot start kube-apiserver: not ready after ${timeoutMs / 1000} s\n${await endOfLog(folder)}`);
}

async function isReady(certificate: string, port: number): Promise<boolean> {
  try {
    // The apiserver makes its certificate itself, some time after it starts.
    const pem = readFile(certificate, "utf8");
    return (await new ApiClient({ port, certificate: pem, token: undefined }).request("GET", "/readyz")).status === 200;
  } catch {
    return false;
  }
}

async function endOfLog(folder: string): Promise<string> {
  const log = await readFile(join(folder, "apiserver.log"), "utf8").catch(() => "");
  return log.trim().split("\n").slice(-LOG_LINES_SHOWN).join("\n");
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null || server.pid === undefined) {
    return;
  }
  const ended = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  server.kill("SIGTERM");
  const timer = setTimeout(() => server.kill("SIGKILL"), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(timer);
}
