import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { ENGINES } from "./engines/engine-cache.ts";

const NAME = /^auditsieve-tests-(\d+)$/;

let outside: string | undefined;

/**
 * Vitest's global setup: a run has one folder for what its tests write down, and takes it away at its end, whatever they leave behind.
 * A run that was killed cannot: the next one takes away what it left.
 */
export function setup(): void {
  if (NAME.test(basename(tmpdir()))) {
    // Both tiers are run: the first has made the folder.
    return;
  }
  outside = tmpdir();
  for (const name of readdirSync(outside)) {
    const [, owner] = NAME.exec(name) ?? [];
    if (owner !== undefined && !isRunning(Number(owner))) {
      remove(join(outside, name));
    }
  }
  const folder = join(outside, `auditsieve-tests-${process.pid}`);
  // Servers that will not run as root come by.
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  // What takes minutes to make outlives the run.
  process.env["AUDITSIEVE_ENGINES"] = ENGINES;
  process.env["TMPDIR"] = folder;
}

/** Once, by whoever has made the folder. */
export function teardown(): void {
  if (outside !== undefined) {
    process.env["TMPDIR"] = outside;
    remove(join(outside, `auditsieve-tests-${process.pid}`));
    outside = undefined;
  }
}

/** A folder on which something is mounted, or of another user, is not worth a failed run. */
function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  } catch (error) {
    process.stderr.write(`Cannot remove ${folder}: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
