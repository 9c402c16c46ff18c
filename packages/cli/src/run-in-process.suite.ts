import { vi } from "vitest";
import { EXIT } from "./exit-code.ts";
import { runProgram } from "./program.ts";
import { auditsieve } from "./run-command.suite.ts";
import type { Ran } from "./run-command.suite.ts";
import { sayFailure } from "./say-failure.ts";

/** Standard output is one: commands take turns. */
let turn: Promise<unknown> = Promise.resolve();

/**
 * Runs a command in this process, which costs a tenth of a process of its own. Paths are relative to the checkout, where the tests
 * start.
 */
export function inProcess(args: readonly string[]): Promise<Ran> {
  const run = turn.then(() => runHere(args));
  turn = run.catch(() => undefined);
  return run;
}

/** As {@link auditsieve}, which see, without a process of its own where nothing is read from standard input. */
export async function auditsieveHere(args: readonly string[], stdin: string | Buffer = ""): Promise<Ran> {
  if (stdin.length > 0 || args.includes("-")) {
    return auditsieve(args, stdin);
  }
  const { code, stdout, stderr } = await inProcess(args);
  return { code, stdout: Buffer.from(stdout).toString("latin1"), stderr };
}

async function runHere(args: readonly string[]): Promise<Ran> {
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
    // The help is printed by the console, which tests have their own of.
    vi.spyOn(console, "log").mockImplementation((text: string) => void out.push(Buffer.from(`${text}\n`))),
  ];
  const code = await runProgram(args, "0.0.0")
    .catch(sayFailure)
    .finally(() => spies.forEach((spy) => spy.mockRestore()));
  return {
    code: code ?? EXIT.fine,
    stdout: Buffer.concat(out).toString("utf8"),
    stderr: Buffer.concat(err).toString("utf8"),
  };
}
