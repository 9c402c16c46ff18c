import { vi } from "vitest";
import { EXIT } from "./exit-code.ts";
import { Failure } from "./failure.ts";
import { runProgram } from "./program.ts";
import type { Ran } from "./run-command.suite.ts";

/** Runs a command in this process, which is much faster than a process of its own; one at a time, with absolute paths. */
export async function inProcess(args: readonly string[]): Promise<Ran> {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  const gather =
    (to: Buffer[]): typeof process.stdout.write =>
    (chunk: string | Uint8Array, done?: unknown) => {
      to.push(Buffer.from(chunk as string));
      if (typeof done === "function") {
        done();
      }
      return true;
    };
  const spies = [
    vi.spyOn(process.stdout, "write").mockImplementation(gather(out)),
    vi.spyOn(process.stderr, "write").mockImplementation(gather(err)),
  ];
  const code = await runProgram(args, "0.0.0")
    .catch((error: unknown) => {
      if (!(error instanceof Failure)) {
        throw error;
      }
      err.push(Buffer.from(`${error.message}\n  hint: ${error.hint}\n`));
      return error.exitCode;
    })
    .finally(() => spies.forEach((spy) => spy.mockRestore()));
  return {
    code: code ?? EXIT.fine,
    stdout: Buffer.concat(out).toString("utf8"),
    stderr: Buffer.concat(err).toString("utf8"),
  };
}
