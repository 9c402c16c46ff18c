import { appendFileSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DetectionEngine, loadDetections } from "@auditsieve/detect";
import { expect, test } from "vitest";
import { Child } from "../daemon/chaos-child.suite.ts";
import { FAULTS } from "../daemon/daemon-chaos.suite.ts";
import { chanceOf, detectionRules, eventLines, findingsOf } from "./detection-restart.suite.ts";
import { MockElasticsearch } from "../sinks/mock-elasticsearch.suite.ts";

/** `npm run chaos` runs longer. */
const SCALE = Number(process.env["CHAOS_SCALE"] ?? 1);
const KILLS = 40 * SCALE;

test(
  "killed at random moments, a daemon finds what one finds that is never stopped, and nothing else",
  async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const chance = chanceOf(seed);
    const folder = mkdtempSync(join(tmpdir(), "detection-kills-"));
    const mock = await MockElasticsearch.start();
    mock.slowMs = 10;
    mock.behave = () => FAULTS[Math.floor(chance() * FAULTS.length)] ?? "ok";
    const detections = join(folder, "rules.yml");
    writeFileSync(detections, detectionRules());
    const engine = new DetectionEngine(loadDetections(detectionRules(), "rules.yml").detections);
    const log = join(folder, "audit.log");
    const lines: string[] = [];
    let requests = 0;
    let rotations = 0;
    const append = (count: number): void => {
      const fresh = eventLines(count, chance, requests);
      requests += count;
      lines.push(...fresh);
      appendFileSync(log, fresh.map((line) => `${line}\n`).join(""));
    };
    append(30);
    const start = (): Promise<Child> => Child.start({ node: mock.url, folder, detections });
    let child = await start();
    try {
      const until = async (what: string, isDone: () => boolean): Promise<void> => {
        for (const limit = Date.now() + 240_000; !isDone(); await sleep(20)) {
          expect(Date.now(), `${what} (seed ${seed})`).toBeLessThan(limit);
        }
      };
      // The first look decides what counts as new: a file that is rotated away before it is not the daemon's business. It comes
      // after the first checkpoint, which says only that there was a run.
      const checkpoint = join(folder, "state", "checkpoint.json");
      await until(
        "a first position",
        () => existsSync(checkpoint) && readFileSync(checkpoint, "utf8").includes('"source/audit"'),
      );
      for (let kill = 0; kill < KILLS; kill++) {
        const end = Date.now() + chance() * 150;
        while (Date.now() < end) {
          append(1 + Math.floor(chance() * 8));
          if (chance() < 0.1) {
            renameSync(log, join(folder, `audit-2026-11-24T00-00-00.${String(rotations++).padStart(3, "0")}.log`));
            append(1);
          }
          await sleep(5);
        }
        await child.end("SIGKILL");
        append(5);
        child = await start();
      }
      mock.behave = () => "ok";
      const expected = idsOf(findingsOf(lines, engine));
      await until("all findings are stored", () => foundIn(mock).length >= expected.length);
      expect(await child.end("SIGTERM")).toBe(0);
      expect(foundIn(mock), `seed ${seed}`).toEqual(expected);
      expect(mock.duplicates).toBe(0);
      expect(expected.length).toBeGreaterThan(KILLS);
    } finally {
      await child.end("SIGKILL");
      await mock.stop();
      rmSync(folder, { recursive: true });
    }
  },
  600_000 * SCALE,
);

function idsOf(findings: readonly string[]): readonly string[] {
  return [...new Set(findings.map((text) => (JSON.parse(text) as { readonly id: string }).id))].toSorted();
}

function foundIn(mock: MockElasticsearch): readonly string[] {
  return [...mock.documents].flatMap(([id, document]) => ("rule" in document ? [id] : [])).toSorted();
}
