import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { request } from "node:https";
import type { TLSSocket } from "node:tls";
import { freePort } from "../../../../test/engines/free-port.ts";
import { DEFAULT_BACKOFF } from "../backoff.ts";
import type { IngestConfig } from "../config/config.ts";
import { runDaemon } from "./daemon-reload.ts";
import { startDaemon } from "./daemon.ts";
import { parseExposition } from "./exposition.suite.ts";
import type { Samples } from "./exposition.suite.ts";
import { makeCertificate } from "../sources/certificate.suite.ts";
import { daemonFixture, eventLine, soundConfig, until } from "./daemon-fixture.suite.ts";

const fixture = daemonFixture();
const { logger } = fixture;

describe("metrics", () => {
  test("say what became of each line, how far behind the daemon is, and nothing of a log", async () => {
    const port = await freePort();
    writeFileSync(log(), `torn CANARY\n${eventLine(1, "jane")}${eventLine(2, "noise")}${eventLine(3, "CANARY")}`);
    const stop = new AbortController();
    const running = startDaemon(config(`metrics: { listen: "127.0.0.1:${port}" }`), {
      logger,
      signal: stop.signal,
      version: "1.2.3",
      residentBytes: () => 1000,
    });
    await until(() => fixture.mock.documents.size === 3);
    expect(await (await fetch(`http://127.0.0.1:${port}/healthz`)).text()).toBe("ok\n");
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200);
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(text).toContain('auditsieve_build_info{version="1.2.3"} 1');
    const source = 'component_kind="source",component_id="audit"';
    expect(text).toContain(`auditsieve_component_received_events_total{${source}} 4`);
    expect(text).toContain(`auditsieve_undecidable_lines_total{${source}} 1`);
    expect(text).toMatch(/auditsieve_source_lag_time_seconds\{[^}]*\} \d/);
    expect(text).toMatch(/auditsieve_source_lag_bytes\{[^}]*\} \d+/);
    const sink = 'component_kind="sink",component_id="elasticsearch",source="audit"';
    expect(text).toContain(`auditsieve_component_sent_events_total{${sink},kind="event"} 3`);
    expect(text).toContain(`auditsieve_component_discarded_events_total{${sink},intentional="true",reason="rule-0"} 1`);
    expect(text).toContain('auditsieve_alarms_total{kind="undecidable"} 1');
    expect(text).not.toContain("CANARY");
    parseExposition(text);
    expect((await fetch(`http://127.0.0.1:${port}/else`)).status).toBe(404);
    expect((await fetch(`http://127.0.0.1:${port}/metrics`, { method: "POST", body: "x" })).status).toBe(405);
    stop.abort();
    await running;
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow();
  });

  test("count what a server that is busy or away was asked again, and the log says in whose words", async () => {
    const port = await freePort();
    writeFileSync(log(), eventLine(1, "jane"));
    fixture.mock.behave = (request) => (request < 5 ? "http-503" : "ok");
    const stop = new AbortController();
    const running = startDaemon(config(`metrics: { listen: "127.0.0.1:${port}" }`), {
      logger,
      signal: stop.signal,
      backoff: { ...DEFAULT_BACKOFF, sleep: async () => undefined },
    });
    await until(() => fixture.mock.documents.size === 1);
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(text).toMatch(/^auditsieve_component_errors_total\{error_type="request-503"\} 5$/m);
    expect(fixture.logged).toContainEqual(
      expect.objectContaining({
        sink: "elasticsearch",
        reason: "request-503",
        detail: expect.stringContaining("mock_exception") as string,
      }),
    );
    stop.abort();
    await running;
  });

  test("not ready while stopping", async () => {
    const port = await freePort();
    fixture.mock.behave = () => "hang";
    writeFileSync(log(), eventLine(1, "jane"));
    const stop = new AbortController();
    const running = startDaemon(config(`metrics: { listen: "127.0.0.1:${port}" }`), { logger, signal: stop.signal });
    await until(() => fixture.mock.bulkRequests > 0);
    stop.abort();
    const response = await fetch(`http://127.0.0.1:${port}/readyz`);
    expect([response.status, await response.text()]).toEqual([503, "stopping\n"]);
    fixture.mock.behave = () => "ok";
    await running;
  });

  test("an address that is taken stops the start, with what to change", async () => {
    const port = Number(new URL(fixture.mock.url).port);
    const starting = startDaemon(config(`metrics: { listen: "127.0.0.1:${port}" }`), {
      logger,
      signal: new AbortController().signal,
    });
    await expect(starting).rejects.toMatchObject({ code: "address-in-use", hint: /metrics.listen/ });
  });
});

describe("reload", () => {
  test("changes the policy without losing or repeating a line", async () => {
    let number = 0;
    const append = (count: number): void => {
      for (let i = 0; i < count; i++) {
        appendFileSync(log(), eventLine(number++, "jane"));
      }
    };
    append(20);
    const port = await freePort();
    const listen = `metrics: { listen: "127.0.0.1:${port}" }`;
    const reloads = new EventTarget();
    const stop = new AbortController();
    let drops = "noise";
    const running = runDaemon(config(listen), {
      logger,
      signal: stop.signal,
      reloads,
      load: async () => config(listen, drops),
    });
    let counted: Samples = new Map();
    for (let reload = 1; reload <= 4; reload++) {
      append(10);
      reloads.dispatchEvent(new Event("reload"));
      append(10);
      await until(() => messages("Started.") === reload + 1);
      await until(() => fixture.mock.documents.size === number);
      const { counters } = parseExposition(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text());
      for (const [sample, before] of counted) {
        expect(counters.get(sample), sample).toBeGreaterThanOrEqual(before);
      }
      counted = counters;
    }
    expect(
      counted.get('auditsieve_component_received_events_total{component_kind="source",component_id="audit"}'),
    ).toBe(number);
    drops = "jane";
    reloads.dispatchEvent(new Event("reload"));
    await until(() => messages("Started.") === 6);
    const before = fixture.mock.documents.size;
    appendFileSync(log(), `${eventLine(number++, "jane")}${eventLine(number, "noise")}`);
    await until(() => fixture.mock.documents.size === before + 1);
    stop.abort();
    expect((await running).unacknowledged).toBe(0);
    expect(fixture.mock.conflicts).toBe(0);
    expect(fixture.mock.documents.size).toBe(before + 2);
  });

  test("answers every post while certificates are exchanged and the configuration with them", async () => {
    writeFileSync(log(), "");
    const authority = makeCertificate("authority");
    const [port, other] = [await freePort(), await freePort()];
    const file = (name: string, text: string): string => {
      writeFileSync(join(fixture.folder, name), text);
      return join(fixture.folder, name);
    };
    const withWebhook = (run: number, listen: number): IngestConfig => {
      const { cert, key } = makeCertificate(`receiver-${run}`, authority);
      const webhook = `{ type: webhook, listen: "127.0.0.1:${listen}", certFile: ${file(`${run}.crt`, cert)}, keyFile: ${file(`${run}.key`, key)}, token: secret }`;
      return soundConfig(`
cluster: test
stateFolder: ${join(fixture.folder, "state")}
sources: [${webhook}]
sinks: [{ type: elasticsearch, node: "${fixture.mock.url}", feed: all }]
limits: { maxBatchAgeMs: 5 }
`);
    };
    const reloads = new EventTarget();
    const stop = new AbortController();
    let run = 0;
    const running = runDaemon(withWebhook(0, port), {
      logger,
      signal: stop.signal,
      reloads,
      load: async () => withWebhook(++run, run === 4 ? other : port),
    });
    const subjects = new Set<string>();
    let posted = 0;
    const post = async (to: number): Promise<number> => {
      const { status, subject } = await postOver(to, authority.cert, "secret", eventLine(posted++, "jane"));
      subjects.add(subject);
      return status;
    };
    const firstPost = async (to: number): Promise<number> => {
      const untried = posted;
      for (let waited = 0; ; waited++) {
        try {
          return await post(to);
        } catch (error) {
          expect([(error as NodeJS.ErrnoException).code, waited < 2000]).toEqual(["ECONNREFUSED", true]);
          posted = untried;
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      }
    };
    expect(await firstPost(port)).toBe(200);
    for (let reload = 1; reload <= 3; reload++) {
      reloads.dispatchEvent(new Event("reload"));
      while (messages("Started.") <= reload) {
        expect(await post(port)).toBe(200);
      }
      expect(await post(port)).toBe(200);
    }
    expect([...subjects]).toEqual(["receiver-0", "receiver-1", "receiver-2", "receiver-3"]);
    reloads.dispatchEvent(new Event("reload"));
    expect(await firstPost(other)).toBe(200);
    await until(() => fixture.mock.documents.size === posted);
    await expect(post(port)).rejects.toThrow("ECONNREFUSED");
    stop.abort();
    await running;
    await expect(post(other)).rejects.toThrow("ECONNREFUSED");
  });

  test("a configuration that is broken, or begins elsewhere, changes nothing", async () => {
    writeFileSync(log(), eventLine(1, "jane"));
    const reloads = new EventTarget();
    const stop = new AbortController();
    const answers: (() => Promise<IngestConfig | undefined>)[] = [
      async () => undefined,
      () => Promise.reject(new Error("no such file")),
      async () => ({ ...config(), stateFolder: join(fixture.folder, "elsewhere") }),
      async () => ({ ...config(), cluster: "other" }),
    ];
    const running = runDaemon(config(), {
      logger,
      signal: stop.signal,
      reloads,
      load: () => (answers.shift() ?? (async () => undefined))(),
    });
    await until(() => fixture.mock.documents.size === 1);
    for (let refused = 1; answers.length > 0; refused++) {
      reloads.dispatchEvent(new Event("reload"));
      await until(() => messages("The configuration is not loaded again: going on with the one before.") === refused);
    }
    appendFileSync(log(), eventLine(2, "jane"));
    await until(() => fixture.mock.documents.size === 2);
    expect(messages("Started.")).toBe(1);
    stop.abort();
    await running;
  });

  test.each<[string, (taken: string) => IngestConfig]>([
    ["the metrics' port is taken", (taken) => config(`metrics: { listen: "${taken}" }`)],
    [
      "only the source finds, once it runs, that its port is taken",
      (taken) => config("", "noise", `, { type: webhook, listen: "${taken}", insecure: true }`),
    ],
  ])("goes back to the configuration before where %s", async (_, broken) => {
    writeFileSync(log(), eventLine(1, "jane"));
    const reloads = new EventTarget();
    const stop = new AbortController();
    const taken = new URL(fixture.mock.url).host;
    const running = runDaemon(config(), {
      logger,
      signal: stop.signal,
      reloads,
      load: async () => broken(taken),
    });
    await until(() => fixture.mock.documents.size === 1);
    reloads.dispatchEvent(new Event("reload"));
    await until(() => messages("The new configuration cannot be started: going on with the one before.") === 1);
    appendFileSync(log(), eventLine(2, "jane"));
    await until(() => fixture.mock.documents.size === 2);
    stop.abort();
    expect(await running).toMatchObject({ reason: "stopped", unacknowledged: 0 });
  });

  test("asked for while another one is under way, comes to what was read last", async () => {
    writeFileSync(log(), eventLine(1, "jane"));
    const reloads = new EventTarget();
    const stop = new AbortController();
    const asked: ((read: IngestConfig) => void)[] = [];
    const running = runDaemon(config(), {
      logger,
      signal: stop.signal,
      reloads,
      load: () => new Promise((resolve) => asked.push(resolve)),
    });
    await until(() => fixture.mock.documents.size === 1);
    reloads.dispatchEvent(new Event("reload"));
    reloads.dispatchEvent(new Event("reload"));
    await until(() => asked.length > 0);
    asked[0]?.(config("", "ann"));
    await until(() => messages("Loading the configuration again.") === 1);
    // The second reading takes longer than the drain.
    await until(() => messages("Stopped; everything read is delivered.") === 1);
    await new Promise(setImmediate);
    asked.splice(1).forEach((give) => give(config("", "bob")));
    await until(() => messages("Started.") >= 2);
    appendFileSync(log(), eventLine(2, "bob") + eventLine(3, "ann"));
    await until(() => fixture.mock.documents.size >= 2);
    stop.abort();
    await running;
    const stored = [...fixture.mock.documents.values()].map((document) => JSON.stringify(document));
    expect(stored.filter((text) => text.includes("id-2"))).toEqual([]);
    expect(stored.filter((text) => text.includes("id-3"))).not.toEqual([]);
  });
});

function messages(text: string): number {
  return fixture.logged.filter(({ msg }) => msg === text).length;
}

function log(): string {
  return join(fixture.folder, "audit.log");
}

function config(more = "", drops = "noise", sources = ""): IngestConfig {
  return soundConfig(
    `
cluster: test
stateFolder: ${join(fixture.folder, "state")}
sources: [{ type: file, path: ${log()}, pollIntervalMs: 5 }${sources}]
sinks: [{ type: elasticsearch, node: "${fixture.mock.url}", feed: kept, requestTimeoutMs: 200 }]
limits: { maxBatchAgeMs: 5 }
${more}
`,
    drops,
  );
}

/** The status that a post is answered with, and whose certificate the receiver showed. */
function postOver(port: number, ca: string, token: string, body: string): Promise<{ status: number; subject: string }> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, "content-length": Buffer.byteLength(body) };
    const sent = request(
      { host: "127.0.0.1", port, method: "POST", path: "/", agent: false, ca, headers },
      (response) => {
        const { subject } = (response.socket as TLSSocket).getPeerCertificate();
        response.resume();
        response.once("end", () => resolve({ status: response.statusCode ?? 0, subject: String(subject.CN) }));
        response.once("error", reject);
      },
    );
    sent.once("error", reject);
    sent.end(body);
  });
}
