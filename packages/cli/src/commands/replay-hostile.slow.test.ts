import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hostileLines, hostileLog, writeLines } from "../hostile-log.suite.ts";
import { ENVIRONMENT, MAIN, ROOT } from "../run-command.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-hostile-"));
const attack = join(folder, "attack.log");
const made = join(folder, "made-up.log");
const mixed = join(folder, "mixed.log");
afterAll(() => rmSync(folder, { recursive: true }));

const LINES = 12_000;
const MIXED_LINES = 25_000;
/** Of 100 KB and more each. */
const LONG_LINES = 250;
const START = Date.UTC(2026, 10, 24);

beforeAll(async () => {
  const lines = zstdDecompressSync(readFileSync(join(ROOT, "samples/attack.log.zst")))
    .toString("utf8")
    .trimEnd()
    .split("\n");
  const among = Array.from(hostileLog(lines, ["names"], LONG_LINES), (line) => line.slice(0, -1));
  await writeLines(
    attack,
    lines.map((line) => `${line}\n`),
  );
  await writeLines(made, hostileLines("everything", LINES, { start: START, stepMs: 5 }));
  await writeLines(
    mixed,
    hostileLog(among, ["identities", "objects", "addresses", "agents", "everything"], MIXED_LINES),
  );
}, 180_000);

/** Runs the command in a process whose heap may have so many megabytes: V8 ends one that needs more. */
function within(
  megabytes: number,
  args: readonly string[],
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  return new Promise((resolve, reject) => {
    const isShown = args.includes("json");
    const child = spawn(process.execPath, [`--max-old-space-size=${megabytes}`, MAIN, ...args], {
      cwd: ROOT,
      env: ENVIRONMENT,
      stdio: ["ignore", isShown ? "pipe" : "ignore", "pipe"],
    });
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    child.stdout?.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => err.push(chunk));
    child.on("error", reject);
    child.on("close", (code) => {
      const [stdout, stderr] = [out, err].map((chunks) => Buffer.concat(chunks).toString("utf8"));
      resolve({ code, stdout: stdout ?? "", stderr: stderr?.slice(-2_000) ?? "" });
    });
  });
}

interface Found {
  readonly detection: { readonly id: string };
  readonly actor?: string;
}

/** What is found of whom in a file of findings, without their events. */
function found(file: string): ReadonlySet<string> {
  const pairs = new Set<string>();
  for (const line of readFileSync(file, "latin1").split("\n")) {
    if (line !== "") {
      const { detection, actor = "" } = JSON.parse(`${line.slice(0, line.indexOf(',"events":['))}}`) as Found;
      pairs.add(`${detection.id} ${actor}`);
    }
  }
  return pairs;
}

const TIMEOUT_MS = 600_000;

describe("a log in which everything is new", () => {
  test.each(["1", "2"])(
    "auditsieve replay --threads %s with a report needs no more than 320 MB of heap",
    async (threads) => {
      const html = join(folder, `r${threads}.html`);
      const args = ["replay", "--threads", threads, "--html", html, "--output", "ndjson", made];
      const { code, stderr } = await within(320, args);
      expect({ code, stderr }).toMatchObject({ code: 0 });
      expect(statSync(html).size).toBeGreaterThan(1_000_000);
    },
    TIMEOUT_MS,
  );
});

describe("an attack among tens of thousands of made-up identities, objects, addresses, programs and long names", () => {
  test(
    "auditsieve filter --findings finds what it finds without them, in 320 MB of heap",
    async () => {
      const [alone, among] = [join(folder, "alone.ndjson"), join(folder, "among.ndjson")];
      expect(await within(320, ["filter", "--findings", alone, attack])).toMatchObject({ code: 0 });
      const { code, stderr } = await within(320, ["filter", "--findings", among, mixed]);
      expect({ code, stderr }).toMatchObject({ code: 0 });
      const [wanted, given] = [found(alone), found(among)];
      expect([...wanted].filter((pair) => !given.has(pair))).toEqual([]);
      expect(wanted.size).toBeGreaterThan(80);
      expect(given.size).toBeGreaterThan(10_000);
    },
    TIMEOUT_MS,
  );

  test(
    "auditsieve replay names the attacker's identities among the first hundred that stand out, in 320 MB of heap",
    async () => {
      const html = join(folder, "mixed.html");
      const args = ["replay", "--threads", "2", "--html", html, "--stories", "--output", "json", mixed];
      const { code, stdout, stderr } = await within(320, args);
      expect({ code, stderr }).toMatchObject({ code: 0 });
      const { identities } = JSON.parse(stdout) as { readonly identities: readonly { readonly name: string }[] };
      const labels = readFileSync(join(ROOT, "samples/attack-labels.jsonl"), "utf8").trim().split("\n");
      const attackers = new Set(labels.map((line) => (JSON.parse(line) as { readonly user: string }).user));
      attackers.delete("");
      const first = new Set(identities.slice(0, 100).map(({ name }) => name));
      expect([...attackers].filter((name) => !first.has(name))).toEqual([]);
      expect(identities.length).toBeGreaterThan(1_000);
      expect(statSync(html).size).toBeGreaterThan(1_000_000);
    },
    TIMEOUT_MS,
  );
});
