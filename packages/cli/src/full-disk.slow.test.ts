import { spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { zstdDecompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENVIRONMENT, MAIN, ROOT } from "./run-command.suite.ts";

/** A loaded machine may take its time. */
const LOADED = 180_000;

const folder = mkdtempSync(join(tmpdir(), "auditsieve-full-disk-"));
const log = join(folder, "attack.log");
beforeAll(() => writeFileSync(log, zstdDecompressSync(readFileSync(join(ROOT, "samples/attack.log.zst")))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
}

/** Runs the command with files of at most so many KiB, as on a disk that has no more; what it says goes through a pipe. */
function withFilesUpTo(kib: number, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const limited = `ulimit -f ${kib}; exec "$@"`;
  return ended(
    spawn("bash", ["-c", limited, "bash", process.execPath, MAIN, ...args], {
      cwd: ROOT,
      env: { ...ENVIRONMENT, ...env },
      stdio: ["ignore", "ignore", "pipe"],
    }),
  );
}

function ended(child: ReturnType<typeof spawn>): Promise<Ended> {
  const said: Buffer[] = [];
  child.stderr?.on("data", (bytes: Buffer) => said.push(bytes));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stderr: Buffer.concat(said).toString("utf8") }));
  });
}

describe("a disk that is full", () => {
  test.for([
    ["replay", ["replay", "samples/small.log"]],
    ["replay as NDJSON", ["replay", "samples/small.log", "--output", "ndjson"]],
    ["filter", ["filter", "samples/small.log"]],
    ["rbac", ["rbac", "ops-carol", "samples/small.log"]],
  ] as const)("%s says that standard output takes no more, and exits 3", { timeout: LOADED }, async ([, args]) => {
    const full = openSync("/dev/full", "w");
    const { code, stderr } = await ended(
      spawn(process.execPath, [MAIN, ...args], { cwd: ROOT, env: ENVIRONMENT, stdio: ["ignore", full, "pipe"] }),
    ).finally(() => closeSync(full));
    expect(stderr).toContain("Cannot write to standard output: no space left on device\n  hint: Make space");
    expect(stderr.match(/Cannot write/g)).toHaveLength(1);
    expect(code).toBe(3);
  });

  test(
    "half a report is taken away",
    async () => {
      const report = join(folder, "report.html");
      const { code, stderr } = await withFilesUpTo(64, ["replay", "samples/small.log", "--html", report]);
      expect(stderr).toContain(`Cannot write the report to "${report}": file too large`);
      expect([code, existsSync(report)]).toEqual([3, false]);
    },
    LOADED,
  );

  test(
    "a manifest stays what it was, and takes the next replay",
    async () => {
      const manifest = join(folder, "case.manifest");
      const args = ["replay", "samples/small.log", "--seal", manifest];
      expect((await withFilesUpTo(1000, args)).code).toBe(0);
      const before = readFileSync(manifest);
      const { code, stderr } = await withFilesUpTo(Math.ceil(before.length / 1024) + 1, args);
      expect(stderr).toContain(`Cannot write the manifest "${manifest}": file too large`);
      expect(code).toBe(3);
      expect(readFileSync(manifest).equals(before)).toBe(true);
      expect((await withFilesUpTo(1000, args)).code).toBe(0);
    },
    LOADED,
  );

  test(
    "a query says where its events wait, is no bug, and leaves nothing there",
    async () => {
      const TMPDIR = mkdtempSync(join(folder, "tmp-"));
      const { code, stderr } = await withFilesUpTo(1000, ["query", "SELECT count(*) FROM events", log], { TMPDIR });
      expect(stderr).toContain("Cannot keep what the query needs on the disk");
      expect(stderr).toContain(`hint: Events wait in a folder of ${TMPDIR}`);
      expect(stderr).not.toContain("bug");
      expect([code, readdirSync(TMPDIR)]).toEqual([3, []]);
    },
    LOADED,
  );
});

test.for(["SIGINT", "SIGTERM"] as const)(
  "query stopped by %s exits 3 and leaves no event behind",
  { timeout: LOADED },
  async (signal) => {
    const TMPDIR = mkdtempSync(join(folder, "tmp-"));
    const endless = "SELECT sum(a.range * b.range + c.range) FROM range(1000000) a, range(1000000) b, range(1000) c";
    const child = spawn(process.execPath, [MAIN, "query", endless, log], {
      cwd: ROOT,
      env: { ...ENVIRONMENT, TMPDIR },
      stdio: ["ignore", "ignore", "pipe"],
    });
    const end = ended(child);
    while (readdirSync(TMPDIR).length === 0 && child.exitCode === null) {
      await sleep(20);
    }
    child.kill(signal);
    const { code, stderr } = await end;
    expect(stderr).toContain("Stopped by a signal");
    expect([code, readdirSync(TMPDIR)]).toEqual([3, []]);
  },
);
