import { IngestError } from "@auditsieve/ingest";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  eventAt,
  linesOf,
  liveFindings,
  logOf,
  plainLogOf,
  REDACTOR,
  sample,
  shippedDetections,
} from "./replay-fixtures.suite.ts";
import type { ReplayLog } from "./lines/log-reader.ts";
import { replayLogs } from "./replay-logs.ts";
import type { ReplayOptions } from "./replay-options.ts";

interface Seen {
  readonly times: string[];
  readonly ids: string[];
  begun: number;
}

async function look(logs: readonly ReplayLog[], more: Partial<ReplayOptions> = {}) {
  const seen: Seen = { times: [], ids: [], begun: 0 };
  const replayed = await replayLogs({
    logs,
    detections: [],
    redactor: REDACTOR,
    visitors: [
      {
        begin() {
          seen.begun++;
          seen.times.length = 0;
          seen.ids.length = 0;
        },
        event({ scan }) {
          seen.times.push(scan.text("stageTimestamp") ?? "");
          seen.ids.push(scan.text("auditID") ?? "");
        },
      },
    ],
    ...more,
  });
  return { ...replayed, ...seen };
}

describe("replayLogs", () => {
  test("replayLogs finds what the daemon's pipeline finds", async () => {
    const attack = sample("attack.log.zst")
      .toString()
      .split(/(?<=\n)/)
      .slice(1500, 4000)
      .join("");
    const detections = shippedDetections();
    const live = await liveFindings(attack, detections);
    const { findings } = await replayLogs({ logs: [logOf("attack", attack)], detections, redactor: REDACTOR });
    expect(live.length).toBeGreaterThan(20);
    expect(JSON.parse(JSON.stringify([...findings]))).toEqual(live);
  });

  test("replayLogs finds Audit-IDs that are used again as the daemon's pipeline does, once for each request", async () => {
    const repeated = (ms: number, more: Readonly<Record<string, unknown>>): unknown =>
      eventAt(ms, { auditID: "chosen", ...more });
    const secret = { verb: "get", requestURI: "/api/v1/namespaces/shop/secrets/a", objectRef: { resource: "secrets" } };
    const log = linesOf([
      repeated(0, {}),
      repeated(1_000, {}),
      repeated(2_000, { ...secret, stage: "RequestReceived" }),
      repeated(2_000, secret),
      repeated(3_000, { ...secret, stage: "ResponseStarted" }),
      repeated(3_000, secret),
      eventAt(4_000),
    ]);
    const detections = shippedDetections();
    const live = await liveFindings(log, detections);
    const { findings } = await replayLogs({ logs: [logOf("x", log)], detections, redactor: REDACTOR });
    expect(JSON.parse(JSON.stringify([...findings]))).toEqual(live);
    const again = live.filter(({ detection }) => detection.title === "Audit id used for several requests");
    expect(again.map(({ summary, correlation }) => [summary, correlation])).toEqual(
      ["pods", "secrets/a", "secrets/a"].map((object, i) => [
        `ann: ${i === 0 ? "list" : "get"} /api/v1/namespaces/shop/${object} under an Audit-ID that another request had`,
        undefined,
      ]),
    );
  });

  test("replayLogs finds the same in a log and in its pieces, repeated and in any order", async () => {
    const lines = sample("attack.log.zst")
      .toString()
      .split(/(?<=\n)/)
      .slice(1000, 4000);
    const detections = shippedDetections();
    const options = { detections, redactor: REDACTOR };
    const whole = await replayLogs({ ...options, logs: [logOf("attack", lines.join(""))] });
    // Two apiservers: stages of one request in different logs, and a middle that both copies hold.
    const first = lines.filter((_, i) => i % 2 === 0 || (i > 800 && i < 1200));
    const second = lines.filter((_, i) => i % 2 === 1 || (i > 1000 && i < 1400));
    const parts = await replayLogs({ ...options, logs: [logOf("b", second.join("")), logOf("a", first.join(""))] });
    expect([...parts.findings]).toEqual([...whole.findings]);
    expect(parts.summary.log).toEqual(whole.summary.log);
    expect(parts.summary.duplicates).toBe(first.length + second.length - lines.length);
  });

  test("replayLogs shows events in order of time over all logs, each once", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.nat(20_000), { maxLength: 60 }), { minLength: 1, maxLength: 4 }),
        fc.constantFrom(300, 5000),
        async (logs, chunkBytes) => {
          const texts = logs.map((times) => linesOf(times.map((ms) => eventAt(ms))));
          const { times, summary, begun } = await look(texts.map((text, i) => logOf(`${i}`, text, chunkBytes)));
          const expected = [...new Set(logs.flat())].sort((a, b) => a - b);
          expect(times).toEqual(expected.map((ms) => eventAt(ms)["stageTimestamp"]));
          expect(summary.log.events + summary.duplicates).toBe(logs.flat().length);
          expect([1, 2]).toContain(begun);
        },
      ),
      { numRuns: 40 },
    );
  });

  test("replayLogs scans lines of a plain log for their times where guessing them is not enough", async () => {
    const decoy = eventAt(80_000, { annotations: { stageTimestamp: "2026-11-24T10:00:50.000000Z" } });
    const glued = linesOf([eventAt(40_000), eventAt(10_000)]).replace("\n", "");
    const log = plainLogOf(
      "x",
      `${linesOf([eventAt(90_000), eventAt(0), decoy])}${glued}${linesOf([eventAt(60_000)])}`,
    );
    const alarms: string[] = [];
    const { times, begun } = await look([log], {
      blocks: { blockBytes: 10 },
      onSort: () => alarms.splice(0),
      onLineAlarm: ({ reason, salvaged }) => alarms.push(`${reason} ${salvaged}`),
    });
    expect(times).toEqual([0, 10_000, 40_000, 60_000, 80_000, 90_000].map((ms) => eventAt(ms)["stageTimestamp"]));
    expect([alarms, begun]).toEqual([["not-json 2"], 2]);
  });

  test("replayLogs sorts a plain log of which more is of one time than it may hold", async () => {
    const shuffled = Array.from({ length: 500 }, (_, i) => eventAt(((i * 7919) % 500) * 60_000));
    const options = { blocks: { blockBytes: 2_000 }, merge: { maxHeldBytes: 50_000 } };
    const { times, begun } = await look([plainLogOf("x", linesOf(shuffled))], options);
    expect([times.length, begun]).toEqual([500, 2]);
    expect(times).toEqual(times.toSorted());
  });

  test("replayLogs merges many rotated logs without opening all of them at once", async () => {
    let open = 0;
    let most = 0;
    const logs = Array.from({ length: 40 }, (_, i): ReplayLog => {
      const inner = logOf(
        `${i}`,
        linesOf(Array.from({ length: 20 }, (__, k) => eventAt((39 - i) * 20_000 + k * 1000))),
        900,
      );
      return {
        name: inner.name,
        async *open() {
          open++;
          most = Math.max(most, open);
          try {
            yield* inner.open();
          } finally {
            open--;
          }
        },
      };
    });
    const { times, begun } = await look(logs);
    expect([times.length, begun, open]).toEqual([800, 1, 0]);
    expect(times).toEqual(times.toSorted());
    expect(most).toBeLessThan(6);
  });

  test("replayLogs sorts through temporary files what does not fit into memory", async () => {
    const shuffled = Array.from({ length: 500 }, (_, i) => eventAt(((i * 7919) % 500) * 60_000));
    const { times, begun } = await look([logOf("x", linesOf(shuffled))], { sort: { runBytes: 2000, maxFanIn: 3 } });
    expect([times.length, begun]).toEqual([500, 2]);
    expect(times).toEqual(times.toSorted());
  });

  test("replayLogs is not led astray by a time that stands in a body", async () => {
    const decoy = eventAt(1000, { annotations: { stageTimestamp: "2020-01-01T00:00:00.000000Z" } });
    const { times, begun } = await look([logOf("x", linesOf([eventAt(0), decoy, eventAt(2000)]))]);
    expect([times, begun]).toEqual([[0, 1000, 2000].map((ms) => eventAt(ms)["stageTimestamp"]), 2]);
  });

  test("replayLogs reads a log once that cannot be read again", async () => {
    let opened = 0;
    const inner = logOf("stdin", linesOf([eventAt(90_000), eventAt(0)]));
    const log: ReplayLog = {
      name: "stdin",
      isRepeatable: false,
      open() {
        opened++;
        return inner.open();
      },
    };
    const { times } = await look([log]);
    expect([opened, times]).toEqual([1, [eventAt(0), eventAt(90_000)].map((event) => event["stageTimestamp"])]);
  });

  test("replayLogs loses only what is unreadable, and names and counts it", async () => {
    const good = [0, 1000, 2000, 3000, 2500].map((ms) => JSON.stringify(eventAt(ms)));
    const [a = "", b = "", c = "", d = "", e = ""] = good;
    const old = JSON.stringify({ ...eventAt(1500), apiVersion: "audit.k8s.io/v2" });
    const text = [a, b.slice(0, 100), "\0\0\0\0", b + c, old, b, `${e}\r`, "", d.slice(0, 50)].join("\n");
    const broken = new IngestError("damaged-archive", "Cannot read to its end", { hint: "copy it again" });
    const damaged: ReplayLog = {
      name: "damaged",
      async *open() {
        yield Buffer.from(`${d}\n`);
        await Promise.reject(broken);
      },
    };
    const alarms: string[] = [];
    const failures: unknown[] = [];
    const { ids, summary } = await look([logOf("torn", text), damaged], {
      onSort: () => alarms.splice(0),
      onLineAlarm: ({ input, offset, reason }) => alarms.push(`${input} ${offset} ${reason}`),
      onUnreadable: (error, log) => failures.push([log, error]),
    });
    expect(ids).toEqual(["id-0", "id-1000", "id-2000", "id-2500", "id-3000"]);
    expect(failures).toEqual([["damaged", broken]]);
    expect(summary.logs).toMatchObject([
      {
        name: "torn",
        lines: 9,
        events: 4,
        salvaged: 2,
        duplicates: 1,
        undecidable: { "not-json": 5, "not-an-audit-event": 1 },
      },
      { name: "damaged", lines: 1, events: 1, problem: "Cannot read to its end" },
    ]);
    expect(alarms).toHaveLength(6);
    expect(alarms[0]).toBe(`0:torn ${a.length + 1} not-json`);
  });

  test("replayLogs salvages whole events of damaged lines, and finds in them what the daemon's pipeline finds", async () => {
    const lines = sample("attack.log.zst")
      .toString()
      .split("\n")
      .filter((line) => line !== "")
      .slice(1500, 3000);
    // Torn at all kinds of places, then the next line; NUL and marks between; two on one line.
    const damaged = lines
      .map((line, i) => (i % 7 === 0 ? line.slice(0, (i * 131) % line.length) : i % 41 === 0 ? line : `${line}\n`))
      .map((line, i) => (i % 29 === 3 ? `\0\0\0${line}` : i % 31 === 5 ? `\ufeff${line}` : line))
      .join("");
    const detections = shippedDetections();
    const live = await liveFindings(damaged, detections);
    const options = { detections, redactor: REDACTOR };
    const merged = await replayLogs({ ...options, logs: [logOf("x", damaged)] });
    const { events, salvaged, undecidable, from, to } = merged.summary.logs[0] ?? {};
    const unread = Object.values(undecidable ?? {}).reduce((sum, count) => sum + count, 0);
    expect((events ?? 0) - (salvaged ?? 0) + unread).toBe(damaged.split("\n").length - 1);
    expect(salvaged).toBeGreaterThan(250);
    expect(live.length).toBeGreaterThan(10);
    expect(JSON.parse(JSON.stringify([...merged.findings]))).toEqual(live);
    const sorted = await replayLogs({
      ...options,
      logs: [{ ...logOf("x", damaged), isRepeatable: false }],
      sort: { runBytes: 100_000 },
    });
    expect([...sorted.findings]).toEqual([...merged.findings]);
    expect(sorted.summary.logs[0]).toEqual({ ...merged.summary.logs[0], undecidable, from, to });
    expect(sorted.summary.log).toEqual(merged.summary.log);
  });

  test("replayLogs takes envelopes off where they stand, each event at its own time, and counts what stands in them", async () => {
    const [a, b, c, d, e] = [0, 4000, 1000, 3000, 2000].map((ms) => JSON.stringify(eventAt(ms)));
    const aks = JSON.stringify({ operationName: "x", properties: { log: `${b}\n` } });
    const over = (item: string | undefined): string => JSON.stringify([JSON.parse(item ?? "")], undefined, 2);
    const text = [a, aks, `{"kind":"EventList","items":[${c},5,${d}]}`, '{"items":[]}', over(e)].join("\n");
    for (const log of [plainLogOf("x", text), logOf("x", text)]) {
      const alarms: unknown[] = [];
      const { ids, summary } = await look([log], {
        onSort: () => alarms.splice(0),
        onLineAlarm: ({ offset, reason }) => alarms.push([offset, reason]),
      });
      expect(ids).toEqual(["id-0", "id-1000", "id-2000", "id-3000", "id-4000"]);
      expect(summary.logs[0]).toMatchObject({ lines: 6, events: 5, salvaged: 0, undecidable: { "not-json": 1 } });
      expect(alarms).toEqual([[text.indexOf(",5,") + 1, "not-json"]]);
    }
  });

  test("replayLogs keeps the head of a line that is too long", async () => {
    const long = eventAt(1000, { responseObject: { text: "x".repeat(17 * 1024 * 1024) } });
    const { annotations: _a, requestReceivedTimestamp, stageTimestamp, ...head } = long;
    const line = JSON.stringify({ ...head, requestReceivedTimestamp, stageTimestamp, annotations: {} });
    const { ids, summary } = await look([logOf("long", `${line}\n${linesOf([eventAt(0)])}`, 1024 * 1024)]);
    expect(ids).toEqual(["id-0", "id-1000"]);
    expect(summary.logs[0]).toMatchObject({
      events: 2,
      reduced: 1,
      bytes: line.length + JSON.stringify(eventAt(0)).length,
    });
  });

  test("replayLogs gives visitors the event redacted, and a finding when it is ready", async () => {
    const secret = eventAt(0, {
      level: "Request",
      verb: "create",
      requestURI: "/api/v1/namespaces/shop/secrets",
      objectRef: { resource: "secrets", namespace: "shop", apiVersion: "v1" },
      requestObject: { kind: "Secret", data: { password: "aHVudGVyMg==" } },
    });
    const shown: string[] = [];
    await look([logOf("x", linesOf([secret]))], {
      visitors: [{ event: (event) => shown.push(JSON.stringify(event.redacted()), JSON.stringify(event.original())) }],
    });
    expect(shown[0]).not.toContain("aHVudGVyMg==");
    expect(shown[0]).toContain("redacted:");
    expect(shown[1]).toContain("aHVudGVyMg==");
  });
});
