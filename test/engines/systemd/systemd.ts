import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const START = fileURLToPath(new URL("start.sh", import.meta.url));
const READY_TIMEOUT_MS = 30_000;

export interface RunningSystemd {
  /** Runs a command where its units run; gives what it says, and its exit code. */
  run(command: string, ...args: readonly string[]): { readonly status: number | null; readonly text: string };
  /** Ends it and all of its units at once. */
  stop(): Promise<void>;
}

/**
 * Starts the systemd of this machine as the manager of root's own units, apart from everything else: what lies in `etc`, `bin`, `log` and `run` of
 * `layer` is /etc and /usr/bin (over what is there), /var/log and /run/test of its units; /var/lib is empty and goes with it.
 */
export async function startSystemd(layer: string): Promise<RunningSystemd> {
  for (const folder of ["etc", "bin", "log", "run"]) {
    mkdirSync(join(layer, folder), { recursive: true });
  }
  const name = `auditsieve-test-${process.pid}`;
  const child = spawn("bash", [START, name, layer, ROOT], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString("utf8")));
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString("utf8")));
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const kill = (): void => {
    child.kill("SIGKILL");
  };
  // A test run that is cut short leaves nothing behind.
  process.once("exit", kill);
  const inside = (): string => readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim();
  const run: RunningSystemd["run"] = (command, ...args) => {
    const where = ["--target", inside(), "--mount", "--pid", "--cgroup"];
    const env = ["env", "XDG_RUNTIME_DIR=/run/user", command, ...args];
    const { status, stdout, stderr } = spawnSync("nsenter", [...where, ...env], { encoding: "utf8" });
    return { status, text: `${stdout}${stderr}`.trim() };
  };
  const stop = async (): Promise<void> => {
    process.removeListener("exit", kill);
    kill();
    await ended;
    const groups = ["", "systemd", "unified"].map((hierarchy) => join("/sys/fs/cgroup", hierarchy, name));
    for (const group of groups.filter((each) => existsSync(each))) {
      await removeGroup(group);
    }
  };
  const limit = Date.now() + READY_TIMEOUT_MS;
  while (child.exitCode !== null || inside() === "" || run("systemctl", "--user", "is-system-running").status !== 0) {
    if (child.exitCode !== null || Date.now() > limit) {
      await stop();
      throw new Error(`Cannot start systemd as a manager of its own: ${said.trim() || "it is not ready in time"}`);
    }
    await sleep(100);
  }
  return { run, stop };
}

/** A control group can be removed once the last process in it has gone, which takes a moment after it was killed. */
async function removeGroup(folder: string): Promise<void> {
  for (const { name } of readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
    await removeGroup(join(folder, name));
  }
  for (let attempt = 1; ; attempt++) {
    try {
      rmdirSync(folder);
      return;
    } catch (error) {
      if (attempt === 50) {
        throw error;
      }
      await sleep(100);
    }
  }
}
