import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
export const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

export const ENVIRONMENT: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: "1" };

/** What a run of the command gave. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the real command in a process of its own, as a user would from the checkout. */
export function auditsieve(args: readonly string[], stdin: string | Buffer = ""): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args], { cwd: ROOT, env: ENVIRONMENT });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    child.on("error", reject);
    child.on("close", (code) =>
      resolve({ code, stdout: Buffer.concat(out).toString("latin1"), stderr: Buffer.concat(err).toString("utf8") }),
    );
    // A command that does not read its input closes the pipe: that is no failure of the test.
    child.stdin.on("error", () => {});
    child.stdin.end(stdin);
  });
}
