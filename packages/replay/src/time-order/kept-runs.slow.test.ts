import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { ReplayLog } from "../lines/log-reader.ts";
import { eventAt, logOf } from "../replay-fixtures.suite.ts";
import { sortLogs } from "./sort-logs.ts";
import { KeptRuns } from "./kept-runs.ts";
import { ReplayState } from "../state/replay-state.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-kept-"));
afterAll(() => rmSync(folder, { recursive: true }));

const COUNT = 600;
const SECRET = "a secret that stands in a body";
const TEXT = Array.from({ length: COUNT }, (_, i) => {
  const event = JSON.stringify({ ...eventAt(((i * 7919) % COUNT) * 1000), requestObject: { secret: SECRET } });
  // Glued and torn ones are sorted like others.
  return i % 50 === 7 ? `{"kind":"Event","apiVersion":"audit.k8s.io/v1","le${event}` : event;
}).join("\n");

interface Watched extends ReplayLog {
  /** Where reading began, each time. */
  readonly begun: number[];
}

function watched(digest = "of this content"): Watched {
  const begun: number[] = [];
  const open = (offset: number): AsyncIterable<Buffer> => {
    begun.push(offset);
    return logOf("a", Buffer.from(TEXT).subarray(offset), 5000).open();
  };
  return { name: "a", begun, open: () => open(0), openAt: open, digest: () => Promise.resolve(digest) };
}

/** The sorted lines as texts; those of a life that ends while it reads the chunk that is `dieAt` are none. */
async function sorted(state: ReplayState | undefined, log: ReplayLog, dieAt = Infinity): Promise<readonly string[]> {
  const stop = new AbortController();
  let chunks = 0;
  const dying: ReplayLog = {
    ...log,
    async *openAt(offset) {
      for await (const chunk of log.openAt?.(offset) ?? log.open()) {
        if (++chunks === dieAt) {
          stop.abort();
        }
        yield chunk;
      }
    },
    open: () => dying.openAt?.(0) as AsyncIterable<Buffer>,
  };
  const texts: string[] = [];
  const kept = state && (await KeptRuns.open(state, [dying]));
  const options = { kept, runBytes: 20_000, maxFanIn: 4, signal: stop.signal, onUnreadable: () => undefined };
  for await (const batch of sortLogs([dying], options)) {
    texts.push(...batch.map(({ bytes, start, end, offset }) => `${offset} ${bytes.toString("utf8", start, end)}`));
  }
  return texts;
}

function open(name: string): Promise<ReplayState> {
  return ReplayState.open(join(folder, name), [["logs", "1"]]);
}

function runsIn(state: ReplayState): readonly string[] {
  return readdirSync(state.folder).filter((name) => name.endsWith(".run"));
}

describe("KeptRuns", () => {
  test("KeptRuns lets sorting that was stopped go on from its runs, again and again, with the same lines", async () => {
    const whole = await sorted(undefined, watched());
    expect(whole.length).toBeGreaterThan(COUNT);
    const log = watched();
    for (const dieAt of [12, 9, 14]) {
      const state = await open("again");
      await expect(sorted(state, log, dieAt)).rejects.toThrow();
      await state.close();
    }
    const state = await open("again");
    expect(await sorted(state, log)).toEqual(whole);
    expect(log.begun[0]).toBe(0);
    expect(log.begun.slice(1).every((offset, i) => offset > (log.begun[i] as number))).toBe(true);
    // All is in runs: nothing is read again.
    const reads = log.begun.length;
    expect(await sorted(state, log)).toEqual(whole);
    expect(log.begun.length).toBe(reads);
    await state.remove();
    expect(existsSync(state.folder)).toBe(false);
  });

  test("KeptRuns holds nothing that can be read without the logs", async () => {
    const state = await open("secret");
    await sorted(state, watched());
    const files = readdirSync(state.folder).map((name) => readFileSync(join(state.folder, name)));
    expect(runsIn(state).length).toBeGreaterThan(0);
    expect(files.some((bytes) => bytes.includes(SECRET) || bytes.includes("auditID"))).toBe(false);
    await state.remove();
  });

  test.each<[string, (state: ReplayState) => Watched]>([
    ["of other content", () => watched("of another content")],
    [
      "that are damaged",
      (state) => {
        const path = join(state.folder, runsIn(state)[0] as string);
        const bytes = readFileSync(path);
        bytes[100] = (bytes[100] as number) ^ 1;
        writeFileSync(path, bytes);
        return watched();
      },
    ],
    [
      "that are cut off",
      (state) => {
        const path = join(state.folder, runsIn(state)[0] as string);
        writeFileSync(path, readFileSync(path).subarray(0, -1));
        return watched();
      },
    ],
    [
      "whose manifest was changed",
      (state) => {
        const path = join(state.folder, "replay.sort");
        writeFileSync(path, readFileSync(path, "utf8").replace('"micros":', '"micros":1'));
        return watched();
      },
    ],
  ])("KeptRuns uses no runs %s: sorting begins anew, and they are gone", async (what, change) => {
    const state = await open(what);
    await expect(sorted(state, watched(), 15)).rejects.toThrow();
    const before = runsIn(state);
    expect(before.length).toBeGreaterThan(0);
    const log = change(state);
    expect(await sorted(state, log)).toEqual(await sorted(undefined, watched()));
    expect(log.begun).toEqual([0]);
    await state.remove();
    expect(existsSync(state.folder)).toBe(false);
  });

  test("KeptRuns keeps nothing of a log that cannot tell what it holds", async () => {
    const state = await open("untold");
    expect(await KeptRuns.open(state, [watched(), logOf("b", TEXT)])).toBe(undefined);
    await state.remove();
  });
});
