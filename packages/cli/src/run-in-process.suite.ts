import { Readable } from "node:stream";
import { vi } from "vitest";
import { EXIT } from "./exit-code.ts";
import { runProgram } from "./program.ts";
import type { Ran } from "./run-command.suite.ts";
import { sayFailure } from "./say-failure.ts";

/** Standard input and output are one each: commands take turns. */
let turn: Promise<unknown> = Promise.resolve();

/**
 * Runs a command in this process, which costs a tenth of a process of its own, and gives what it wrote as text. Paths are relative to
 * the checkout, where the tests start.
 */
export async function inProcess(args: readonly string[]): Promise<Ran> {
  const { stdout, ...ran } = await inTurn(args, "");
  return { ...ran, stdout: stdout.toString("utf8") };
}

/** As `auditsieve` of run-command.suite.ts, without a process of its own: what it wrote byte for byte, as latin1. */
export async function auditsieveHere(args: readonly string[], stdin: string | Buffer = ""): Promise<Ran> {
  const { stdout, ...ran } = await inTurn(args, stdin);
  return { ...ran, stdout: stdout.toString("latin1") };
}

const STOPPING = ["SIGTERM", "SIGINT"] as const;

type RanHere = Omit<Ran, "stdout"> & { readonly stdout: Buffer };

function inTurn(args: readonly string[], stdin: string | Buffer): Promise<RanHere> {
  const run = turn.then(() => runHere(args, stdin));
  turn = run.catch(() => undefined);
  return run;
}

async function runHere(args: readonly string[], stdin: string | Buffer): Promise<RanHere> {
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
  const input = Readable.from(stdin.length === 0 ? [] : [Buffer.from(stdin)]) as unknown as typeof process.stdin;
  const spies = [
    vi.spyOn(process, "stdin", "get").mockReturnValue(input),
    vi.spyOn(process.stdout, "write").mockImplementation(gather(out)),
    vi.spyOn(process.stderr, "write").mockImplementation(gather(err)),
    // The help is printed by the console, which tests have their own of.
    vi.spyOn(console, "log").mockImplementation((text: string) => void out.push(Buffer.from(`${text}\n`))),
  ];
  const heard = STOPPING.map((signal) => process.listeners(signal));
  const code = await runProgram(args, "0.0.0")
    .catch(sayFailure)
    .finally(() => spies.forEach((spy) => spy.mockRestore()));
  // A daemon listens until its process ends; eleven that do make Node warn, in whatever test comes then.
  for (const [i, signal] of STOPPING.entries()) {
    const added = process.listeners(signal).filter((listener) => heard[i]?.includes(listener) === false);
    added.forEach((listener) => process.off(signal, listener));
  }
  return {
    code: code ?? EXIT.fine,
    stdout: Buffer.concat(out),
    stderr: Buffer.concat(err).toString("utf8"),
  };
}
