import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { createServer, request as httpsRequest } from "node:https";
import type { Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { freePort } from "../../../../test/engines/free-port.ts";
import { readConfig } from "../config/config.ts";
import type { IngestConfig } from "../config/config.ts";
import { eventsOf } from "./daemon-chaos.suite.ts";
import { runDaemon } from "./daemon-reload.ts";
import { createLogger } from "../logger.ts";
import { MockElasticsearch } from "../sinks/mock-elasticsearch.suite.ts";
import { makeCertificate } from "../sources/certificate.suite.ts";
import type { TestCertificate } from "../sources/certificate.suite.ts";

test("a reload takes a new server certificate, a new CA and new keys from the files that the configuration names, and loses nothing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "daemon-secrets-"));
  const mock = await MockElasticsearch.start();
  const port = await freePort();
  const receiver = [makeCertificate("receiver 1"), makeCertificate("receiver 2")] as const;
  const elasticsearch = [makeCertificate("elasticsearch 1"), makeCertificate("elasticsearch 2")] as const;
  const guarded = await Guarded.start(mock.url, elasticsearch[0], "key-one");
  const place = (round: 0 | 1): void => {
    writeFileSync(join(folder, "tls.crt"), receiver[round].cert);
    writeFileSync(join(folder, "tls.key"), receiver[round].key);
    writeFileSync(join(folder, "ca.crt"), elasticsearch[round].cert);
    writeFileSync(join(folder, "es.key"), round === 0 ? "key-one\n" : "key-two\n");
    writeFileSync(join(folder, "token"), round === 0 ? "token-one\n" : "token-two\n");
  };
  place(0);
  const logged: string[] = [];
  const logger = createLogger({ destination: { write: (line) => void logged.push(line) } });
  const load = (): IngestConfig => configOf(folder, port, guarded.url);
  const stop = new AbortController();
  const reloads = new EventTarget();
  const running = runDaemon(load(), { logger, signal: stop.signal, reloads, load: async () => load() });
  const sent: string[] = [];
  const post = async (round: 0 | 1): Promise<number> => {
    const event = eventOf(sent.length);
    const status = await postOver(port, event, receiver[round].cert, round === 0 ? "token-one" : "token-two");
    if (status === 200) {
      sent.push(event);
    }
    return status;
  };
  try {
    await until(() =>
      post(0)
        .then((status) => status === 200)
        .catch(() => false),
    );
    await until(() => eventsOf(mock).length === sent.length);
    // Elasticsearch is first: until the reload nothing of it is believed any more, and events wait in the spool.
    guarded.rotate(elasticsearch[1], "key-two");
    expect(await post(0)).toBe(200);
    expect(await post(0)).toBe(200);
    const stored = eventsOf(mock).length;
    place(1);
    // A caller that knows the new certificate only, and tries again as long as it must.
    await expect(post(1)).rejects.toThrow(/self-signed|certificate/);
    reloads.dispatchEvent(new Event("reload"));
    await until(() =>
      post(1)
        .then((status) => status === 200)
        .catch(() => false),
    );
    await expect(postOver(port, eventOf(9999), receiver[0].cert, "token-two")).rejects.toThrow(
      /self-signed|certificate/,
    );
    expect(await postOver(port, eventOf(9999), receiver[1].cert, "token-one")).toBe(401);
    await until(() => eventsOf(mock).length >= sent.length);
    expect(stored).toBeLessThan(sent.length - 1);
    stop.abort();
    expect(await running).toMatchObject({ reason: "stopped", unacknowledged: 0 });
    expect(eventsOf(mock).toSorted()).toEqual(sent.toSorted());
    expect(mock.duplicates).toBe(0);
    expect(guarded.refused).toBe(0);
    expect(logged.join("")).not.toMatch(/key-one|key-two|token-one|token-two|PRIVATE KEY/);
  } finally {
    stop.abort();
    await running;
    await guarded.stop();
    await mock.stop();
    rmSync(folder, { recursive: true });
  }
});

/** TLS and an API key before an Elasticsearch that has neither. */
class Guarded {
  readonly #server: Server;
  #key: string;
  /** Requests that came with another key. */
  refused = 0;

  private constructor(upstream: string, { cert, key }: TestCertificate, apiKey: string) {
    this.#key = apiKey;
    this.#server = createServer({ cert, key }, (request, response) => {
      if (request.headers.authorization !== `ApiKey ${this.#key}`) {
        this.refused++;
        response.writeHead(401).end();
        return;
      }
      const { method, headers, url } = request;
      const onward = httpRequest(`${upstream}${url ?? ""}`, { method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      onward.on("error", () => response.destroy());
      request.pipe(onward);
    });
  }

  static async start(upstream: string, certificate: TestCertificate, apiKey: string): Promise<Guarded> {
    const guarded = new Guarded(upstream, certificate, apiKey);
    await new Promise<void>((resolve) => guarded.#server.listen(0, "127.0.0.1", resolve));
    return guarded;
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** From now on another certificate and another key; who is connected has to come again. */
  rotate({ cert, key }: TestCertificate, apiKey: string): void {
    this.#server.setSecureContext({ cert, key });
    this.#key = apiKey;
    this.#server.closeAllConnections();
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

function configOf(folder: string, port: number, node: string): IngestConfig {
  const { config, problems } = readConfig(
    `
cluster: test
stateFolder: ${folder}/state
sources:
  - type: webhook
    listen: 127.0.0.1:${port}
    certFile: ${folder}/tls.crt
    keyFile: ${folder}/tls.key
    token: file:${folder}/token
sinks:
  - { type: elasticsearch, node: "${node}", caFile: ${folder}/ca.crt, apiKey: "file:${folder}/es.key", feed: all, requestTimeoutMs: 2000 }
limits: { maxBatchAgeMs: 5, drainMs: 1000 }
`,
    { env: () => undefined, readFile: (path) => readFileSync(path, "utf8"), policy: () => "", detections: () => [] },
  );
  expect(problems).toEqual([]);
  return config as IngestConfig;
}

function eventOf(number: number): string {
  return `{"level":"Metadata","auditID":"id-${number}","stage":"ResponseComplete","requestURI":"/api/v1/pods","verb":"list","user":{"username":"jane"},"stageTimestamp":"2026-11-24T00:00:00.000000Z"}`;
}

function postOver(port: number, event: string, ca: string, token: string): Promise<number> {
  const body = `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[${event}]}`;
  const headers = { "content-length": Buffer.byteLength(body), authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    const request = httpsRequest({ host: "127.0.0.1", port, ca, method: "POST", agent: false, headers }, (response) => {
      response.resume();
      response.once("end", () => resolve(response.statusCode ?? 0));
    });
    request.on("error", reject);
    request.end(body);
  });
}

async function until(isDone: () => boolean | Promise<boolean>): Promise<void> {
  for (const limit = performance.now() + 120_000; !(await isDone()); await sleep(20)) {
    expect(performance.now()).toBeLessThan(limit);
  }
}
