import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ENGINES } from "../engine-cache.ts";

/** A Sigma rule as text, and events that it is tried on. */
export interface SigmaQuestion {
  readonly rule: string;
  readonly events: readonly object[];
  /** The rule holds a correlation: a hit is then an event at which it fires. */
  readonly seconds?: readonly number[];
  /** Id of the correlation that is asked about, where the rule holds several. */
  readonly asked?: string;
  /** Processing pipelines, each a YAML document. */
  readonly pipelines?: readonly string[];
}

/** Which events hit; or that the rule is refused, or asks for something that the oracle's evaluator does not know. */
export interface SigmaAnswer {
  readonly hits?: readonly boolean[];
  /** What a correlation has measured where it fires. */
  readonly values?: readonly (number | null)[];
  readonly refused?: string;
  readonly unsupported?: string;
}

/** Another program that knows Sigma. */
export interface SigmaOracle {
  readonly ask: (question: SigmaQuestion) => Promise<SigmaAnswer>;
  readonly stop: () => void;
}

const SOURCES = fileURLToPath(new URL(".", import.meta.url));
const run = promisify(execFile);

/** rsigma 0.23.0, built with the versions of Cargo.lock. */
export async function startRsigma(cacheFolder: string = cache()): Promise<SigmaOracle> {
  const folder = join(cacheFolder, "rsigma");
  await cp(SOURCES, folder, { recursive: true, preserveTimestamps: true });
  // A dependency asks for a newer compiler than it needs.
  await run("cargo", ["build", "--release", "--locked", "--ignore-rust-version"], { cwd: folder, maxBuffer: 1 << 24 });
  return start(join(folder, "target/release/sigma-oracle"), []);
}

/** pySigma 1.5.1 with the versions of requirements.txt. */
export async function startPySigma(cacheFolder: string = cache()): Promise<SigmaOracle> {
  const folder = join(cacheFolder, "pysigma");
  if (!existsSync(join(folder, "sigma"))) {
    await mkdir(folder, { recursive: true });
    const args = [
      "-m",
      "pip",
      "install",
      "--quiet",
      "--no-deps",
      "--target",
      folder,
      "-r",
      join(SOURCES, "requirements.txt"),
    ];
    await run("python3", args, { maxBuffer: 1 << 24 });
  }
  return start("python3", [join(SOURCES, "pysigma_oracle.py")], { PYTHONPATH: folder });
}

function cache(): string {
  return join(ENGINES, "sigma-oracle");
}

function start(command: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): SigmaOracle {
  const child = spawn(command, args, { env: { ...process.env, ...environment }, stdio: ["pipe", "pipe", "inherit"] });
  const waiting: { readonly resolve: (answer: SigmaAnswer) => void; readonly reject: (error: Error) => void }[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    waiting.shift()?.resolve(JSON.parse(line) as SigmaAnswer);
  });
  let ended: Error | undefined;
  const fail = (error: Error): void => {
    ended = error;
    waiting.splice(0).forEach(({ reject }) => reject(error));
  };
  child.on("error", fail);
  child.on("exit", (code) => fail(new Error(`The Sigma oracle ended with ${code}`)));
  return {
    ask: (question) =>
      new Promise((resolve, reject) => {
        if (ended !== undefined) {
          reject(ended);
          return;
        }
        waiting.push({ resolve, reject });
        child.stdin.write(`${JSON.stringify(question)}\n`);
      }),
    stop: () => {
      child.removeAllListeners("exit");
      child.kill();
    },
  };
}
