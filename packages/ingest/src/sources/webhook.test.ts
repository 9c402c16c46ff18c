import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { RequestOptions } from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openCheckpoint } from "../state/checkpoint.ts";
import type { Source, SourceAlarm } from "../source.ts";
import { receive, testSource } from "../source.suite.ts";
import type { ReceivedLine } from "../source.suite.ts";
import { makeCertificate } from "./certificate.suite.ts";
import { readWebhookBody } from "./webhook-body.ts";
import { createWebhook, patienceOfApiserver } from "./webhook.ts";
import type { WebhookOptions } from "./webhook.ts";

testSource("webhook", {
  prepare: async (lines) => {
    const own = mkdtempSync(join(tmpdir(), "webhook-suite-"));
    const create = async (onListening?: (port: number) => void): Promise<Source> =>
      createWebhook({
        name: "webhook",
        host: "127.0.0.1",
        port: 0,
        spoolFolder: join(own, "spool"),
        checkpoint: await openCheckpoint(join(own, "checkpoint.json")),
        chunkBytes: 4096,
        ...(onListening && { onListening }),
      });
    await new Promise<void>((resolve, reject) => {
      const stop = new AbortController();
      void create((port) => {
        const bodies = [lines.slice(0, 100), lines.slice(100, 101), lines.slice(101)];
        bodies
          .reduce(
            (before, body) => before.then(async () => expect((await post(port, list(body))).status).toBe(200)),
            Promise.resolve(),
          )
          .then(() => stop.abort(), reject);
      }).then(async (source) => {
        for await (const chunk of source.open(stop.signal)) {
          expect(chunk.bytes.length).toBeGreaterThanOrEqual(0);
        }
        await source.close();
        resolve();
      }, reject);
    });
    return { create, cleanUp: async () => rmSync(own, { recursive: true }) };
  },
});

let folder: string;
let alarms: SourceAlarm[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "webhook-"));
  alarms = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("webhook", () => {
  test("takes the events of a body out byte for byte, in order, though they have no kind", () =>
    running({}, async ({ port, lines }) => {
      const events = [event(1), event(2, '"requestObject":{"n":12345678901234567890,"a":1.10}')];
      expect(await post(port, list(events))).toMatchObject({ status: 200 });
      expect(
        await post(port, `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[]}`),
      ).toMatchObject({
        status: 200,
      });
      await until(() => lines.length === 2);
      expect(lines.map(({ text }) => text)).toEqual(events);
      expect(alarms).toEqual([]);
    }));

  test("has a body on the disk when it answers, and waits for no sink", () =>
    running({ isRead: false }, async ({ port }) => {
      expect((await post(port, list([event(1), event(2)]))).status).toBe(200);
      // What a process that dies now leaves.
      const source = createWebhook(await options({ port: 0 }));
      expect((await receive(source, 2)).map(({ text }) => text)).toEqual([event(1), event(2)]);
    }));

  test("answers 429 with Retry-After when the spool is full, says how long is left, and takes more once there is room", () =>
    running({ maxSpoolBytes: 200_000 }, async ({ port, lines, source }) => {
      const big = list([event(1, `"requestObject":{"pad":"${"x".repeat(60_000)}"}`)]);
      let refused: Reply | undefined;
      let taken = 0;
      expect(source.hasRoom).toBe(true);
      for (; refused === undefined; taken++) {
        expect(taken).toBeLessThan(10);
        const reply = await post(port, big);
        refused = reply.status === 200 ? undefined : reply;
      }
      expect(refused).toMatchObject({ status: 429, retryAfter: "5" });
      expect(source.hasRoom).toBe(false);
      expect(alarms).toMatchObject([
        { kind: "spool-full", message: expect.stringMatching(/drops events in about 331 s/) as string },
      ]);
      expect(patienceOfApiserver(10_000, 5)).toBe(331_250);
      await until(() => lines.length === taken - 1);
      const last = lines.at(-1);
      await source.ack(last?.input ?? "", last?.end ?? 0);
      expect(source.hasRoom).toBe(true);
      expect((await post(port, big)).status).toBe(200);
    }));

  test("lets in only who shows the token", () =>
    running({ token: "s3cret-of-the-webhook" }, async ({ port, lines }) => {
      for (const headers of [
        {},
        { authorization: "Bearer wrong" },
        { authorization: "Basic s3cret-of-the-webhook" },
        { authorization: "Bearer " },
        { authorization: `Bearer s3cret-of-the-webhook${"x".repeat(1000)}` },
      ]) {
        expect(await post(port, list([event(1)]), { headers })).toMatchObject({ status: 401 });
      }
      const headers = { authorization: "Bearer s3cret-of-the-webhook" };
      expect((await post(port, list([event(2)]), { headers })).status).toBe(200);
      await until(() => lines.length === 1);
      expect(lines[0]?.text).toBe(event(2));
      expect(JSON.stringify(alarms)).not.toContain("s3cret");
    }));

  test("lets nobody in by a token that is empty", () =>
    running({ token: "" }, async ({ port }) => {
      for (const headers of [{}, { authorization: "Bearer " }, { authorization: "Bearer" }]) {
        expect(await post(port, list([event(1)]), { headers })).toMatchObject({ status: 401 });
      }
    }));

  test("lets in only who has a certificate of its authority, and speaks TLS only", async () => {
    const authority = makeCertificate("authority");
    const server = makeCertificate("receiver", authority);
    const client = makeCertificate("apiserver", authority);
    const stranger = makeCertificate("apiserver", makeCertificate("authority"));
    await running(
      { tls: { cert: server.cert, key: server.key, clientCa: authority.cert } },
      async ({ port, lines }) => {
        const tls = { ca: authority.cert, isTls: true };
        await expect(post(port, list([event(1)]), tls)).rejects.toThrow();
        await expect(
          post(port, list([event(1)]), { ...tls, cert: stranger.cert, key: stranger.key }),
        ).rejects.toThrow();
        await expect(post(port, list([event(1)]))).rejects.toThrow();
        expect((await post(port, list([event(2)]), { ...tls, cert: client.cert, key: client.key })).status).toBe(200);
        await until(() => lines.length === 1);
        expect(lines[0]?.text).toBe(event(2));
      },
    );
  });

  test.each([
    ["its common name", ["CN=apiserver"]],
    ["an alternative name", ["CN=other", "DNS:localhost"]],
  ])("of the callers with a certificate of its authority lets in who is named by %s", async (_by, clientNames) => {
    const authority = makeCertificate("authority");
    const server = makeCertificate("receiver", authority);
    const client = makeCertificate("apiserver", authority);
    const tls = { cert: server.cert, key: server.key, clientCa: authority.cert, clientNames };
    await running({ tls }, async ({ port, lines, source }) => {
      const as = { ca: authority.cert, isTls: true, cert: client.cert, key: client.key };
      expect((await post(port, list([event(1)]), as)).status).toBe(200);
      await until(() => lines.length === 1);
      expect(source.requests?.()).toEqual({ accepted: 1 });
    });
  });

  test("refuses with 403 whoever else has a certificate of its authority, counts and names them", async () => {
    const authority = makeCertificate("authority");
    const server = makeCertificate("receiver", authority);
    const names = ["CN=apiserver", "DNS:apiserver", "URI:spiffe://prod/apiserver"];
    const tls = { cert: server.cert, key: server.key, clientCa: authority.cert, clientNames: names };
    await running({ tls, token: "t" }, async ({ port, lines, source }) => {
      const callers = [
        "system:node:n1",
        "apiserver2",
        "APISERVER",
        "x, CN=apiserver",
        '", DNS:apiserver, "',
        "x\nCN=apiserver",
      ];
      for (const name of callers) {
        const { cert, key } = makeCertificate(name, authority);
        const as = { ca: authority.cert, isTls: true, cert, key };
        // With and without the token: who may not come learns nothing of it.
        for (const headers of [{ authorization: "Bearer t" }, {}]) {
          expect((await post(port, list([event(1)]), { ...as, headers })).status).toBe(403);
        }
      }
      expect(lines).toEqual([]);
      expect(source.requests?.()).toEqual({ forbidden: 2 * callers.length });
      expect(alarms[0]?.message).toContain("CN=system:node:n1, DNS:localhost");
    });
  });

  test.each([
    ["an empty body", "", 400],
    ["no JSON", "hello", 400],
    ["half a document", list([event(1)]).slice(0, -5), 400],
    ["another document", '{"kind":"PodList","items":[{"metadata":{}}]}', 400],
    ["an object", "{}", 400],
    ["items that are no list", '{"kind":"EventList","items":{}}', 400],
    ["NUL bytes", Buffer.alloc(1000), 400],
    ["random bytes", Buffer.from(Array.from({ length: 500 }, (_, i) => (i * 7919) % 256)), 400],
    ["a body over the limit", list([event(1, `"requestObject":"${"x".repeat(100_000)}"`)]), 413],
    ["deep nesting", `{"kind":"EventList","items":[${"[".repeat(40_000)}`, 400],
  ])("refuses %s and stands", (_name, body, status) =>
    running({ maxBodyBytes: 100_000 }, async ({ port, lines }) => {
      expect((await post(port, body)).status).toBe(status);
      expect(alarms.map(({ kind }) => kind)).toEqual(["refused"]);
      expect((await post(port, list([event(1)]))).status).toBe(200);
      await until(() => lines.length === 1);
    }),
  );

  test("refuses a body without a length as soon as it is over the limit", () =>
    running({ maxBodyBytes: 100_000 }, async ({ port }) => {
      const reply = await post(port, "x".repeat(300_000), { headers: { "transfer-encoding": "chunked" } });
      expect(reply.status).toBe(413);
    }));

  test("refuses other methods, paths and encodings", () =>
    running({ path: "/audit" }, async ({ port }) => {
      const body = list([event(1)]);
      expect((await post(port, body, { path: "/" })).status).toBe(404);
      expect((await post(port, body, { path: "/auditor" })).status).toBe(404);
      expect((await post(port, body, { path: "/audit", method: "GET" })).status).toBe(405);
      expect((await post(port, body, { path: "/audit", headers: { "content-encoding": "gzip" } })).status).toBe(415);
      expect((await post(port, body, { path: "/audit?timeout=30s" })).status).toBe(200);
    }));

  test("cuts off slow senders, and half requests, and serves others meanwhile", () =>
    running({ requestTimeoutMs: 300 }, async ({ port, lines }) => {
      const closed = [
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nslow",
        "POST / HTTP/1.1\r\nho",
        "",
      ].map((text) => untilClosed(port, text));
      expect((await post(port, list([event(1)]))).status).toBe(200);
      await until(() => lines.length === 1);
      await Promise.all(closed.slice(0, 2));
      expect((await post(port, list([event(2)]))).status).toBe(200);
    }));

  test("takes what an apiserver sends while more connections than there is room for are held open and say nothing", async () => {
    const server = makeCertificate("receiver");
    await running({ tls: { cert: server.cert, key: server.key }, token: "t" }, async ({ port }) => {
      const held = Array.from({ length: 600 }, () => connect(port, "127.0.0.1").on("error", () => undefined));
      await Promise.all(held.map((socket) => new Promise((resolve) => socket.once("connect", resolve))));
      const as = { ca: server.cert, isTls: true, headers: { authorization: "Bearer t" } };
      expect((await post(port, list([event(1)]), as)).status).toBe(200);
      held.forEach((socket) => socket.destroy());
    });
  });

  test("stands 1,000 bad bodies and a port scan, and tells of them in a few lines", () =>
    running({ maxBodyBytes: 10_000 }, async ({ port, lines, source }) => {
      const bad = [
        "",
        "{",
        '{"kind":"EventList"',
        "\u0000",
        list(['{"level":']),
        "x".repeat(20_000),
        '{"items":[1,2]}',
      ];
      for (let i = 0; i < 1000; i += 50) {
        const replies = await Promise.all(
          Array.from({ length: 50 }, (_, j) =>
            post(port, bad[(i + j) % bad.length] ?? "").then(
              ({ status }) => status,
              () => 413,
            ),
          ),
        );
        expect(replies.every((status) => status === 400 || status === 413)).toBe(true);
      }
      const probes = [
        "",
        "\u0000",
        "GET / HTTP/1.0\r\n\r\n",
        "\u0016\u0003\u0001\u0002\u0000\u0001",
        "SSH-2.0-x\r\n",
        "\r\n\r\n",
      ];
      await Promise.all(Array.from({ length: 100 }, (_, i) => probe(port, probes[i % probes.length] ?? "")));
      expect((await post(port, list([event(1)]))).status).toBe(200);
      await until(() => lines.length === 1);
      expect(alarms.filter(({ isQuiet }) => isQuiet !== true).length).toBeLessThan(8);
      // Each is counted, by what became of it.
      const { accepted, ...refused } = source.requests?.() ?? {};
      expect(accepted).toBe(1);
      expect(Object.keys(refused)).toEqual(expect.arrayContaining(["malformed", "too-large"]));
      const all = Object.values(refused).reduce((sum, count) => sum + count, 0);
      expect(all).toBeGreaterThanOrEqual(1000);
      expect(alarms.length).toBe(all);
    }));

  test("keeps what it has when it is told to stop, and gives it after a restart", async () => {
    for (let run = 1; run <= 3; run++) {
      await running({ isRead: false }, async ({ port }) => {
        expect((await post(port, list([event(run)]))).status).toBe(200);
      });
    }
    await running({}, async ({ lines, source }) => {
      await until(() => lines.length === 3);
      expect(lines.map(({ text }) => text)).toEqual([event(1), event(2), event(3)]);
      const second = lines[1];
      await source.ack(second?.input ?? "", second?.end ?? 0);
    });
    expect(readdirSync(join(folder, "spool"))).toHaveLength(1);
    await running({}, async ({ lines }) => {
      await until(() => lines.length === 1);
      expect(lines[0]?.text).toBe(event(3));
    });
  });

  test("cuts off what a crash tore in the middle of a body: its sender was told nothing", async () => {
    await running({ isRead: false }, async ({ port }) => void (await post(port, list([event(1)]))));
    const [name = ""] = readdirSync(join(folder, "spool"));
    writeFileSync(join(folder, "spool", name), `${event(1)}\n${event(2).slice(0, 30)}`);
    await running({}, async ({ port, lines }) => {
      await post(port, list([event(3)]));
      await until(() => lines.length === 2);
      expect(lines.map(({ text }) => text)).toEqual([event(1), event(3)]);
    });
  });

  test("says which port it cannot have", () =>
    running({}, async ({ port }) => {
      const source = createWebhook(await options({ port }));
      await expect(receive(source, 1)).rejects.toMatchObject({
        message: expect.stringContaining(String(port)) as string,
      });
    }));
});

describe("readWebhookBody", () => {
  test("passes an item that is no event on beside events", () => {
    expect(readWebhookBody(Buffer.from(list([event(1), '{"x":1}'])))).toMatchObject({ ok: true, events: 1 });
  });

  test("takes logs and provider envelopes too", () => {
    expect(readWebhookBody(Buffer.from(`${event(1)}\n${event(2)}\n`))).toMatchObject({ ok: true, events: 2 });
    const aks = JSON.stringify({ records: [{ category: "kube-audit", properties: { log: event(1) } }] });
    expect(readWebhookBody(Buffer.from(aks))).toMatchObject({ ok: true, events: 1 });
  });

  test("finds events that only the pipeline would find: in a document over lines behind what is none", () => {
    const body = Buffer.from(`{"level":"Metadata"}\n{\n"kind":"EventList",\n"items":[\n${event(1)}]}\n`);
    expect(readWebhookBody(body)).toMatchObject({ ok: true, events: 1, lines: body.subarray(0, -1) });
    expect(readWebhookBody(Buffer.from('{"level":"Metadata"}\n'))).toMatchObject({ ok: false });
  });
});

interface Reply {
  readonly status: number;
  readonly retryAfter: string | undefined;
}

interface Running {
  readonly port: number;
  readonly source: Source;
  readonly lines: readonly ReceivedLine[];
}

async function options(given: Partial<WebhookOptions>): Promise<WebhookOptions> {
  return {
    name: "webhook",
    host: "127.0.0.1",
    port: 0,
    spoolFolder: join(folder, "spool"),
    checkpoint: await openCheckpoint(join(folder, "checkpoint.json")),
    onAlarm: (alarm) => alarms.push(alarm),
    ...given,
  };
}

/** Runs a receiver, read by a pipeline that acknowledges nothing by itself, or not read at all. */
async function running(
  given: Partial<WebhookOptions> & { readonly isRead?: boolean },
  use: (running: Running) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const lines: ReceivedLine[] = [];
  const { isRead = true, ...rest } = given;
  let listening: (port: number) => void = () => undefined;
  const port = new Promise<number>((resolve) => (listening = resolve));
  const source = createWebhook(await options({ ...rest, onListening: listening }));
  const chunks = source.open(stop.signal)[Symbol.asyncIterator]();
  const reading = (async () => {
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
      const { input, offset, bytes } = next.value;
      let at = 0;
      for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, at)) {
        lines.push({ input, end: offset + end + 1, text: bytes.toString("utf8", at, end) });
        at = end + 1;
      }
      if (!isRead) {
        // A pipeline that is held up by its sinks.
        while (!stop.signal.aborted) {
          await sleep(5);
        }
        await chunks.return?.();
        return;
      }
    }
  })();
  try {
    await use({ port: await port, source, lines });
  } finally {
    stop.abort();
    await reading;
    await source.close();
  }
}

function post(
  port: number,
  body: string | Buffer,
  given: Omit<RequestOptions, "headers"> & { readonly isTls?: boolean; readonly headers?: Record<string, string> } = {},
): Promise<Reply> {
  const { isTls = false, headers, ...rest } = given;
  return new Promise((resolve, reject) => {
    const isChunked = headers !== undefined && "transfer-encoding" in headers;
    const length = isChunked ? {} : { "content-length": Buffer.byteLength(body) };
    const request = (isTls ? httpsRequest : httpRequest)(
      { host: "127.0.0.1", port, method: "POST", agent: false, ...rest, headers: { ...length, ...headers } },
      (response) => {
        response.resume();
        response.once("end", () =>
          resolve({ status: response.statusCode ?? 0, retryAfter: response.headers["retry-after"] }),
        );
        response.once("error", reject);
      },
    );
    request.once("error", reject);
    request.end(body);
  });
}

function probe(port: number, text: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.end(text));
    socket.on("error", () => resolve());
    socket.on("close", () => resolve());
    socket.resume();
  });
}

function untilClosed(port: number, text: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(text));
    socket.on("error", () => resolve());
    socket.on("close", () => resolve());
    socket.resume();
  });
}

function event(number: number, more = '"annotations":{}'): string {
  return `{"level":"Metadata","auditID":"id-${number}","stage":"ResponseComplete","requestURI":"/api/v1/pods","verb":"list","user":{"username":"jane"},${more}}`;
}

function list(events: readonly string[]): string {
  return `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[${events.join(",")}]}\n`;
}

async function until(isDone: () => boolean): Promise<void> {
  for (let waited = 0; !isDone(); waited++) {
    expect(waited).toBeLessThan(4000);
    await sleep(2);
  }
}
