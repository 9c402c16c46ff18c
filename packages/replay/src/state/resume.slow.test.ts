import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { sample } from "../replay-fixtures.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-resume-slow-"));
afterAll(() => rmSync(folder, { recursive: true }));

const CHILD = fileURLToPath(new URL("resume-child.suite.ts", import.meta.url));
/** More than a loaded machine needs. */
const BOUND = 600_000;
const MOST_KILLS = 5;
/** The first life is killed at once: it must not end before, however fast the machine is. */
const MOST_MS = 400;
const RUN_BYTES = `${96 * 1024 * 1024}`;

interface Life {
  readonly code: number | null;
  readonly resumed: boolean;
}

/** One life of the child; with a state it is killed at most so much after it has saved that once, unless it has ended by then. */
function live(args: readonly string[], state?: string, mostMs = 0, file = "replay.state"): Promise<Life> {
  return new Promise((resolve, reject) => {
    const before = savedAt(state, file);
    const child = spawn(process.execPath, [CHILD, ...args], { stdio: ["ignore", "pipe", "inherit"] });
    const timer = setInterval(() => {
      if (savedAt(state, file) !== before) {
        clearInterval(timer);
        // Without its state it has done all, and only has to end: the next one would begin anew, rightly.
        setTimeout(() => savedAt(state, file) > 0 && child.kill("SIGKILL"), mostMs * Math.random());
      }
    }, 5);
    let out = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) => {
      clearInterval(timer);
      resolve({ code, resumed: out.includes("resumed") });
    });
  });
}

function savedAt(state: string | undefined, name: string): number {
  const file = state === undefined ? undefined : statSync(join(state, name), { throwIfNoEntry: false });
  return file?.mtimeMs ?? 0;
}

function hash(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

const lines = sample("attack.log.zst")
  .toString()
  .split(/(?<=\n)/);

describe("a replay that is killed", () => {
  test.each<[string, readonly Buffer[]]>([
    [
      "plain and packed logs of one time",
      [
        Buffer.from(lines.filter((_, i) => i % 3 > 0).join("")),
        gzipSync(lines.filter((_, i) => i % 3 === 0 || i % 10 === 1).join("")),
      ],
    ],
    ["a log that is not in order", [Buffer.from([...lines.slice(2000), ...lines.slice(0, 2000)].join(""))]],
  ])(
    "a replay of %s, killed at random moments, gives the same bytes as one that is not",
    async (what, contents) => {
      const logs = contents.map((content, i) => {
        const path = join(folder, `${what.length}-${i}.log`);
        writeFileSync(path, content);
        return path;
      });
      const whole = join(folder, `${what.length}-whole`);
      const first = await live([join(folder, `${what.length}-state-0`), whole, RUN_BYTES, ...logs]);
      expect(first).toEqual({ code: 0, resumed: false });

      const state = join(folder, `${what.length}-state-1`);
      const killed = join(folder, `${what.length}-killed`);
      const lives: Life[] = [];
      while (lives.at(-1)?.code !== 0 && lives.length < MOST_KILLS) {
        lives.push(await live([state, killed, RUN_BYTES, ...logs], state, lives.length === 0 ? 0 : MOST_MS));
      }
      if (lives.at(-1)?.code !== 0) {
        lives.push(await live([state, killed, RUN_BYTES, ...logs]));
      }
      expect(lives.at(-1)?.code).toBe(0);
      expect(lives.length).toBeGreaterThan(1);
      expect(lives.slice(1).map(({ resumed }) => resumed)).not.toContain(false);
      expect(hash(killed)).toBe(hash(whole));
      expect(existsSync(state)).toBe(false);
    },
    BOUND,
  );

  test(
    "a replay of packed logs that are shuffled, killed at random moments of the sorting, gives the same bytes as one that is not",
    async () => {
      const shuffled = [...lines.slice(1500), ...lines.slice(0, 1500).reverse()];
      const logs = [0, 1, 2].map((part) => {
        const path = join(folder, `shuffled-${part}.log.gz`);
        const torn = shuffled.filter((_, i) => i % 3 === part).map((line, i) => (i % 40 === 7 ? line.trimEnd() : line));
        writeFileSync(path, gzipSync(torn.join("")));
        return path;
      });
      const runBytes = `${512 * 1024}`;
      const whole = join(folder, "shuffled-whole");
      expect(await live([join(folder, "shuffled-state-0"), whole, runBytes, ...logs])).toEqual({
        code: 0,
        resumed: false,
      });

      const state = join(folder, "shuffled-state-1");
      const killed = join(folder, "shuffled-killed");
      const args = [state, killed, runBytes, ...logs];
      const lives: Life[] = [];
      while (lives.at(-1)?.code !== 0 && lives.length < MOST_KILLS + 1) {
        const file = lives.length % 3 < 2 ? "replay.sort" : "replay.state";
        lives.push(await live(args, state, lives.length === 0 ? 0 : MOST_MS, file));
      }
      if (lives.at(-1)?.code !== 0) {
        lives.push(await live(args));
      }
      expect(lives.length).toBeGreaterThan(1);
      expect(lives.slice(1).map(({ resumed }) => resumed)).not.toContain(false);
      expect(hash(killed)).toBe(hash(whole));
      expect(existsSync(state)).toBe(false);
    },
    BOUND,
  );
});
