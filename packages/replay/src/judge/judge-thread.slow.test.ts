import { loadDetectionFiles } from "@auditsieve/detect";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  eventAt,
  linesOf,
  liveFindings,
  logOf,
  REDACTOR,
  ROOT,
  sample,
  shippedDetections,
} from "../replay-fixtures.suite.ts";
import { replayLogs } from "../replay-logs.ts";
import type { ReplayOptions } from "../replay-options.ts";
import { ReplayState } from "../state/replay-state.ts";
import { JudgeThread } from "./judge-thread.ts";

const detection = (n: number, selection: string): string => `title: Detection ${n}
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e${n}
level: high
logsource: { product: kubernetes, service: audit }
detection: { s: { ${selection} }, condition: s }
`;
const AUDIT_IDS = join(ROOT, "profiles/detections/stealth/audit-id-repeated.yml");
const TEXTS = {
  texts: [
    { file: "audit-ids.yml", text: readFileSync(AUDIT_IDS, "utf8") },
    { file: "secrets.yml", text: detection(10, "verb: get, objectRef.resource: secrets") },
    { file: "big.yml", text: detection(11, "verb: create, requestObject.kind: Big") },
    { file: "unknown.yml", text: detection(12, "verb: update, requestObject.a: b") },
    {
      file: "first.yml",
      text: `${detection(13, "objectRef.resource: nodes")}auditsieve: { first-seen: [user.username] }\n`,
    },
  ],
  exceptions: [],
  now: 0,
};
const KEY = Buffer.alloc(32, 7);
const folder = mkdtempSync(join(tmpdir(), "auditsieve-thread-"));

/** Many heads, findings that wait for a later stage, one that cannot be decided, lines that do not fit where others stand. */
const EVENTS = Array.from({ length: 3_000 }, (_, i) =>
  eventAt(i * 50 + (i % 3) * 170, {
    auditID: i % 400 === 1 ? "chosen" : `id-${i >> 1}`,
    stage: i % 2 === 0 ? "RequestReceived" : "ResponseComplete",
    user: { username: `user-${i % 71}` },
    ...(i % 50 < 2 && { verb: "get", objectRef: { resource: "secrets", name: `s-${i}` } }),
    ...(i % 97 === 3 && { verb: "update" }),
    ...(i % 83 === 5 && { objectRef: { resource: "nodes" } }),
    ...(i === 2_001 && {
      level: "Request",
      verb: "create",
      requestObject: { kind: "Big", spec: "x".repeat(1_100_000), data: { password: "geheim" } },
    }),
  }),
);

describe("JudgeThread", () => {
  let thread: JudgeThread;
  const { detections } = loadDetectionFiles(TEXTS.texts);
  const inThread = (): Pick<ReplayOptions, "thread"> => ({ thread: { judges: thread, redactionKey: KEY } });
  beforeAll(() => {
    thread = new JudgeThread();
    thread.load(TEXTS);
  });
  afterAll(async () => {
    await thread.close();
    rmSync(folder, { recursive: true });
  });

  async function replayed(log: string, more: Partial<ReplayOptions>): Promise<unknown> {
    const heads: string[] = [];
    const { findings, summary } = await replayLogs({
      logs: [logOf("a", log)],
      detections,
      redactor: REDACTOR,
      visitors: [{ begin: () => (heads.length = 0), event: ({ scan }) => heads.push(scan.text("auditID") ?? "") }],
      ...more,
    });
    return { findings: [...findings.lines()], summary, heads };
  }

  test.each([
    ["in order", EVENTS],
    // Read anew and sorted, by the same thread.
    ["in no order", EVENTS.toReversed()],
    ["in order again", EVENTS.slice(500)],
  ])("JudgeThread finds in a log %s what is found without it", async (_, events) => {
    const log = `${linesOf(events)}no event\n`;
    const direct = (await replayed(log, {})) as { readonly findings: readonly string[] };
    expect(direct.findings.length).toBeGreaterThan(60);
    expect(direct.findings.some((finding) => finding.includes("redacted:"))).toBe(true);
    expect(direct.findings.some((finding) => finding.includes("that another request had"))).toBe(true);
    expect(await replayed(log, inThread())).toEqual(direct);
  });

  test("JudgeThread goes on from a state, whoever judged before", async () => {
    const log = linesOf(EVENTS);
    const direct = await replayed(log, { visitors: [] });
    const stopAt = async (event: number, state: ReplayState, more: Partial<ReplayOptions>): Promise<void> => {
      const stop = new AbortController();
      let seen = 0;
      const visitor = { event: () => void (++seen === event && stop.abort()), snapshot: () => undefined };
      const stopped = replayed(log, { ...more, state, signal: stop.signal, visitors: [visitor] });
      await expect(stopped).rejects.toThrow("aborted");
      await state.close();
    };
    const open = (): Promise<ReplayState> => ReplayState.open(join(folder, "state"), [["log", "1"]]);
    await stopAt(700, await open(), inThread());
    await stopAt(700, await open(), {});
    const state = await open();
    expect(await replayed(log, { ...inThread(), state, visitors: [] })).toEqual(direct);
    await state.remove();
  });

  test("JudgeThread finds what the daemon's pipeline finds", async () => {
    const profiles = join(ROOT, "profiles/detections");
    const files = readdirSync(profiles, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".yml"));
    const texts = files.sort().map((file) => ({ file, text: readFileSync(join(profiles, file), "utf8") }));
    const judges = new JudgeThread();
    judges.load({ texts, exceptions: [], now: Date.now() });
    const log = sample("attack.log.zst");
    const live = await liveFindings(log, shippedDetections());
    const { findings } = await replayLogs({
      logs: [logOf("attack", log)],
      detections: shippedDetections(),
      redactor: REDACTOR,
      thread: { judges, redactionKey: KEY },
    });
    await judges.close();
    expect(live.length).toBeGreaterThan(100);
    expect(JSON.parse(JSON.stringify([...findings]))).toEqual(live);
  });

  test("JudgeThread that has ended makes the replay fail", async () => {
    const ended = new JudgeThread();
    await ended.close();
    const lost = replayed(linesOf(EVENTS), { thread: { judges: ended, redactionKey: KEY } });
    await expect(lost).rejects.toThrow("the thread of the detections has ended");
  });
});
