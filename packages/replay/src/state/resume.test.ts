import { createRedactor } from "@auditsieve/audit";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { eventAt, linesOf, logOf } from "../replay-fixtures.suite.ts";
import { replayLogs } from "../replay-logs.ts";
import { ReplayState } from "./replay-state.ts";
import type { ReplayIdentity } from "./replay-state.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-resume-"));
afterAll(() => rmSync(folder, { recursive: true }));

const IDENTITY: ReplayIdentity = [["logs", "1"]];
const KEY = Buffer.alloc(32, 5);
let states = 0;

describe("replayLogs with a state", () => {
  test.each([97, 150])("replayLogs told to stop at event %i saves first, and reads no line twice", async (stopAt) => {
    const path = join(folder, `stopped-${stopAt}`);
    // Out of order as an apiserver may write.
    const lines = Array.from({ length: 400 }, (_, i) => eventAt(i * 1_000 + (i % 3) * 1_700));
    const logs = [logOf("a", linesOf(lines), 4_000)];
    const seen: string[] = [];
    const look = (stop: AbortController | undefined): Parameters<typeof replayLogs>[0]["visitors"] => [
      {
        event({ scan }) {
          seen.push(scan.text("auditID") ?? "");
          if (seen.length === stopAt) {
            stop?.abort();
          }
        },
        snapshot: () => undefined,
      },
    ];
    const options = { logs, detections: [], redactor: createRedactor({ key: KEY }) };
    const stop = new AbortController();
    const state = await ReplayState.open(path, IDENTITY);
    const stopped = replayLogs({ ...options, state, signal: stop.signal, visitors: look(stop) ?? [] });
    await expect(stopped).rejects.toThrow("aborted");
    await state.close();
    const next = await ReplayState.open(path, IDENTITY);
    const { summary } = await replayLogs({ ...options, state: next, visitors: look(undefined) ?? [] });
    await next.remove();
    const inOrder = lines.toSorted((a, b) => (String(a["stageTimestamp"]) < String(b["stageTimestamp"]) ? -1 : 1));
    expect(seen).toEqual(inOrder.map(({ auditID }) => auditID));
    expect(summary.log.events).toBe(400);
  });
});

describe("ReplayState", () => {
  test("ReplayState keeps its key and its data, for its owner only, and one process has it at a time", async () => {
    const path = join(folder, "kept");
    const first = await ReplayState.open(path, IDENTITY);
    await expect(ReplayState.open(path, IDENTITY)).rejects.toThrow("uses it");
    const shared = { a: 1 };
    await first.save({ map: new Map([[shared, shared]]) });
    await first.close();
    const second = await ReplayState.open(path, IDENTITY);
    expect(second.key.equals(first.key)).toBe(true);
    const { map } = second.take() as { readonly map: Map<object, object> };
    expect([...map].every(([key, value]) => key === value)).toBe(true);
    expect(second.take()).toBeUndefined();
    expect([statSync(path).mode & 0o777, statSync(join(path, "replay.state")).mode & 0o777]).toEqual([0o700, 0o600]);
    await second.close();
  });

  test.each<[string, ReplayIdentity, string]>([
    [
      "a log that has changed",
      [
        ["version", "1"],
        ['"a.log"', "2 bytes"],
      ],
      '"a.log": changed',
    ],
    ["a log that is gone", [["version", "1"]], '"a.log": gone'],
    [
      "another log",
      [
        ["version", "1"],
        ['"a.log"', "1 byte"],
        ['"b.log"', "1"],
      ],
      '"b.log": new',
    ],
  ])("ReplayState refuses %s, and says what to do", async (_what, identity, said) => {
    const path = join(folder, `other-${states++}`);
    const state = await ReplayState.open(path, [
      ["version", "1"],
      ['"a.log"', "1 byte"],
    ]);
    await state.save({});
    await state.close();
    const refused = await ReplayState.open(path, identity).catch((error: unknown) => error);
    expect(refused).toMatchObject({ name: "IngestError", hint: expect.stringContaining("same command") as string });
    expect(String(refused)).toContain(said);
  });

  test("ReplayState says that a state is damaged, and touches nothing else in a folder", async () => {
    const path = join(folder, "damaged");
    mkdirSync(path);
    writeFileSync(join(path, "notes.txt"), "mine");
    const state = await ReplayState.open(path, IDENTITY);
    await state.save({ text: "x".repeat(100) });
    await state.close();
    const file = join(path, "replay.state");
    copyFileSync(file, `${file}.copy`);
    writeFileSync(file, readFileSync(file).subarray(0, -10));
    await expect(ReplayState.open(path, IDENTITY)).rejects.toThrow("damaged");
    writeFileSync(file, "no state");
    await expect(ReplayState.open(path, IDENTITY)).rejects.toThrow("damaged");
    copyFileSync(`${file}.copy`, file);
    rmSync(`${file}.copy`);
    const again = await ReplayState.open(path, IDENTITY);
    await again.remove();
    expect(readFileSync(join(path, "notes.txt"), "utf8")).toBe("mine");
    expect(existsSync(file)).toBe(false);
  });
});
