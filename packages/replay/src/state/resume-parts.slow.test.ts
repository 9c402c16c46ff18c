import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRedactor } from "@auditsieve/audit";
import type { Redactor } from "@auditsieve/audit";
import { IngestError } from "@auditsieve/ingest";
import { loadStreamPolicy, StreamPolicy } from "@auditsieve/policy";
import { afterAll, describe, expect, test } from "vitest";
import { OtherFindings } from "../compare/compare-findings.ts";
import type { ReplayLog } from "../lines/log-reader.ts";
import { logOf, plainLogOf, sample, shippedDetections } from "../replay-fixtures.suite.ts";
import { replayLogs } from "../replay-logs.ts";
import { buildReport } from "../report/build-report.ts";
import { FactGatherer } from "../facts/gather-facts.ts";
import { ReplayState } from "./replay-state.ts";
import type { ReplayIdentity } from "./replay-state.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-parts-"));
afterAll(() => rmSync(folder, { recursive: true }));

const IDENTITY: ReplayIdentity = [["logs", "1"]];
const KEY = Buffer.alloc(32, 5);
/** A loaded machine may take its time. */
const LOADED = 180_000;
let states = 0;
let sortedAgain = 0;

class Killed extends Error {}

function stream(): StreamPolicy {
  const loaded = loadStreamPolicy(
    "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: None, verbs: [list] }, { level: Metadata }]\n",
  );
  if (loaded.outcome !== "accepted") {
    throw new Error("the policy of the test does not load");
  }
  return new StreamPolicy(loaded.rules);
}

/** All that a replay gives; what is long as its hash. `dieAt` ends it at that event as kill -9 would, without a chance to save. */
async function replayed(
  logs: readonly ReplayLog[],
  options: { readonly state?: ReplayState; readonly dieAt?: number; readonly runBytes?: number },
): Promise<Readonly<Record<string, unknown>>> {
  const { state, dieAt = Infinity, runBytes } = options;
  const redactor: Redactor = createRedactor({ key: KEY });
  const detections = shippedDetections();
  const gatherer = new FactGatherer();
  const other = new OtherFindings(
    { detections, policy: stream(), redactor },
    { heldBytes: 50_000, ...(state && { file: state.path("compared") }) },
  );
  let events = 0;
  const death = {
    begin: () => {
      events = 0;
    },
    event: () => {
      if (++events === dieAt) {
        throw new Killed();
      }
    },
    snapshot: () => undefined,
  };
  const told: string[] = [];
  const replay = await replayLogs({
    logs,
    detections,
    redactor,
    selection: { minSeverity: "low" },
    findings: { heldBytes: 100_000 },
    saveEveryMs: 20,
    blocks: { blockBytes: 20_000 },
    onSortAgain: () => sortedAgain++,
    ...(state && { state }),
    ...(runBytes !== undefined && { sort: { runBytes } }),
    visitors: [gatherer, other, death],
    onUnreadable: (error, log) => told.push(`${log}: ${error instanceof IngestError ? error.hint : String(error)}`),
  });
  const { findings, summary } = replay;
  const facts = gatherer.facts();
  const undecided = Object.fromEntries(summary.couldNotDecide.map(({ id, requests }) => [id, requests]));
  const { changes, ...compared } = other.compareWith(findings, undecided, { isOlder: false });
  const madeAt = new Date("2026-11-26T00:00:00Z");
  const report = await buildReport({ facts, findings, summary, redactor, logs, tool: "test", madeAt });
  const { events: shown, actors, stories, objects, ...rest } = report;
  const all = {
    number: findings.size,
    findings: hash([...findings]),
    summary: hash(summary),
    changes: hash([...changes]),
    compared: hash(compared),
    shown: hash(shown),
    actors: hash(actors),
    stories: hash(stories),
    objects: hash(objects),
    report: hash(rest),
    told,
  };
  replay.close();
  other.close();
  return all;
}

function hash(data: unknown): string {
  return createHash("sha256").update(JSON.stringify(data)).digest("hex").slice(0, 16);
}

/** The same, killed at those events one after the other. */
async function withKills(
  logs: readonly ReplayLog[],
  dieAt: readonly number[],
  runBytes?: number,
): ReturnType<typeof replayed> {
  const path = join(folder, `state-${states++}`);
  const size = runBytes === undefined ? {} : { runBytes };
  for (const [i, at] of dieAt.entries()) {
    const state = await ReplayState.open(path, IDENTITY);
    const death = await replayed(logs, { state, dieAt: at, ...size }).then(
      () => undefined,
      (error: unknown) => error,
    );
    await state.close();
    // What is saved depends on the time: on a slow machine less may be left than the next one would die of.
    if (death !== undefined || i === 0) {
      expect(death).toBeInstanceOf(Killed);
    }
  }
  const state = await ReplayState.open(path, IDENTITY);
  const all = await replayed(logs, { state, ...size });
  await state.remove();
  expect(existsSync(path)).toBe(false);
  return all;
}

const LINES = sample("attack.log.zst")
  .toString()
  .split(/(?<=\n)/)
  .slice(1600, 2900);

describe("replayLogs with a state", () => {
  test(
    "replayLogs that is killed again and again gives the same, byte for byte, as one that is not",
    async () => {
      const broken = new IngestError("damaged-archive", "Cannot read to its end", { hint: "copy it again" });
      const inner = logOf("b", LINES.filter((_, i) => i % 2 === 1).join(""), 20_000);
      const damaged: ReplayLog = {
        name: "b",
        async *open() {
          yield* inner.open();
          await Promise.reject(broken);
        },
      };
      const torn = `${LINES.filter((_, i) => i % 2 === 0 || i % 50 === 1).join("")}{"torn":`;
      const logs = [logOf("a", torn, 30_000), damaged];
      const whole = await replayed(logs, {});
      expect(await withKills(logs, [200, 700, 300])).toEqual(whole);
      expect(whole).toMatchObject({ told: ["b: copy it again"] });
    },
    LOADED,
  );

  test(
    "replayLogs of logs that are not in order goes on in the sorted order",
    async () => {
      // Some are torn or glued together: whole events in them are sorted like others.
      const shuffled = [...LINES.slice(400), ...LINES.slice(0, 400)]
        .map((line, i) => (i % 40 === 7 ? line.trimEnd() : i % 53 === 5 ? line.slice(0, 300) : line))
        .join("");
      const logs = [logOf("a", shuffled, 30_000)];
      const whole = await replayed(logs, { runBytes: 400_000 });
      expect(await withKills(logs, [1100, 300], 400_000)).toEqual(whole);
      expect(sortedAgain).toBeGreaterThan(0);
    },
    LOADED,
  );

  test.each([
    ["whole lines", (line: string) => line],
    ["torn and glued lines", (line: string, i: number) => (i % 40 === 7 ? line.trimEnd() : line)],
  ])(
    "replayLogs of plain logs that are not in order goes on where it was, with %s",
    async (_what, written) => {
      const parts = [LINES.slice(800), LINES.slice(0, 500), LINES.slice(300, 900)];
      const logs = parts.map((lines, i) => plainLogOf(`${i}`, lines.map(written).join(""), 30_000));
      const [a, b, c] = logs as [ReplayLog, ReplayLog, ReplayLog];
      const glued = plainLogOf("d", parts.flat().map(written).join(""), 30_000);
      const sortedBefore = sortedAgain;
      const whole = await replayed([glued, a, b, c], {});
      expect(await withKills([glued, a, b, c], [200, 1100, 300])).toEqual(whole);
      expect(sortedAgain).toBe(sortedBefore);
    },
    LOADED,
  );
});
